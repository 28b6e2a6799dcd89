"""Power loss, by record and replay: every acknowledged call is on the disk, and reads right."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.faults import rounds
from tests.support.faults_preload import environment, run, watching

pytestmark = pytest.mark.slow
LENGTH = 25


def lose_power(folder: Path, images: int, seed: int, *plant: str) -> dict[str, Any]:
    watched, scratch, log = folder / "watched", folder / "scratch", folder / "log"
    watched.mkdir()
    scratch.mkdir()
    settings = watching(watched, log=log, ledger=folder / "ledger")
    run(settings, "record", watched / "store", folder / "ledger", seed, LENGTH, *plant)
    return run(environment(), "replay", log, watched / "store", scratch, images, seed, LENGTH)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_power_loss_takes_an_acknowledged_call(tmp_path: Path, seed: int) -> None:
    """Of unsynced blocks any may be lost, kept or torn; what was acknowledged was synced."""
    images = rounds(300, soak=10_002) // 3
    answer = lose_power(tmp_path, images, seed)
    assert answer["sound"] + answer["unborn"] == images
    assert answer["sound"] >= 0.6 * images
    assert answer["marks"] > 2 * LENGTH
    assert not answer["faults"]


def test_the_replay_finds_that_nothing_is_synced(tmp_path: Path) -> None:
    """The harness can fail: without syncs, most images lose what was acknowledged."""
    answer = lose_power(tmp_path, 40, 1, "--plant", "no-sync")
    assert len(answer["faults"]) >= 20
