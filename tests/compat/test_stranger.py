"""A reader that knows FORMAT.md and nothing else sees in a store what the package answers."""

import json
import shutil
import struct
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lmdb
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

import hyperstore
from hyperstore import DatasetVersion, Store
from hyperstore.tree.build import build
from hyperstore.tree.nodes import Nodes
from tests.support.frames import wires
from tests.support.slow import MemorySource
from tests.support.stranger import StrangerStore, Wrong, object_id, packed, tree_root
from tests.support.strategies import wire_frames

GOLDEN = Path(__file__).parent / "data"
ODD_FRAMES: list[dict[str, Any]] = [
    {
        "context_id": "vidéo\0 ",
        "timestamp": -7,
        "sources": [
            {
                "id": "default",
                "uri": "s3://b/ü.mp4",
                "timestamp": 99,
                "width": 640,
                "meta": {"size": 12, "hash": "ab"},
                "preview": {"uri": "s3://b/small.png", "kind": "unknown here"},
                "masks": [{"id": "00", "uri": "s3://b/mask.png", "extra": 1}],
            }
        ],
        "rois": [
            {"label": ["a", "b"], "mask": {"id": "00", "value": [1, 2.0, 3]}},
            {"label": ["a"], "poly": [0, 0.0, 1, 1, 2, 2], "confidence": 1, "kind": [None]},
            {"label": ["a"], "poly": [0, 0.0, 1, 1, 2, 2], "confidence": 0.5},
            {"label": ["k"], "poly": [1, 2, 3], "meta": {"_type": "k3d", "_id": 7, "why": None}},
        ],
        "meta": {"float": 1.0, "int": 1, "big": 2**64 - 1, "deep": {"x": [{}, [], ""]}},
        "meta_blob": {"x": {"y": -(2**63)}},
        "blob": "text",
        "kind": "not ours",
        "_coco": {"images": [{"files": ["0a1b2c3d"], "record": {"id": 1}}]},
    },
    {
        "id": "two cameras",
        "context_id": "",
        "sources": [{"id": "left", "uri": "s3://b/l.png"}, {"id": "right", "uri": "s3://b/r.png"}],
        "rois": [
            {"label": ["car"], "poly": [0, 0, 1, 0, 1, 1], "sources": ["right", "left"]},
            {"label": ["night"]},
        ],
        "meta": {"left": {"lens": 3}, "weather": "rain"},
    },
    {"id": "f" * 32, "_kind": "group", "sources": [{"id": "default", "uri": "http://h/one.png"}]},
    {"id": "F" * 32, "timestamp": 2**63 - 1, "sources": [{"id": "default", "uri": "http://h/2"}]},
]


