"""What happens at the n-th of some calls: the process ends there, or a disk fails."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from unittest import mock

__all__ = ["Places", "killed_at", "struck"]

Places = Sequence[tuple[object, str]]
"""What is called: an object, and the name of a function that it has."""


@contextmanager
def struck(number: int, strike: Callable[[], object], places: Places) -> Iterator[list[int]]:
    """Let something happen at the n-th of the calls, and count them."""
    calls = [0]

    def around(before: Callable[..., object]) -> Callable[..., object]:
        def called(*given: object, **named: object) -> object:
            calls[0] += 1
            if calls[0] == number:
                strike()
            return before(*given, **named)

        return called

    with ExitStack() as stack:
        for place, name in places:
            stack.enter_context(mock.patch.object(place, name, around(getattr(place, name))))
        yield calls


def killed_at(number: int, work: Callable[[], object], places: Places) -> bool:
    """Work in a child that is killed at the n-th of the calls; False if it came to its end."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with struck(number, lambda: os.kill(os.getpid(), signal.SIGKILL), places):
                work()
            status = 0
        finally:
            os._exit(status)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0
    return False
