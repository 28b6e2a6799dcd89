"""The shape of the code, held by reading it: layers, cycles, fences, sizes, docstrings, exports.

Nothing here imports the package, so a module that cannot even be imported is still judged.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PACKAGE = PROJECT / "hyperstore"
LAYERS = [
    "errors limits ids codec",
    "storage",
    "tree",
    "history",
    "frames media",
    "dataset",
    "query",
    "maintenance remotes",
    "formats integrations viewer allegroai",
    "cli __main__",
]
SUBLAYERS = {
    "query": [
        "order checks",
        "language",
        "index",
        "versionsets",
        "selection",
        "iteration",
        "statistics tabular",
        "locks",
        "views",
        "dataview splits tables sql",
    ],
}
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names.split()}
FENCES = {
    "lmdb": "storage/environment.py",
    "msgspec": "codec.py",
    "msgpack": "codec.py",
    "blake3": "ids.py",
    "xxhash": "ids.py",
    "PIL": "media/",
    "pyarrow": "query/tables.py",
    "duckdb": "query/sql.py",
    "click": "cli/",
    "rich": "cli/",
}
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
CODE = {str(path.relative_to(PACKAGE)): path.read_text() for path in PACKAGE.rglob("*.py")}
TREES = {name: ast.parse(text) for name, text in CODE.items()}
TESTS = sorted((PROJECT / "tests").rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef

modules = pytest.mark.parametrize("name", sorted(CODE))


def dotted(name: str) -> str:
    """Return the import name of a file of the package."""
    return "hyperstore." + name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


NAMES = {"hyperstore" if name == "__init__.py" else dotted(name): name for name in CODE}


def imports(name: str) -> Iterator[str]:
    """Yield every module imported anywhere in a file: in functions and for type checkers too."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno} imports relatively"
            base = node.module or ""
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in NAMES else base


def functions(tree: ast.Module) -> Iterator[Function]:
    """Yield every function and method, nested ones included."""
    yield from (node for node in ast.walk(tree) if isinstance(node, Function))


def body_lines(function: Function) -> int:
    """Return how many lines a function's body has, its docstring left out."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return function.body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]


def exported(tree: ast.Module) -> list[list[str]]:
    """Return the value of every `__all__` in a module."""
    return [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(each, ast.Name) and each.id == "__all__" for each in node.targets)
    ]


def constants_classes_rest(name: str) -> tuple[int, str]:
    """Sort names as the linter does: constants, then classes, then the rest."""
    return (0 if name.isupper() else 1 if name.lstrip("_")[:1].isupper() else 2, name)


def rank(parts: Sequence[str]) -> tuple[int, int]:
    """Return how high a module stands: its layer, and within some layers its folder."""
    layer = parts[0]
    within = SUBLAYERS.get(layer, []) if len(parts) > 1 else []
    order = {each: number for number, names in enumerate(within) for each in names.split()}
    return LAYER[layer], order[parts[1]] if within else 0


@modules
def test_imports_point_down(name: str) -> None:
    """A module that looks up is in the wrong layer, and pulls the upper one in with it."""
    parts = Path(name.removesuffix(".py").removesuffix("__init__")).parts
    for target in imports(name):
        root, *rest = target.split(".")
        if root == "hyperstore" and parts:
            assert rest, f"{name} imports the package root"
            assert rank(rest) <= rank(parts), f"{name} imports {target} from a layer above"


def test_no_modules_reach_each_other() -> None:
    """A cycle means that a type lives a layer too high, however the import is hidden."""
    edges = {
        module: {each for each in imports(name) if each in NAMES and each != module}
        for module, name in NAMES.items()
    }
    while True:
        leaves = {module for module, targets in edges.items() if not targets & edges.keys()}
        if not leaves:
            break
        edges = {module: targets for module, targets in edges.items() if module not in leaves}
    assert not edges, f"these modules import each other in a circle: {sorted(edges)}"


@modules
def test_fenced_libraries_stay_behind_their_fence(name: str) -> None:
    """Each dangerous library has one place that knows its rules."""
    for target in imports(name):
        fence = FENCES.get(target.split(".")[0])
        assert fence is None or name.startswith(fence), f"{name} imports {target}: only {fence} may"


@modules
def test_modules_and_functions_are_short(name: str) -> None:
    """What does not fit on a few screens is not read by those who change it."""
    lines = len(CODE[name].splitlines())
    assert lines <= MODULE_LINES_MAX, f"{name} has {lines} lines"
    for function in functions(TREES[name]):
        lines = body_lines(function)
        assert lines <= FUNCTION_LINES_MAX, f"{name}: {function.name} has {lines} lines"


@modules
def test_modules_say_what_they_are(name: str) -> None:
    """A reader enters a module by its docstring."""
    assert ast.get_docstring(TREES[name]), f"{name} has no docstring"
    assert Path(name).stem not in {"utils", "util", "helpers", "common", "misc"}


@modules
def test_layers_name_their_files(name: str) -> None:
    """Who enters a layer is told in which order to read it; a verb of the command has no order."""
    place = Path(name).parent if Path(name).stem == "__init__" else Path(name)
    folder = place.parent
    if (
        folder == Path()
        or place.stem == "__main__"
        or {"cli", "services", "shadow"} & {*place.parts}
    ):
        return  # Module paths of other packages, too, are in no order.
    told = ast.get_docstring(TREES[f"{folder}/__init__.py"]) or ""
    stem = place.stem
    assert re.search(rf"\b{stem}\b", told), f"{folder}/__init__.py does not say when to read {stem}"


@modules
def test_public_names_are_listed_once_and_sorted(name: str) -> None:
    """One sorted list a module says what others may use."""
    lists = exported(TREES[name])
    path = Path(name)
    if path.name == "__init__.py" and path.parts[0] not in {"__init__.py", "allegroai"}:
        assert len(TREES[name].body) == 1, f"{name} holds code; it should hold its docstring only"
        return
    if name in {"limits.py", "__main__.py"}:
        return  # All of limits is public, and a list would say each name twice.
    assert len(lists) == 1, f"{name} has {len(lists)} lists of public names"
    assert lists[0] == sorted(lists[0], key=constants_classes_rest), f"{name}: sort __all__"


@modules
def test_only_the_codec_says_any(name: str) -> None:
    """Any switches the type checker off for all that it touches."""
    said = {node.id for node in ast.walk(TREES[name]) if isinstance(node, ast.Name)}
    assert "Any" not in said or name == "codec.py", f"{name} says Any; say object or a typed alias"


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_test_says_its_promise(path: Path) -> None:
    """The docstring is the reason for which a test may not be deleted."""
    tree = ast.parse(path.read_text())
    assert path.name == "__init__.py" or ast.get_docstring(tree), f"{path.name} has no docstring"
    silent = [
        function.name
        for function in functions(tree)
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert not silent, f"tests without a docstring: {silent}"


def test_nothing_is_left_to_do_or_tied_to_one_machine() -> None:
    """Notes to oneself and paths of one person's disk mean nothing to a stranger."""
    mark = re.compile(r"\b(TODO|FIXME|" + "X" * 3 + r")\b|[\"' ]/(work|root|Users)/|[Ii]ssue #\d")
    folders = [PACKAGE, PROJECT / "tests", PROJECT / "tools", PROJECT / "benchmarks"]
    for path in (each for folder in folders for each in folder.rglob("*.py")):
        if path != Path(__file__).resolve():
            found = mark.search(path.read_text())
            assert found is None, f"{path.relative_to(PROJECT)} says {found.group()!r}"
