"""Damage from outside: flipped bits and cut files are found, never read, and kill nobody."""

from pathlib import Path

import pytest

from tests.support.faults import rounds
from tests.support.faults_preload import environment, run

pytestmark = pytest.mark.slow


def test_flipped_bits_are_found_and_never_read(tmp_path: Path) -> None:
    """LMDB has no checksums, so every byte that it leads to is checked by us."""
    flips = rounds(150, soak=2000)
    answer = run(environment(), "flip", tmp_path, flips, 1)
    assert answer["flips"] == flips
    assert answer["found"] >= 0.6 * flips
    assert not answer["faults"]


def test_cut_files_are_refused(tmp_path: Path) -> None:
    """A mapped file that is shorter than it says would end the process by SIGBUS."""
    cuts = rounds(50, soak=400)
    answer = run(environment(), "truncate", tmp_path, cuts, 1)
    assert answer["cuts"] == answer["found"] == cuts
    assert not answer["faults"]


def test_the_flips_find_that_reads_are_not_checked(tmp_path: Path) -> None:
    """The harness can fail: without the check of each record, wrong data is read."""
    answer = run(environment(), "flip", tmp_path, 40, 1, "--plant", "no-check")
    assert any("something else" in one or "another" in one for one in answer["faults"])
