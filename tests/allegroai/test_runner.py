"""The runner: a program ends, prints and fails as `python SCRIPT` has it."""

import py_compile
import signal
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.programs import run_plain, run_program, write_program

ABOUT = """\
    import os, sys
    print(__name__, __file__, sys.argv, sys.path[0], __spec__, __package__, bool(__builtins__))
    print(sys.modules["__main__"].__dict__ is globals(), sys.stdin.read(), os.getcwd())
    print(sorted(name for name in globals() if name not in ("os", "sys")))
"""

ENDS = {
    "falls off its end": "print('done')",
    "exits 0": "import sys; sys.exit(0)",
    "exits 3": "import sys; sys.exit(3)",
    "exits None": "import sys; sys.exit(None)",
    "exits with words": "import sys; sys.exit('no such luck')",
    "raises": "def work():\n    raise ValueError('boo')\nwork()",
    "raises from another": "try: 1 / 0\nexcept ZeroDivisionError as e: raise KeyError('x') from e",
    "raises a group": "raise ExceptionGroup('several', [ValueError(1), TypeError(2)])",
    "raises in a module": "import helper\nhelper.work()",
    "does not parse": "print('x'\nx = = 2\n",
    "hooks errors": (
        "import sys, traceback\n"
        "def hook(kind, error, trace):\n"
        "    print(kind.__name__, len(traceback.extract_tb(trace)), file=sys.stderr)\n"
        "sys.excepthook = hook\nraise ValueError('seen')"
    ),
    "exits in its hook": "import sys\nsys.excepthook = lambda *a: sys.exit(9)\nraise ValueError",
    "leaves work for the end": (
        "import atexit, threading, time\natexit.register(print, 'at exit')\n"
        "threading.Thread(target=lambda: (time.sleep(0.05), print('thread'))).start()\n"
        "raise RuntimeError('before')"
    ),
    "ends at once": "import os; os._exit(5)",
    "is killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "is told to end": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "is interrupted": "import os, signal; os.kill(os.getpid(), signal.SIGINT)",
    "interrupts itself": "raise KeyboardInterrupt('stop')",
}


def test_a_program_sees_what_python_shows_it(tmp_path: Path) -> None:
    """Its name, file, arguments, path, input and names: programs rest on all of these."""
    write_program(tmp_path, ABOUT, "below/program.py")
    words = ("below/program.py", "--epochs", "3", "-m", "--", "ünïcode")
    ran = run_program(tmp_path, *words, stdin="given")
    plain = run_plain(tmp_path, *words, stdin="given")
    assert ran == plain
    assert ran.out.startswith("__main__ ")


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("text", ENDS.values(), ids=list(ENDS))
def test_a_program_ends_as_under_python(tmp_path: Path, text: str) -> None:
    """Exit status, signals, output and tracebacks, with no line of the runner in them."""
    write_program(tmp_path, text)
    write_program(tmp_path, "def work():\n    raise OSError(2, 'gone')", "helper.py")
    ran, plain = run_program(tmp_path, "program.py"), run_plain(tmp_path, "program.py")
    assert (ran.code, ran.out, ran.err) == (plain.code, plain.out, plain.err)


def test_a_program_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    """With Python's own words and status."""
    assert run_program(tmp_path, "gone.py") == run_plain(tmp_path, "gone.py")


def test_a_link_to_a_program_has_the_folder_of_the_program(tmp_path: Path) -> None:
    """Modules beside it are found, as Python finds them."""
    write_program(tmp_path, "import beside, sys; print(sys.path[0], __file__)", "real/program.py")
    write_program(tmp_path, "", "real/beside.py")
    (tmp_path / "link.py").symlink_to("real/program.py")
    ran = run_program(tmp_path, "link.py")
    assert ran == run_plain(tmp_path, "link.py")
    assert ran.code == 0


def test_a_path_through_a_link_is_not_folded(tmp_path: Path) -> None:
    """`link/../program.py` lies beside what the link leads to, and is called as it was said."""
    write_program(tmp_path, "print('near')")
    write_program(tmp_path, "print('far', __file__)", "far/program.py")
    (tmp_path / "far" / "deep").mkdir()
    (tmp_path / "link").symlink_to("far/deep")
    for words in ("link/../program.py", "./far/program.py", f"{tmp_path}/far//program.py"):
        ran = run_program(tmp_path, words)
        assert ran == run_plain(tmp_path, words)
        assert ran.out.startswith("far ")


PACKED = """\
    import sys
    print(__name__, sys.argv, sys.path[0], globals().get("__file__"), __package__, __cached__)
    print(type(__loader__).__name__, __spec__ and __spec__.name)
"""


@pytest.mark.parametrize("form", ["folder", "zip", "compiled", "no main", "empty zip"])
def test_what_python_runs_is_run(tmp_path: Path, form: str) -> None:
    """Programs are packed in several ways; what cannot be run is refused with Python's status."""
    source = write_program(tmp_path, PACKED, "tool/__main__.py")
    (tmp_path / "bare").mkdir()
    if form == "compiled":
        py_compile.compile(str(source), str(tmp_path / "one.pyc"))
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        if form == "zip":
            archive.write(source, "__main__.py")
    name = {"folder": "tool", "compiled": "one.pyc", "no main": "bare"}.get(form, "app.zip")
    ran = run_program(tmp_path, name, "x")
    assert ran == run_plain(tmp_path, name, "x")
    assert ran.code == (1 if form in ("no main", "empty zip") else 0)