def fill(store: Store, folder: Path) -> None:
    """Make datasets, versions and commits of all kinds."""
    store.set_config("user.name", "Zoë")
    store.set_config("roots.disk", str(folder / "disk"))
    files = [str(folder / "a.png"), str(folder / "disk" / "x" / "ö.png"), "/else/where.png"]
    cells = store.create_dataset(
        "cells ✓", project="lab", comment="of blood", tags=["x"], metadata={"a": [1, 2.5, None]}
    )
    draft = cells.version()
    assert draft.add_frames(ODD_FRAMES) == []
    first = draft.commit("Add odd frames\n\nAll of them.")
    assert draft.add_frames(wires(400)) == []
    local = [{"sources": [{"id": "default", "uri": file}]} for file in files]
    assert draft.add_frames(local) == []
    draft.set_metadata({"mask_labels": {"0": "nothing"}})
    draft.commit("Add many")
    draft.tag("v/1", first, message="the first")
    draft.delete_frames([f"f{at:03d}" for at in range(0, 400, 7)])
    moved = wires(60)
    for frame in moved:
        frame["timestamp"] = -int(str(frame["timestamp"])) - 1
    assert draft.update_frames(moved) == []
    child = draft.snapshot("frozen", comment="for good")
    child.add_frames(ODD_FRAMES[:1])
    child.delete_frames(["f"])
    branch = cells.create_version("branch", commit=first)
    branch.delete_frames([frame.id for frame in branch])
    branch.commit("Empty it")
    branch.revert(branch.log()[0].id)
    store.set_head(branch)
    empty = store.create_dataset("empty")
    empty.version().publish()
    empty.create_version("never committed")
    store.create_dataset("deleted").version().rename("renamed")
    store.delete_dataset("deleted")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a store that holds some of everything."""
    place = tmp_path_factory.mktemp("home")
    with hyperstore.init(place / "store") as store:
        fill(store, place)
    return place / "store"


@pytest.fixture(scope="module")
def stranger(folder: Path) -> Iterator[StrangerStore]:
    """Return the store as the stranger reads it."""
    with StrangerStore(folder) as found:
        yield found


@pytest.fixture
def store(folder: Path, stranger: StrangerStore) -> Iterator[Store]:
    """Return the store as the package opens it, which the stranger has read before."""
    with hyperstore.open(folder) as found:
        yield found


def versions_of(store: Store) -> list[DatasetVersion]:
    return [version for dataset in store.datasets() for version in dataset.versions()]


def test_a_stranger_lists_datasets_versions_and_tags(store: Store, stranger: StrangerStore) -> None:
    """Names are the first thing that somebody looks for in a store of somebody else."""
    assert stranger.id == store.id
    for record, dataset in zip(stranger.datasets(), store.datasets(), strict=True):
        ours = dataset.record
        assert (record["name"], record["id"]) == (ours.name, ours.id)
        assert (record.get("project", ""), record.get("comment", "")) == (
            ours.project,
            ours.comment,
        )
        assert (record.get("tags", []), record.get("metadata", {})) == (ours.tags, ours.metadata)
        tags = {name: commit.hex() for name, commit in stranger.tags(dataset.id).items()}
        assert tags == dataset.commit_tags()
        for theirs, version in zip(stranger.versions(dataset.id), dataset.versions(), strict=True):
            assert (theirs["name"], theirs["id"]) == (version.name, version.id)
            assert ("published" in theirs) == version.published
            assert theirs.get("comment", "") == version.record.comment
    assert sum(len(dataset.commit_tags()) for dataset in store.datasets()) == 1


def test_a_stranger_reads_history(store: Store, stranger: StrangerStore) -> None:
    """Who changed what, when and why is half of what the store is for."""
    seen = 0
    for version in versions_of(store):
        record = next(
            one for one in stranger.versions(version.dataset_id) if one["id"] == version.id
        )
        ours = version.log()
        theirs = stranger.log(stranger.head(record))
        assert [commit.hex() for commit, _ in theirs] == [one.id for one in ours]
        for (_, commit), one in zip(theirs, ours, strict=True):
            assert commit["message"] == one.message
            assert (commit["author"], commit["time"]) == (one.author, one.time)
            assert [parent.hex() for parent in commit["parents"]] == list(one.parents)
            assert commit["changes"]["frames"]["added"] == one.changes.frames.added
            assert commit["changes"]["rois"]["removed"] == one.changes.rois.removed
            seen += 1
    assert seen >= 8


def test_a_stranger_reads_every_frame_in_order(store: Store, stranger: StrangerStore) -> None:
    """All fields of all frames, now and at every commit; 1 and 1.0 are two values."""
    frames = 0
    for version in versions_of(store):
        record = next(
            one for one in stranger.versions(version.dataset_id) if one["id"] == version.id
        )
        commits = [info.id for info in version.log()]
        snapshots = [stranger.snapshot_at(bytes.fromhex(one)) for one in commits]
        views = [version.at(one) for one in commits]
        now = stranger.snapshot(record)
        for snapshot, view in zip([now, *snapshots], [version.view(), *views], strict=True):
            assert snapshot["roots"]["frames"].hex() == view.content_id
            assert snapshot.get("meta", {}) == view.get_metadata()
            ours = [packed(frame.to_dict()) for frame in view]
            assert [packed(wire) for wire in stranger.wires(snapshot)] == ours
            frames += len(ours)
    assert frames > 1_000


def test_a_stranger_reads_the_operation_log(store: Store, stranger: StrangerStore) -> None:
    """Where every name has pointed; the refs are where the log has left them."""
    ours = list(store.operations())[::-1]
    theirs = stranger.operations()
    assert [tuple(one) for one in theirs] == [
        (one.number, one.time_ms, one.actor, one.command, [tuple(move) for move in one.moves])
        for one in ours
    ]
    refs: dict[str, bytes] = {}
    for operation in theirs:
        for name, old, new in operation.moves:
            assert refs.get(name) == old
            refs.pop(name, None)
            if new is not None:
                refs[name] = new
    assert refs == stranger.refs


def test_a_stranger_follows_sequence_numbers_over_collected_objects(tmp_path: Path) -> None:
    """Rows that lost records have gaps, and the numbers after them stay what they were."""
    folder = tmp_path / "store"
    with hyperstore.init(folder) as store:
        draft = store.create_dataset("cells").version()
        for start in range(0, 40, 20):
            draft.add_frames(wires(20, start=start))
        frames = {frame.id: frame.object_id for frame in draft}
        draft.delete_frames([one for one in frames if one != "f007"])
        dataset_id = draft.dataset_id
    dead = {one for name, one in frames.items() if one is not None and name != "f007"}
    with StrangerStore(folder) as stranger:
        before = stranger.objects
    with hyperstore.open(folder) as store, store.handle.database.writing() as writer:
        writer.delete_objects(dead)
    with StrangerStore(folder) as stranger:
        assert {one: before[one] for one in before.keys() - dead} == stranger.objects
        wire = stranger.wires(stranger.snapshot(stranger.versions(dataset_id)[0]))
        assert [one["id"] for one in wire] == ["f007"]


@pytest.mark.parametrize("version", sorted(one.name for one in GOLDEN.glob("v*")))
def test_a_stranger_reads_the_kept_stores(version: str, tmp_path: Path) -> None:
    """They were written once and for all, so no change of the package can make this pass."""
    with tarfile.open(GOLDEN / version / "whole.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    expected = json.loads((GOLDEN / version / "expected.json").read_text())["expected"]
    with StrangerStore(tmp_path) as stranger:
        assert stranger.id == expected["store"]
        for record in stranger.versions(stranger.datasets()[0]["id"]):
            snapshot, wanted = stranger.snapshot(record), expected["versions"][record["name"]]
            assert snapshot["roots"]["frames"].hex() == wanted["content"]
            assert [packed(wire) for wire in stranger.wires(snapshot)] == [
                packed(frame) for frame in wanted["frames"]
            ]


def _flip(table: bytes, key: bytes | None, at: int) -> Callable[[Path], None]:
    def flip(folder: Path) -> None:
        with (
            lmdb.Environment(str(folder), lib_version=0, max_dbs=6) as env,
            env.begin(write=True) as transaction,
        ):
            rows = env.open_db(table, transaction, create=False)
            found = key or next(iter(transaction.cursor(rows)))[0]
            value = bytearray(transaction.get(found, db=rows) or b"")
            value[at] ^= 4
            transaction.put(found, bytes(value), db=rows)

    return flip


@pytest.mark.parametrize(
    "damage",
    [
        _flip(b"header", b"store", 20),
        _flip(b"header", b"sequence", 5),
        _flip(b"objects", None, 3),
        _flip(b"objects", None, 100),
        _flip(b"oids", None, 8),
        _flip(b"refs", b"HEAD", 30),
        _flip(b"oplog", struct.pack(">Q", 3), 6),
    ],
    ids=["store", "sequence", "row", "record", "oids", "ref", "operation"],
)
def test_a_stranger_sees_damage(
    folder: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """A reader that believes every byte would prove nothing about the checks."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    damage(copy / "db")
    with pytest.raises((Wrong, KeyError)), StrangerStore(copy) as stranger:
        stranger.operations()


