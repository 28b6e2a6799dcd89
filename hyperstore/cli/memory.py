"""How much memory this process may take, for work whose own bounds leave something out."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["bounded_memory"]


@contextmanager
def bounded_memory(more_bytes: int) -> Iterator[None]:
    """Let the process take so much more than it has, and no more: then allocations fail.

    All threads share it, so only who owns the process may do this. Where the system tells or takes
    no such limit, nothing is bounded. Maps of files do not count.
    """
    has = _data_bytes()
    if has is None:
        yield
        return
    import resource  # Which not every system has.

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limits = (soft, hard, has + more_bytes)
    most = min(one for one in limits if one != resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int | None:
    """Return how much memory of its own the process has asked for; None where nobody says."""
    with suppress(OSError, ValueError), Path("/proc/self/status").open("rb") as file:
        for line in file:
            if line.startswith(b"VmData:"):
                return int(line.split()[1]) * 1024
    return None
