"""Runs a program as `python SCRIPT` would, with `allegroai` and `clearml` answered here.

    python -m hyperstore.allegroai SCRIPT [ARGS…]
    python -m hyperstore.allegroai -m MODULE [ARGS…]
    python -m hyperstore.allegroai -c CODE [ARGS…]

SCRIPT may be a file, a compiled one, a folder or a zip with a `__main__.py`, or `-` for what comes
in. The program is `__main__`, with its own arguments and its own folder first in the path. Its exit
status, its traceback and what a signal does to it are the interpreter's own; the frames of this
module are left out of the traceback.
"""

import io
import os
import runpy
import sys
from importlib.machinery import BuiltinImporter, ModuleSpec, SourceFileLoader, SourcelessFileLoader
from types import CodeType, ModuleType, TracebackType

from hyperstore.allegroai import ending
from hyperstore.allegroai.finder import install, install_for_children

TYPE_CHECKING = False  # As typing has it, whose import takes longer than all the rest of this.

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

__all__ = ["main"]

_USAGE = """\
usage: python -m hyperstore.allegroai SCRIPT [ARGS...]
       python -m hyperstore.allegroai -m MODULE [ARGS...]
       python -m hyperstore.allegroai -c CODE [ARGS...]

Runs a Python program that was written for allegroai and clearml on the store that
HYPERSTORE_DIR names, else on the nearest .hyperstore above the current folder.
"""
_WRONG_CALL = 2
# How Python itself finds what `python -m` runs, and the words in which it says that there is none.
_find_main = runpy._get_main_module_details  # type: ignore[attr-defined]
_find_module = runpy._get_module_details  # type: ignore[attr-defined]
_NotFound: type[Exception] = runpy._Error  # type: ignore[attr-defined]
_kept: list[ModuleType] = []
"""The runner's own `__main__`: Python empties a module that nobody holds any more."""


def main() -> None:
    """Run the program that the command line names; what it raises comes out."""
    words = sys.argv[1:]
    if words[:1] in (["-h"], ["--help"]):
        sys.stdout.write(_USAGE)
        return
    kind = words[0] if words[:1] in (["-m"], ["-c"], ["-"]) else ""
    words = words[1:] if kind in ("-m", "-c") or words[:1] == ["--"] else words
    if not words or (words[0].startswith("-") and not kind):
        sys.stderr.write(_USAGE)
        sys.exit(_WRONG_CALL)
    os.environ.pop(ending.RUN_VARIABLE, None)  # It begins a run of its own.
    install()
    module = ModuleType("__main__")
    code = None
    try:
        code = _LOADERS[kind](module, words)
        install_for_children()
        _kept.append(sys.modules["__main__"])
        sys.modules["__main__"] = module
        exec(code, vars(module))
    except SystemExit as end:
        ending.exited(end.code)
        raise
    except BaseException as error:
        ending.raised(error)
        _show(error, code)
        raise


def _load_script(module: ModuleType, words: list[str]) -> CodeType:
    """Make a module of a file, of a compiled one, or of what holds a `__main__.py`."""
    path = words[0]
    if not os.path.isabs(path):  # noqa: PTH117 - neither links nor `..` are followed in __file__.
        path = os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118 - the same.
    if _holds_modules(path):
        return _load_main_of(module, words, path)
    loader: SourceFileLoader | SourcelessFileLoader = SourceFileLoader("__main__", path)
    try:
        with io.open_code(path) as file:
            source = file.read()
    except OSError as error:
        _refuse(f"can't open file {path!r}: [Errno {error.errno}] {error.strerror}", _WRONG_CALL)
    sys.argv[:] = words
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(path))  # noqa: PTH120 - links are followed.
    if path.endswith(".pyc"):
        loader = SourcelessFileLoader("__main__", path)
        found = loader.get_code("__main__")
        assert found is not None, "a compiled file has code"
    else:
        found = compile(source, path, "exec", dont_inherit=True)
    _tell(module, __file__=path, __loader__=loader)
    return found


def _holds_modules(path: str) -> bool:
    """Tell whether Python would look for modules in it: a folder, a zip."""
    for hook in sys.path_hooks:
        try:
            hook(path)
        except ImportError:
            continue
        return True
    return False


def _load_main_of(module: ModuleType, words: list[str], path: str) -> CodeType:
    sys.argv[:] = words
    if sys.flags.safe_path:
        sys.path.insert(0, path)
    else:
        sys.path[0] = path
    return _load_found(module, lambda: _find_main(_NotFound))


def _load_module(module: ModuleType, words: list[str]) -> CodeType:
    """Make a module of one that Python finds by name, as `python -m` does; return its code."""
    sys.argv[:] = ["-m", *words[1:]]
    code = _load_found(module, lambda: _find_module(words[0], _NotFound))
    sys.argv[0] = vars(module)["__file__"]
    return code


def _load_found(
    module: ModuleType, find: "Callable[[], tuple[str, ModuleSpec, CodeType]]"
) -> CodeType:
    try:
        _, spec, code = find()
    except _NotFound as error:
        _refuse(str(error), 1)
    _tell(
        module,
        __cached__=spec.cached,
        __file__=spec.origin,
        __loader__=spec.loader,
        __package__=spec.parent,
        __spec__=spec,
    )
    return code


def _load_words(module: ModuleType, words: list[str]) -> CodeType:
    sys.argv[:] = ["-c", *words[1:]]
    return _load_text(module, words[0], "<string>")


def _load_input(module: ModuleType, words: list[str]) -> CodeType:
    if sys.stdin is None or sys.stdin.isatty():
        _refuse("'-' is a program that comes in; at a prompt, run python itself", _WRONG_CALL)
    sys.argv[:] = words
    return _load_text(module, sys.stdin.buffer.read(), "<stdin>")


def _load_text(module: ModuleType, source: str | bytes, name: str) -> CodeType:
    if not sys.flags.safe_path:
        sys.path[0] = ""
    _tell(module, __loader__=BuiltinImporter)
    del module.__cached__
    code: CodeType = compile(source, name, "exec", dont_inherit=True)
    return code


def _tell(module: ModuleType, **said: object) -> None:
    """Tell a module what Python tells `__main__`."""
    said = {"__cached__": None, **said}
    vars(module).update(__annotations__={}, __builtins__=sys.modules["builtins"], **said)


_LOADERS = {"": _load_script, "-m": _load_module, "-c": _load_words, "-": _load_input}


def _refuse(message: str, status: int) -> "NoReturn":
    sys.stderr.write(f"{sys.executable}: {message}\n")
    sys.exit(status)


def _show(error: BaseException, code: CodeType | None) -> None:
    """Show an uncaught error as the interpreter would, from the program's first frame on.

    The interpreter then has it again, for the exit status and for what else it does, and is silent.
    """
    trace = error.__traceback__
    while trace is not None and (code is None or trace.tb_frame.f_code is not code):
        trace = trace.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)
    sys.excepthook = _silent


def _silent(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show nothing: it was shown."""
