"""Runs a program as `python SCRIPT` would, with `allegroai` and `clearml` answered here.

    python -m hyperstore.allegroai SCRIPT [ARGS…]
    python -m hyperstore.allegroai -m MODULE [ARGS…]

The program is `__main__`, with its own arguments and its own folder first in the path. Its exit
status, its traceback and what a signal does to it are the interpreter's own; the frames of this
module are left out of the traceback.
"""

import io
import os
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType, TracebackType

from hyperstore.allegroai import ending
from hyperstore.allegroai.finder import install, install_for_children

TYPE_CHECKING = False  # As typing has it, whose import takes longer than all the rest of this.

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["main"]

_USAGE = """\
usage: python -m hyperstore.allegroai SCRIPT [ARGS...]
       python -m hyperstore.allegroai -m MODULE [ARGS...]

Runs a Python program that was written for allegroai and clearml on the store that
HYPERSTORE_DIR names, else on the nearest .hyperstore above the current folder.
"""
_WRONG_CALL = 2
_kept: list[ModuleType] = []
"""The runner's own `__main__`: Python empties a module that nobody holds any more."""


def main() -> None:
    """Run the program that the command line names; what it raises comes out."""
    words = sys.argv[1:]
    if words[:1] in (["-h"], ["--help"]):
        sys.stdout.write(_USAGE)
        return
    is_module = words[:1] == ["-m"]
    words = words[1:] if is_module or words[:1] == ["--"] else words
    if not words or (words[0].startswith("-") and not is_module):
        sys.stderr.write(_USAGE)
        sys.exit(_WRONG_CALL)
    os.environ.pop(ending.RUN_VARIABLE, None)  # It begins a run of its own.
    install()
    module = ModuleType("__main__")
    code = None
    try:
        if is_module:
            code = _load_module(module, words)
        else:
            code = _load_script(module, words)
        install_for_children()
        _kept.append(sys.modules["__main__"])
        sys.modules["__main__"] = module
        exec(code, vars(module))
    except SystemExit as end:
        ending.exited(end.code)
        raise
    except BaseException as error:
        _show(error, code)
        raise


def _load_script(module: ModuleType, words: list[str]) -> CodeType:
    """Make a module of a file, or of the `__main__.py` of a folder, and return its code."""
    script = words[0]
    path = os.path.abspath(script)  # noqa: PTH100 - links stay as they are in __file__.
    if os.path.isdir(path):  # noqa: PTH112 - the same.
        path = os.path.join(path, "__main__.py")  # noqa: PTH118 - the same.
    try:
        with io.open_code(path) as file:
            source = file.read()
    except OSError as error:
        _refuse(f"can't open file {path!r}: [Errno {error.errno}] {error.strerror}")
    folder = os.path.dirname(os.path.realpath(path))  # noqa: PTH120 - links are followed here.
    if not sys.flags.safe_path:
        sys.path[0] = folder
    sys.argv[:] = words
    vars(module).update(
        __annotations__={},
        __builtins__=sys.modules["builtins"],
        __cached__=None,
        __file__=path,
        __loader__=SourceFileLoader("__main__", path),
    )
    code: CodeType = compile(source, path, "exec", dont_inherit=True)
    return code


def _load_module(module: ModuleType, words: list[str]) -> CodeType:
    """Make a module of one that Python finds by name, as `python -m` does; return its code."""
    if not words:
        sys.stderr.write(_USAGE)
        sys.exit(_WRONG_CALL)
    spec = _found(words[0])
    if spec is not None and spec.submodule_search_locations is not None:
        spec = _found(f"{words[0]}.__main__")
    get_code = None if spec is None else getattr(spec.loader, "get_code", None)
    code = None if spec is None or get_code is None else get_code(spec.name)
    if spec is None or not isinstance(code, CodeType):
        _refuse(f"no module named {words[0]!a} that can be run")
    sys.argv[:] = [spec.origin or words[0], *words[1:]]
    vars(module).update(
        __annotations__={},
        __builtins__=sys.modules["builtins"],
        __cached__=spec.cached,
        __file__=spec.origin,
        __loader__=spec.loader,
        __package__=spec.parent,
        __spec__=spec,
    )
    return code


def _found(name: str) -> ModuleSpec | None:
    from importlib.util import find_spec  # Scripts do without.

    try:
        return find_spec(name)
    except ModuleNotFoundError:
        return None


def _refuse(message: str) -> "NoReturn":
    sys.stderr.write(f"{sys.executable}: {message}\n")
    sys.exit(_WRONG_CALL)


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
