"""SIGKILL: what was acknowledged is there whole, and nothing else is there in part."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.faults import rounds
from tests.support.faults_preload import run, watching

pytestmark = pytest.mark.slow


def kill(folder: Path, count: int, *plant: str) -> dict[str, Any]:
    watched = folder / "watched"
    watched.mkdir()
    return run(watching(watched), "kill", watched, count, 1, *plant)


def test_no_kill_loses_or_halves_a_call(tmp_path: Path) -> None:
    """A process may die at any write or sync; the next one finds every acknowledged call whole."""
    answer = kill(tmp_path, rounds(60, soak=1000))
    assert answer["killed"] >= 60
    assert answer["inside"] >= 0.8 * answer["killed"]
    assert not answer["faults"]


def test_the_kills_find_a_ref_moved_outside_of_its_transaction(tmp_path: Path) -> None:
    """The harness can fail: two transactions where one should be are told apart."""
    answer = kill(tmp_path, 30, "--plant", "ref-outside")
    assert answer["faults"]