@pytest.mark.parametrize(
    "words",
    [
        ("-m", "nosuch"),
        ("-m", "nosuch.below"),
        ("-m", "bare"),
        ("-m", "named"),
        ("-m", "sys"),
        ("-m", "program.py"),
        ("-m", "broken.below"),
        ("-m", "program", "a"),
        ("-c", "import sys; print(sys.argv, sys.path[0], __name__, __file__)", "x"),
        ("-c", "import sys; print(sys.argv, __loader__, '__cached__' in globals())", "-x"),
        ("-", "x"),
    ],
)
def test_what_is_no_file_ends_as_under_python(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Modules that are not there or cannot be run, words, and what comes in."""
    write_program(tmp_path, "import sys; print(sys.argv)")
    write_program(tmp_path, "", "bare/__init__.py")
    write_program(tmp_path, "", "named/below.py")
    write_program(tmp_path, "", "broken/__init__.py")
    text = "import sys; print(sys.argv, sys.path[0], __name__); sys.exit(3)"
    ran = run_program(tmp_path, *words, stdin=text)
    plain = run_plain(tmp_path, *words, stdin=text)
    assert (ran.code, ran.out) == (plain.code, plain.out)
    assert ran.err.splitlines()[-1:] == plain.err.splitlines()[-1:]


def test_a_safe_path_is_left_as_it_is(tmp_path: Path) -> None:
    """`python -P` is asked for so that nothing beside the program is imported."""
    write_program(tmp_path, "import sys; print(sys.path[0] == sys.argv[1])", "below/program.py")
    folder = tmp_path / "below"
    command = ("-P", "-m", "hyperstore.allegroai")
    assert run_program(tmp_path, "below/program.py", folder, command=command).out == "False\n"
    assert run_program(tmp_path, "below/program.py", folder).out == "True\n"


def test_a_module_runs_as_by_python_m(tmp_path: Path) -> None:
    """Packages are run this way, and import by their own name."""
    text = (
        "import sys\nfrom tool import part\nprint(__name__, __package__, __spec__.name, sys.argv)"
    )
    write_program(tmp_path, text, "tool/__main__.py")
    write_program(tmp_path, "", "tool/part.py")
    write_program(tmp_path, "", "tool/__init__.py")
    ran = run_program(tmp_path, "-m", "tool", "a", "-b")
    assert ran == run_plain(tmp_path, "-m", "tool", "a", "-b")
    assert ran.out.startswith("__main__ tool tool.__main__ ")


def test_a_folder_runs_by_its_main(tmp_path: Path) -> None:
    """`python FOLDER` is how some programs are packed."""
    write_program(tmp_path, "import part, sys; print(sys.argv, part.__name__)", "tool/__main__.py")
    write_program(tmp_path, "", "tool/part.py")
    assert run_program(tmp_path, "tool", "x") == run_plain(tmp_path, "tool", "x")


@pytest.mark.parametrize("words", [(), ("--unknown", "x.py"), ("-m",)])
def test_a_wrong_call_says_how_to_call(tmp_path: Path, words: tuple[str, ...]) -> None:
    """And ends as other programs that are called wrongly do."""
    done = run_program(tmp_path, *words)
    assert done.code == 2
    assert done.err.startswith("usage: ")


def test_the_command_runs_a_program_in_its_place(tmp_path: Path) -> None:
    """`hyperstore run` is the same process afterwards, so its end is the program's."""
    write_program(tmp_path, "import sys; print(sys.argv, sys.stdin.read()); sys.exit(7)")
    command = ("-m", "hyperstore", "run")
    ran = run_program(tmp_path, "program.py", "--help", "-n", "3", command=command, stdin="in")
    assert ran.code == 7
    assert ran.out == "['program.py', '--help', '-n', '3'] in\n"
    write_program(tmp_path, "import os; os.kill(os.getpid(), 15)")
    assert run_program(tmp_path, "program.py", command=command).code == -signal.SIGTERM


def test_the_command_runs_a_program_elsewhere(tmp_path: Path) -> None:
    """-C says where, and which store, whatever the variable says."""
    write_program(
        tmp_path, "import os; print(os.environ.get('HYPERSTORE_DIR'), os.getcwd())", "a/p.py"
    )
    done = run_program(
        tmp_path,
        "p.py",
        command=("-m", "hyperstore", "-C", "a", "run"),
        settings={"HYPERSTORE_DIR": str(tmp_path / "other")},
    )
    assert done.out == f"None {tmp_path / 'a'}\n"


def test_the_runner_is_found_from_any_folder(tmp_path: Path) -> None:
    """A module of the program may even be called as one of ours."""
    write_program(tmp_path, "import task, finder; print(task.mine)", "program.py")
    write_program(tmp_path, "mine = 1", "task.py")
    write_program(tmp_path, "", "finder.py")
    assert run_program(tmp_path, "program.py").out == "1\n"


@pytest.mark.usefixtures("heard")
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupted_program_may_tidy_up(tmp_path: Path) -> None:
    """Its own handlers run, as under Python."""
    text = """\
        import os, signal
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            print("tidied")
    """
    write_program(tmp_path, text)
    assert run_program(tmp_path, "program.py").out == "tidied\n"
