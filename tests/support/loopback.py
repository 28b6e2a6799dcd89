"""What servers of tests share: they listen on loopback, keep quiet, and end with their block."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar

__all__ = ["LoopbackServer", "QuietHandler", "served"]


class LoopbackServer(ThreadingHTTPServer):
    """A server on a free port. `ended` is set when its block ends: nobody need wait any longer."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.ended = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""

    @property
    def host(self) -> str:
        """Where it listens, as HOST:PORT."""
        return f"127.0.0.1:{self.server_port}"


class QuietHandler(BaseHTTPRequestHandler):
    """Answers as HTTP 1.1 and writes no log."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Keep tests quiet."""


Server = TypeVar("Server", bound=LoopbackServer)


@contextlib.contextmanager
def served(server: Server) -> Iterator[Server]:
    """Run a server in a thread of this process."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()
