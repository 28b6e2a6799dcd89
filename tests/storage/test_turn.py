"""Turns: what one collection tells the next, through a file that is believed little."""

import os
from pathlib import Path

import pytest

from hyperstore.storage import host
from hyperstore.storage.turn import Turn
from tests.support.children import run_in_child

RUN = bytes(range(16))


def test_a_turn_is_what_was_signed_last(tmp_path: Path) -> None:
    """By that a collection in slices knows that no other one came between."""
    path = tmp_path / "gc.lock"
    Turn(path).sign(bytes(16), 1)
    Turn(path).sign(RUN, 2**63)
    found = Turn(path)
    assert (found.run, found.time_ms) == (RUN, 2**63)
    assert path.read_bytes() == RUN + (2**63).to_bytes(8, "little")


@pytest.mark.parametrize("held", [None, b"", RUN, bytes(23), bytes(25)])
def test_a_file_of_another_length_says_that_nobody_has_collected(
    tmp_path: Path, held: bytes | None
) -> None:
    """It was made by the lock, or left by a full disk, or is somebody else's."""
    path = tmp_path / "gc.lock"
    if held is not None:
        path.write_bytes(held)
    found = Turn(path)
    assert (found.run, found.time_ms) == (b"", 0)


def test_a_child_forked_meanwhile_does_not_keep_the_turn(tmp_path: Path) -> None:
    """A worker that another thread forks lives for hours, and nobody could collect till its end."""
    path = tmp_path / "gc.lock"
    begun, end = os.pipe()
    with host.file_lock(path) as taken:
        assert taken
        child = os.fork()
        if child == 0:
            os.close(end)
            os.read(begun, 1)  # Until the parent has done.
            os._exit(0)
    try:
        with host.file_lock(path) as taken:
            assert taken
    finally:
        os.close(end)
        os.close(begun)
        os.waitpid(child, 0)


def test_a_child_does_not_end_the_turn_of_its_parent(tmp_path: Path) -> None:
    """It leaves by the same blocks as its parent, where it was forked inside of them."""
    path = tmp_path / "gc.lock"
    lock = host.file_lock(path)
    with lock as taken:
        assert taken
        assert run_in_child(lambda: lock.__exit__(None, None, None)) == "done"
        with host.file_lock(path) as again:
            assert not again
