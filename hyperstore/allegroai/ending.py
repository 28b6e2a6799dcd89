"""How a program ends, for the record of its run: what was raised, or the status of its exit."""

import sys
from types import TracebackType

__all__ = ["RUN_VARIABLE", "exited", "outcome", "watch_errors"]

RUN_VARIABLE = "HYPERSTORE_RUN"
"""Names the run to processes that a program starts: its id, `:`, the folder of its store."""

# As in history/run.py, which a program that has no task does without: it takes longer than this.
_COMPLETED, _FAILED, _ABORTED = "completed", "failed", "aborted"
_said: list[tuple[str, str]] = []


def outcome() -> tuple[str, str]:
    """Return the status of a program that ends now, and the error."""
    return _said[-1] if _said else (_COMPLETED, "")


def exited(code: object) -> None:
    """Take note of `sys.exit(code)`; the runner sees it, and nobody else can."""
    if code is None or code == 0:
        return
    _said.append((_FAILED, f"exit status {code}" if isinstance(code, int) else str(code)))


def watch_errors() -> None:
    """Take note of an uncaught error before it is shown."""
    shown = sys.excepthook

    def noted(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        status = _ABORTED if issubclass(kind, KeyboardInterrupt) else _FAILED
        _said.append((status, f"{kind.__name__}: {error}".rstrip(": ")))
        shown(kind, error, trace)

    sys.excepthook = noted
