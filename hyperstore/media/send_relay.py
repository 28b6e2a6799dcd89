"""Sending by a new Python, for a process that was forked and may not use `obstore` itself.

Each line of JSON that it reads names a function of `send_cloud.py` with its arguments; each line
that it writes is what that returned, or the error.
"""

import contextlib
import json
import subprocess
import sys
import threading

from hyperstore.errors import HyperstoreError
from hyperstore.media import send_cloud
from hyperstore.media.part import Interrupted
from hyperstore.media.relay import error_of

__all__ = ["SendRelay", "be_send_relay"]

_BEGIN = (
    "import sys; sys.path[:] = {path!r}; "
    "from hyperstore.media.send_relay import be_send_relay; be_send_relay()"
)


class SendRelay:
    """Another Python that serves one call at a time, begun at the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def call(self, name: str, *given: str | int | bool) -> object:
        """Call a function of `send_cloud.py` there."""
        with self._lock:
            child = self._child
            if child is None:
                command = [sys.executable, "-c", _BEGIN.format(path=sys.path)]
                child = self._child = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
            assert child.stdin is not None
            assert child.stdout is not None
            try:
                child.stdin.write(json.dumps([name, *given]).encode() + b"\n")
                child.stdin.flush()
                line = child.stdout.readline()
            except OSError:
                line = b""
            if not line:
                self._end()
                raise Interrupted("the process that sends for this one has ended")
        told = json.loads(line)
        if "returned" in told:
            return told["returned"]
        raise error_of(told["kind"], told["said"])

    def close(self) -> None:
        """End the other Python."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                with contextlib.suppress(OSError):
                    assert pipe is not None
                    pipe.close()


def be_send_relay() -> None:
    """Serve until standard input ends."""
    out = sys.stdout
    for line in sys.stdin:
        name, *given = json.loads(line)
        answer: dict[str, object]
        try:
            answer = {"returned": getattr(send_cloud, name)(*given)}
        except HyperstoreError as error:
            answer = {"kind": type(error).__name__, "said": str(error)}
        out.write(json.dumps(answer) + "\n")
        out.flush()
