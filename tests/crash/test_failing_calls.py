"""The disk refuses a call: one clear error, the old state or the new one, and on it goes."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.faults import cannot_run, is_soak, rounds
from tests.support.faults_preload import environment, run, watching

pytestmark = pytest.mark.slow
EVERY = 10**6


def strike(folder: Path, verb: str, *arguments: object) -> dict[str, Any]:
    watched = folder / "watched"
    watched.mkdir()
    return run(watching(watched), verb, watched, *arguments)


@pytest.mark.parametrize("scene", ["commit", "snapshot", "config"])
def test_every_call_of_a_change_of_refs_may_fail(tmp_path: Path, scene: str) -> None:
    """EIO and ENOSPC, once or from then on, at each write, sync and rename."""
    answer = strike(tmp_path, "fail", scene, EVERY)
    assert answer["struck"] == 4 * answer["calls"] >= 20
    assert not answer["faults"]


@pytest.mark.parametrize("scene", ["import", "gc", "compact"])
def test_calls_of_long_work_may_fail(tmp_path: Path, scene: str) -> None:
    """Work that writes several transactions leaves the old state as long as it is not done."""
    answer = strike(tmp_path, "fail", scene, EVERY if is_soak() else 40)
    assert answer["struck"] >= 40
    assert not answer["faults"]


def test_every_call_of_init_may_fail(tmp_path: Path) -> None:
    """A half-made store is completed by the next init."""
    answer = strike(tmp_path, "fail_init", rounds(40, soak=EVERY))
    assert answer["struck"] >= 40
    assert not answer["faults"]


def test_a_full_disk_stops_writers_and_no_readers(tmp_path: Path) -> None:
    """A small file system in memory, filled to its last block; then there is room again."""
    mounting = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(tmp_path)]
    if os.geteuid() or subprocess.run(mounting, capture_output=True, check=False).returncode:
        cannot_run("mounting a small tmpfs takes root")
    try:
        answer = run(environment(), "full", tmp_path)
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)
    assert not answer["faults"]


def test_the_strikes_find_a_ref_moved_outside_of_its_transaction(tmp_path: Path) -> None:
    """The harness can fail: a snapshot that moves its refs one by one is caught halfway."""
    answer = strike(tmp_path, "fail", "snapshot", EVERY, "--plant", "ref-outside")
    assert answer["faults"]
