"""Every way of importing `allegroai` and `clearml`, in a program and in what it starts."""

import sys
from pathlib import Path

import pytest

from hyperstore.allegroai import ending, finder
from hyperstore.dataset import runswatch
from hyperstore.history import run as runs
from tests.support.programs import run_program, write_program

FORMS = {
    "a package": "import allegroai; C = allegroai.SingleFrame",
    "under another name": "import allegroai as al; C = al.SingleFrame",
    "a name": "from allegroai import SingleFrame as C",
    "all names": "from allegroai import *; C = SingleFrame",
    "a submodule": "import allegroai.dataframe; C = allegroai.dataframe.SingleFrame",
    "a submodule by name": "import allegroai.dataframe as d; C = d.SingleFrame",
    "of a submodule": "from allegroai.dataframe import SingleFrame as C",
    "a submodule from": "from allegroai import dataframe; C = dataframe.SingleFrame",
    "a submodule unasked": "import allegroai; C = allegroai.dataframe.SingleFrame",
    "importlib": "import importlib; C = importlib.import_module('allegroai.dataframe').SingleFrame",
    "__import__": "C = __import__('allegroai').SingleFrame",
    "relative importlib": (
        "import importlib; C = importlib.import_module('.dataframe', 'allegroai').SingleFrame"
    ),
    "a spec": (
        "import importlib.util as u; s = u.find_spec('allegroai.dataframe'); "
        "m = u.module_from_spec(s); s.loader.exec_module(m); C = m.SingleFrame"
    ),
    "reloaded": (
        "import importlib, allegroai.dataframe as d; importlib.reload(d); C = d.SingleFrame"
    ),
    "__import__ of below": "C = __import__('allegroai.dataframe', fromlist=['x']).SingleFrame",
    "in a function": "def f():\n from allegroai import SingleFrame\n return SingleFrame\nC = f()",
    "ours beside it": "import hyperstore.allegroai as h; C = h.SingleFrame",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=list(FORMS))
def test_each_form_of_import_gives_the_one_class(tmp_path: Path, text: str) -> None:
    """Two classes of one name would not be instances of each other."""
    check = "import hyperstore; assert C is hyperstore.SingleFrame, C; print('one')"
    write_program(tmp_path, f"{text}\n{check}")
    assert run_program(tmp_path, "program.py").out == "one\n"


def test_every_face_says_who_it_is(tmp_path: Path) -> None:
    """Tools look at names, specs and files of modules; only the packages have a path."""
    text = f"""\
        import importlib
        for name in {sorted(finder.FACES)!r}:
            module = importlib.import_module(name)
            assert module.__name__ == module.__spec__.name == name, name
            assert module.__spec__.loader is not None and module.__file__.endswith(".py"), name
            is_package = module.__spec__.submodule_search_locations is not None
            assert hasattr(module, "__path__") == is_package
            for public in module.__all__:
                assert getattr(module, public) is not None, public
            assert set(module.__all__) <= set(dir(module))
            parent = name.rpartition(".")[0]
            assert module.__package__ == (name if hasattr(module, "__path__") else parent), name
        import allegroai, clearml, hyperstore
        assert allegroai.__version__ == clearml.__version__ == hyperstore.__version__
        print("sane")
    """
    write_program(tmp_path, text)
    done = run_program(tmp_path, "program.py")
    assert done.out == "sane\n", done.err


UNANSWERED = {
    "from clearml import PipelineController": "clearml.PipelineController",
    "from clearml import Dataset": "from allegroai import Dataset",
    "import clearml.automation.optuna": "clearml.automation",
    "from clearml.storage import StorageHelper": "StorageManager",
    "import clearml; clearml.PipelineDecorator": "clearml.PipelineDecorator",
    "from allegroai.backend_api.services.frames import GetByIdsRequest": "GetByIdsRequest",
    "import allegroai; allegroai.Nothing": "allegroai.Nothing",
    "from clearml import Task; Task.enqueue": "enqueue",
    "from clearml.hyperdatasets.core import Nothing": "Nothing",
    "import clearml.hyperdatasets.other": "clearml.hyperdatasets has",
    "import allegroai.storage.helper": "StorageManager",
}


@pytest.mark.parametrize("text", UNANSWERED, ids=list(UNANSWERED))
def test_what_is_not_answered_is_one_clear_error(tmp_path: Path, text: str) -> None:
    """It names what was asked for, in the last line, and is caught as such errors are."""
    write_program(tmp_path, text)
    last = run_program(tmp_path, "program.py").err.splitlines()[-1]
    assert UNANSWERED[text] in last
    assert last.startswith(("ModuleNotFoundError: ", "ImportError: ", "AttributeError: "))
    guarded = f"try:\n    {text}\nexcept (ImportError, AttributeError):\n    print('without')"
    write_program(tmp_path, guarded)
    assert run_program(tmp_path, "program.py").out == "without\n"


