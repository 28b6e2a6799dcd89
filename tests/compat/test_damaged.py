"""Damaged stores, one fault each: fsck names that fault and no other, reading never lies."""

import json
import tarfile
from pathlib import Path

import pytest

from hyperstore.dataset.store import open_store
from hyperstore.errors import HyperstoreError
from hyperstore.maintenance.check import fsck_path

DATA = Path(__file__).parent / "data"
DAMAGED = {
    f"{folder.name}/{name}": (folder / "damaged" / f"{name}.tar.xz", fault)
    for folder in sorted(DATA.glob("v*"))
    for name, fault in json.loads((folder / "damaged.json").read_text()).items()
}

damaged = pytest.mark.parametrize("name", DAMAGED)


def unpacked(name: str, folder: Path) -> Path:
    with tarfile.open(DAMAGED[name][0]) as packed:
        packed.extractall(folder, filter="data")
    return folder


@damaged
def test_fsck_names_the_one_fault(name: str, tmp_path: Path) -> None:
    """Who repairs a store must know what is broken, and not what is not."""
    report = fsck_path(unpacked(name, tmp_path), level="full")
    wanted = DAMAGED[name][1]["fault"]
    assert [fault.code for fault in report.faults] == ([wanted] if wanted else [])
    assert report.ok == (not wanted)
    assert json.loads(json.dumps(report.to_dict()))["ok"] == report.ok
    for fault in report.faults:
        assert fault.message
        assert fault.repair


@damaged
def test_a_check_changes_nothing(name: str, tmp_path: Path) -> None:
    """What is damaged may be all that is left; a check must not touch it."""
    data = unpacked(name, tmp_path) / "db" / "data.mdb"
    before = data.read_bytes()
    fsck_path(tmp_path, level="full")
    assert data.read_bytes() == before


@damaged
def test_reading_gives_the_right_frames_or_an_error(name: str, tmp_path: Path) -> None:
    """A damaged store never trains a model on wrong labels without a word."""
    how = DAMAGED[name][1]["reading"]
    expected = json.loads((DAMAGED[name][0].parents[1] / "expected.json").read_text())["expected"]
    right = expected["versions"]["Current"]["frames"]
    found, error = [], ""
    try:
        with open_store(unpacked(name, tmp_path), readonly=True) as store:
            version = store.dataset("birds", project="zoo").version()
            found = [frame.to_dict() for frame in version]
    except HyperstoreError as fault:
        error = type(fault).__name__
    if how == "right":
        assert (found, error) == (right, "")
    elif how != "any":
        assert error == how


@pytest.mark.parametrize("level", ["quick", "sample", "full"])
def test_every_level_ends_on_every_damage(level: str, tmp_path: Path) -> None:
    """A check that fails where it is needed is none."""
    for number, name in enumerate(DAMAGED):
        folder = unpacked(name, tmp_path / str(number))
        report = fsck_path(folder, level=level, percent=50, seed=number)
        assert {fault.code for fault in report.faults} <= {DAMAGED[name][1]["fault"]}
