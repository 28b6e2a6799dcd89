"""How a program ends, for the record of its run: what was raised, or the status of its exit.

The runner says it. Without the runner, Python keeps the error that nobody caught, and a worker of
multiprocessing is still in it when its end is told; only the status of `sys.exit` nobody sees then.
"""

import sys

__all__ = ["RUN_VARIABLE", "exited", "outcome", "raised"]

RUN_VARIABLE = "HYPERSTORE_RUN"  # As in dataset/runswatch.py, without loading it.

# As in history/run.py, which a program that has no task does without: it takes longer than this.
_COMPLETED, _FAILED, _ABORTED = "completed", "failed", "aborted"
_said: list[tuple[str, str]] = []


def outcome() -> tuple[str, str]:
    """Return the status of a program, or of a worker, that ends now, and the error."""
    if _said:
        return _said[-1]
    error = sys.exc_info()[1]
    if error is None and not hasattr(sys, "ps1"):  # At a prompt errors end nothing.
        error = getattr(sys, "last_value", None)
    if error is None:
        return _COMPLETED, ""
    return _exit(error.code) if isinstance(error, SystemExit) else _error(error)


def exited(code: object) -> None:
    """Take note of `sys.exit(code)`; the runner sees it, and nobody else can."""
    _said.append(_exit(code))


def raised(error: BaseException) -> None:
    """Take note of an error that nobody caught."""
    _said.append(_error(error))


def _exit(code: object) -> tuple[str, str]:
    if code is None or code == 0:
        return _COMPLETED, ""
    return _FAILED, f"exit status {code}" if isinstance(code, int) else str(code)


def _error(error: BaseException) -> tuple[str, str]:
    status = _ABORTED if isinstance(error, KeyboardInterrupt) else _FAILED
    try:
        return status, f"{type(error).__name__}: {error}".rstrip(": ")
    except Exception:  # noqa: BLE001 - the program's own __str__.
        return status, type(error).__name__