def test_whether_there_is_a_module_is_answered_without_an_error(tmp_path: Path) -> None:
    """Libraries ask that first, and do without; to import it is an error that names it."""
    text = """\
        from importlib.util import find_spec
        import clearml
        print(find_spec("clearml.binding"))
        print(find_spec("clearml.task") is not None)
        try:
            import clearml.binding
        except ImportError as error:
            print("clearml.binding is not answered" in str(error))
    """
    write_program(tmp_path, text)
    assert run_program(tmp_path, "program.py").out == "None\nTrue\nTrue\n"


def test_an_installed_clearml_is_never_loaded(tmp_path: Path) -> None:
    """Nor is a folder of that name beside the program."""
    write_program(tmp_path, "raise SystemExit('the wrong one')", "clearml/__init__.py")
    write_program(tmp_path, "raise SystemExit('the wrong one')", "installed/allegroai/__init__.py")
    write_program(tmp_path, "import allegroai, clearml; print(clearml.Task.__name__)")
    settings = {"PYTHONPATH": f"{tmp_path / 'installed'}:{Path(finder.__file__).parents[2]}"}
    assert run_program(tmp_path, "program.py", settings=settings).out == "Task\n"


def test_without_the_runner_nothing_is_answered() -> None:
    """Importing the package for its names alone changes nothing for others."""
    assert not [one for one in sys.meta_path if type(one).__module__ == finder.__name__]


CHILDREN = """\
    import multiprocessing, pickle, subprocess, sys
    import allegroai
    from allegroai import SingleFrame
    from clearml import Task
    from below import Shape, measure

    class Own:
        def __init__(self, frame): self.frame = frame
        def size(self): return self.frame.width

    if __name__ == "__main__":
        task = Task.init(project_name="p", task_name="children")
        own, shape = Own(SingleFrame(id="a", source="/a.png", width=7)), Shape(3)
        for method in ("fork", "spawn", "forkserver"):
            context = multiprocessing.get_context(method)
            with context.Pool(2) as pool:
                said = pool.map(Own.size, [own, own]), pool.apply(measure, (shape,))
                print(method, said[0], said[1][:2], said[1][2] == task.id, said[1][3])
        code = "from clearml import Task; print(Task.current_task().name, Task.is_main_task())"
        print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
"""
BELOW = """\
    from allegroai.dataframe import BoundingBox2D
    from clearml import Task

    class Shape:
        def __init__(self, side): self.box = BoundingBox2D([0, 0, side, side])

    def measure(shape):
        task = Task.current_task()
        return shape.box.area, type(shape.box).__module__, task.id, Task.is_main_task()
"""


def test_workers_of_every_start_method_import_and_unpickle(tmp_path: Path) -> None:
    """Data loaders hold objects of the program's own classes, and those import these names."""
    write_program(tmp_path, CHILDREN)
    write_program(tmp_path, BELOW, "below.py")
    done = run_program(tmp_path, "program.py")
    line = "{} [7, 7] (9.0, 'hyperstore.frames.boxes') True False"
    wanted = [line.format(method) for method in ("fork", "spawn", "forkserver")]
    assert done.out.splitlines() == [*wanted, "children False", ""], done.err


def test_workers_find_a_package_that_only_the_path_has(tmp_path: Path) -> None:
    """A checkout is found by the runner's folder, which its children need not start in."""
    text = """\
        import multiprocessing, os
        from allegroai import SingleFrame

        def work(_):
            return os.getcwd()

        if __name__ == "__main__":
            os.chdir("/")
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(work, [0]))
    """
    write_program(tmp_path, text)
    project = Path(finder.__file__).parents[2]
    done = run_program(
        project,
        tmp_path / "program.py",
        settings={"PYTHONPATH": "", "HYPERSTORE_DIR": str(tmp_path / "store")},
    )
    assert done.out == "['/']\n", done.err


def test_the_words_for_how_a_program_ends_are_those_of_runs() -> None:
    """They are written twice, so that a program without a task loads no store."""
    assert ending.RUN_VARIABLE == runswatch.RUN_VARIABLE
    assert (ending._COMPLETED, ending._FAILED, ending._ABORTED) == (
        runs.COMPLETED,
        runs.FAILED,
        runs.ABORTED,
    )


def test_a_program_without_a_task_loads_no_store(tmp_path: Path) -> None:
    """The start is quick, and nothing is made where nothing is asked for."""
    text = "import sys; print([m for m in ('lmdb', 'msgspec', 'PIL', 'click') if m in sys.modules])"
    write_program(tmp_path, text)
    assert run_program(tmp_path, "program.py").out == "[]\n"
    assert not (tmp_path / ".hyperstore").exists()
