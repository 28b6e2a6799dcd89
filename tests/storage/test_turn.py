"""Turns: what one collection tells the next, through a file that is believed little."""

from pathlib import Path

import pytest

from hyperstore.storage.turn import Turn

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
