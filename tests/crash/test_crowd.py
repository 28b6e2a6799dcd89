"""Many at once on one draft: every acknowledged frame stays, and no reader fails or stays."""

from pathlib import Path

import pytest

from tests.support.faults import rounds
from tests.support.faults_preload import environment, run

pytestmark = pytest.mark.slow
CALLS_MIN = 100


@pytest.mark.parametrize("kind", ["crowd", "threads"])
def test_writers_and_readers_at_once_lose_nothing(tmp_path: Path, kind: str) -> None:
    """Four processes, or threads, that write one draft all keep their frames."""
    answer = run(environment(), kind, tmp_path, rounds(5, soak=60))
    assert len(answer["calls"]) == 8
    assert min(answer["calls"]) >= CALLS_MIN
    assert not answer["faults"]


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_workers_go_on_with_a_store_and_an_iterator(tmp_path: Path, method: str) -> None:
    """Data loaders start workers in the middle of everything, in each of three ways."""
    answer = run(environment(), "workers", tmp_path, method)
    assert answer["workers"] == 3
    assert not answer["faults"]


def test_the_crowd_finds_a_swap_without_compare(tmp_path: Path) -> None:
    """The harness can fail: who moves a ref whatever it points to loses another's frames."""
    answer = run(environment(), "crowd", tmp_path, 1, "--plant", "no-compare")
    assert answer["faults"]


def test_the_workers_find_a_handle_kept_across_a_fork(tmp_path: Path) -> None:
    """The harness can fail: a child with its parent's handle leaves its reader behind."""
    answer = run(environment(), "workers", tmp_path, "fork", "--plant", "kept-across-fork")
    assert any("a reader stays" in one for one in answer["faults"])
