"""Pins: files that say what may not be collected, each as long as somebody lives who holds it."""

import os
from pathlib import Path

from hyperstore.ids import ObjectId
from hyperstore.storage.pins import Held, Pin, living_pins
from tests.support.children import run_in_child

HELD = Held(frozenset([ObjectId(bytes(32))]), None)


def test_of_a_pin_that_a_fork_shares_the_last_to_let_go_takes_the_file_away(tmp_path: Path) -> None:
    """Nobody collects in a store that is only read, so what they leave would stay for good."""
    folder = tmp_path / "pins"
    pin = Pin(folder, HELD.ids)

    def let_go() -> None:
        assert living_pins(folder) == [HELD]
        pin.release()
        assert living_pins(folder) == [HELD]  # The parent's.

    assert run_in_child(let_go) == "done"
    assert living_pins(folder) == [HELD]
    pin.release()
    assert os.listdir(folder) == []  # noqa: PTH208 - `living_pins` would take it away.
