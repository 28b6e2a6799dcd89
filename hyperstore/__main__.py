"""The command from its first line on, as `python -m hyperstore` and as `hyperstore`.

While the command is loaded, and once it is done, Ctrl-C ends the process at once, by the command's
own code: Python would show a traceback, and here and there even go on. Nothing is open then.
"""

import gc
import os
import signal
from importlib import import_module

__all__ = ["main"]

_INTERRUPTED = 130
_STANDARD_ERROR = 2


def main() -> None:
    """Run the command and exit."""
    gc.disable()  # Until the verb is loaded: modules stay, and no garbage is found among them.
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        import_module("hyperstore.cli.main").main()  # Somebody has chosen to ignore it.
        return
    signal.signal(signal.SIGINT, _end)
    command = import_module("hyperstore.cli.main")
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        command.main()
    except KeyboardInterrupt:  # Before the command could see to it, or while it did.
        _end()
    finally:
        signal.signal(signal.SIGINT, _end)  # The interpreter takes its time to go.


def _end(*_: object) -> None:
    try:
        os.write(_STANDARD_ERROR, b"error: interrupted\n")
    finally:
        os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
