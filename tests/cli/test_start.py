"""What a process loads before it answers: by far the greatest part of a short command's time.

Time is not asserted, what takes it is: modules, and classes that are compiled as they are made.
"""

from pathlib import Path

import pytest

from tests.support.command import Command, spawn

ROOMS = ["query", "--roi", "label:a AND confidence:>0.5", "--count"]
ASKED = """
import hyperstore
with hyperstore.open(".hyperstore") as store:
    view = store.dataset("cells").version("Current").view()
    from hyperstore.query.language.condition import Condition, Scope
    from hyperstore.query.language.parser import parse
    from hyperstore.query.selection.selection import Part, Selection
    asked = parse("rois.label:a AND rois.confidence:>0.5", Scope.FRAME)
    print(len(Selection(store.handle, [Part(view, Condition(asked))])))
"""
COMMAND = f"""
import runpy, sys
sys.argv = ["hyperstore", *{ROOMS!r}]
try:
    runpy.run_module("hyperstore", run_name="__main__")
except SystemExit:
    pass
"""
TOLD = """
import dataclasses, gc, sys
ours = [name for name in sys.modules if name.split(".")[0] == "hyperstore"]
compiled = {
    held for name in ours for held in vars(sys.modules[name]).values()
    if isinstance(held, type) and dataclasses.is_dataclass(held)
}
print(len(ours), len(compiled), gc.isenabled(), gc.get_freeze_count() > 0)
print(*(name for name in sys.modules if "." not in name))
"""
# Of others, and of Python's own those that take a millisecond or more.
NEEDLESS = {
    *("PIL", "av", "cv2", "duckdb", "fsspec", "numpy", "obstore", "pyarrow", "torch"),
    *("asyncio", "concurrent", "ctypes", "difflib", "email", "getpass", "html", "http", "logging"),
    *("multiprocessing", "sqlite3", "ssl", "tomllib", "unittest", "xml"),
}


def told(folder: Path, program: str) -> tuple[list[str], set[str]]:
    """Run a program; return what it says of what it loaded, and the modules that are no parts."""
    done = spawn(folder, program=("-c", program + TOLD))
    assert done.code == 0, done.err
    _, said, modules = done.out.splitlines()
    return said.split(), set(modules.split())


@pytest.mark.parametrize(("program", "ours"), [(ASKED, 205), (COMMAND, 230)])
def test_a_query_loads_little(cells: Command, tmp_path: Path, program: str, ours: int) -> None:
    """A module, and a dataclass, is a third to a whole millisecond of each query's time."""
    (loaded, compiled, *_), modules = told(tmp_path, program)
    assert int(loaded) <= ours
    assert int(compiled) <= 16
    assert modules & NEEDLESS == set()


def test_the_package_alone_loads_nothing(tmp_path: Path) -> None:
    """Who only names the package pays for what is used of it later."""
    (loaded, *_), modules = told(tmp_path, "import hyperstore; print()")
    assert loaded == "1"
    assert not modules & (NEEDLESS | {"click", "lmdb", "msgspec", "pyroaring"})


def test_the_command_looks_for_no_garbage_among_its_modules(cells: Command, tmp_path: Path) -> None:
    """They stay; but what a long command leaves behind is looked for again."""
    (_, _, collects, frozen), _ = told(tmp_path, COMMAND)
    assert (collects, frozen) == ("True", "True")
