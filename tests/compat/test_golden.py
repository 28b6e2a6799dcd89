"""Stores that each format version wrote, read by this one; and ids, which must never change."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from hyperstore.dataset.store import open_store
from hyperstore.ids import Kind, object_id
from hyperstore.limits import FORMAT_VERSION
from hyperstore.maintenance.check import fsck
from hyperstore.tree.node import decode

DATA = Path(__file__).parent / "data"
VERSIONS = sorted(folder.name for folder in DATA.glob("v*"))

versions = pytest.mark.parametrize("version", VERSIONS)


def golden(version: str, part: str) -> dict[str, object]:
    found = json.loads((DATA / version / "expected.json").read_text())[part]
    assert isinstance(found, dict)
    return found


def test_there_is_a_store_of_this_format_version() -> None:
    """A format whose first store is not kept cannot be held to."""
    assert f"v{FORMAT_VERSION}" in VERSIONS


@versions
def test_an_old_store_reads_as_when_it_was_written(version: str, tmp_path: Path) -> None:
    """Who wrote a store once must be able to read it for ever."""
    with tarfile.open(DATA / version / "whole.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    expected = golden(version, "expected")
    with open_store(tmp_path) as store:
        assert store.id == expected["store"]
        dataset = store.dataset("birds", project="zoo")
        assert dataset.commit_tags() == expected["tags"]
        found = {
            one.name: {
                "content": one.content_id,
                "published": one.published,
                "log": [[info.id, info.message] for info in one.log()],
                "frames": [frame.to_dict() for frame in one],
            }
            for one in dataset.versions()
        }
        assert found == expected["versions"]
        assert fsck(store, level="full").ok


@versions
@pytest.mark.parametrize("kind", ["frame", "node", "snapshot", "commit", "tag", "record"])
def test_an_object_has_its_id_for_ever(version: str, kind: str) -> None:
    """An id that changed would make every clone a stranger."""
    found = golden(version, "objects")[kind]
    assert isinstance(found, dict)
    payload = bytes.fromhex(found["payload"])
    assert object_id(Kind[kind.upper()], payload).hex() == found["id"]
    if kind == "node":
        assert decode(payload).payload() == payload


def test_golden_data_is_written_once() -> None:
    """A store that could be written again would prove nothing about old ones."""
    tool = Path(__file__).resolve().parents[2] / "tools" / "golden.py"
    done = subprocess.run([sys.executable, tool], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "FORMAT_VERSION" in done.stdout