@pytest.mark.filterwarnings("ignore:.*came again in one call")
@pytest.mark.filterwarnings("ignore:.*holds a dot")
@settings(max_examples=30)
@given(st.lists(wire_frames(), max_size=4))
def test_any_frame_reads_as_the_package_reads_it(
    tmp_path_factory: pytest.TempPathFactory, frames: list[dict[str, Any]]
) -> None:
    """What nobody thought of, in any field."""
    folder = tmp_path_factory.mktemp("any") / "store"
    with hyperstore.init(folder) as store:
        draft = store.create_dataset("cells").version()
        draft.add_frames(frames)
        dataset_id, ours = draft.dataset_id, [packed(frame.to_dict()) for frame in draft]
    with StrangerStore(folder) as stranger:
        record = stranger.versions(dataset_id)[0]
        assert [packed(wire) for wire in stranger.wires(stranger.snapshot(record))] == ours


@given(st.dictionaries(st.binary(max_size=4) | st.binary(min_size=8), st.binary(max_size=40)))
def test_the_stranger_builds_the_same_trees(entries: dict[bytes, bytes]) -> None:
    """Cuts, prefixes and separators as FORMAT.md words them."""
    items = sorted(entries.items())
    assert tree_root(items) == build(Nodes(MemorySource()), items)


def test_ids_that_nobody_gave_are_as_written(tmp_path: Path) -> None:
    """The exact bytes that are hashed, for whoever registers the same pictures elsewhere."""

    def derived(parts: list[object]) -> str:
        return str(blake3(packed(parts)).hexdigest())[:32]

    source = {"id": "default", "uri": "/data/é.png", "timestamp": 5}
    roi = {"label": ["a"], "poly": [1, 2, 3, 4.5], "meta": {"_type": "k2d", "_id": 3}}
    with hyperstore.init(tmp_path / "store") as store:
        draft = store.create_dataset("cells").version()
        draft.add_frames([{"sources": [source], "rois": [roi, roi]}])
        (frame,) = draft
        wire: Any = frame.to_dict()
    assert wire["id"] == derived([["default", "file:///data/é.png", 5]])
    content = [3, "k2d", ["a"], None, [1, 2, 3, 4.5], None]
    assert [one["id"] for one in wire["rois"]] == [derived([*content, n]) for n in (0, 1)]
    assert len(object_id(1, b"")) == 32
