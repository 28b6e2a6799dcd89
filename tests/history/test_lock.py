"""Locks as objects: what FORMAT.md says of them is what is written, and damage is found."""

from pathlib import Path

import msgpack
import pytest
from blake3 import blake3

import hyperstore
from hyperstore import CorruptError, FormatError, UsageError
from hyperstore.codec import pack, replace
from hyperstore.history.lock import (
    LockedQuery,
    LockedRevision,
    LockedVersion,
    LockRecord,
    decode_lock,
    encode_lock,
)
from hyperstore.ids import Kind, ObjectId, object_id
from hyperstore.maintenance.check import fsck
from hyperstore.maintenance.collect import gc
from hyperstore.query.dataview import DataView
from hyperstore.storage.reflog import Move
from tests.support.stores import frame
from tests.support.stranger import StrangerStore


def lock() -> LockRecord:
    """Return a lock with every field."""
    return LockRecord(
        begins=b"b" * 32,
        count=2,
        extra={"x": 1},
        format=1,
        frames=b"f" * 32,
        queries=[LockedQuery(count=2, versions=[0])],
        since=[LockedRevision(commit=b"s" * 32, dataset="d", revision="v1.2")],
        spec={"filters": [{"weight": 1.5}]},
        store="0" * 32,
        versions=[
            LockedVersion(
                commit=b"c" * 32,
                content=b"r" * 32,
                count=2,
                dataset="d",
                dataset_name="cells",
                version="v",
                version_name="Current",
            )
        ],
        view="dogs",
    )


def test_a_lock_comes_back_as_it_was_stored() -> None:
    """One lock is one run of bytes, and has one id."""
    payload = encode_lock(lock())
    assert decode_lock(payload, object_id(Kind.LOCK, payload)) == lock()
    assert encode_lock(decode_lock(payload, object_id(Kind.LOCK, payload))) == payload


def test_a_stranger_reads_locks_from_the_document(tmp_path: Path) -> None:
    """By the ref, the kind, and the fields that FORMAT.md names."""
    with hyperstore.init(tmp_path / "store") as store:
        draft = store.create_dataset("cells").version()
        draft.add_frames([frame(1), frame(2)])
        commit, version, name = draft.commit("Two"), draft.id, store.id
        made = DataView("all", store=store).add_query("cells").lock()
        content = draft.content_id
    with StrangerStore(tmp_path / "store") as strange:
        ((ref, oid),) = [one for one in strange.refs.items() if one[0].startswith("lock/")]
        found = strange.read(oid, 13)
    assert ref == f"lock/{made.id}"
    digest = blake3()
    for frame_id in (f"{1:032x}", f"{2:032x}"):  # Of camera 1, then of camera 2.
        digest.update(bytes([32]) + frame_id.encode())
    assert found["frames"] == digest.digest()
    assert (found["format"], found["count"], found["store"]) == (1, 2, name)
    assert (found["view"], found["queries"]) == ("all", [{"count": 2, "versions": [0]}])
    (pinned,) = found["versions"]
    assert (pinned["commit"].hex(), pinned["content"].hex()) == (commit, content)
    assert (pinned["version"], pinned["version_name"], pinned["count"]) == (version, "Current", 2)


def test_the_document_names_every_field_of_a_lock() -> None:
    """A reader refuses fields that it does not know."""
    text = (Path(hyperstore.__file__).parent / "FORMAT.md").read_text()
    section = text.partition("**Lock** (kind 13)")[2].partition("**A lock file**")[0]
    parts = (lock(), lock().queries[0], lock().since[0], lock().versions[0])
    for name in {field for part in parts for field in part.__struct_fields__}:
        assert f"`{name}`" in section, name


@pytest.mark.parametrize(
    "fields",
    [
        {"frames": b"short"},
        {"begins": b"short"},
        {"count": -1},
        {"queries": [LockedQuery(count=1, versions=[1])]},
        {"queries": [LockedQuery(count=1, versions=[-1])]},
        {"versions": [replace(lock().versions[0], commit=b"")]},
        {"versions": lock().versions * 16_385},
        {"queries": [LockedQuery()] * 16_385},
        {"spec": {"weight": float("nan")}},
        {"spec": {"bytes": b"x"}},
        {"view": "\ud800"},
    ],
)
def test_a_lock_that_says_what_none_says_is_refused(fields: dict[str, object]) -> None:
    """Before it is stored, and where it was stored all the same."""
    bad = replace(lock(), **fields)
    with pytest.raises(UsageError, match="cannot be stored"):
        encode_lock(bad)
    if "view" not in fields:
        with pytest.raises(CorruptError):
            decode_lock(pack(bad), ObjectId(b"x" * 32))


def test_a_lock_that_is_cut_or_longer_or_unsorted_is_refused() -> None:
    """Its id would not be what it holds."""
    payload = encode_lock(lock())
    backwards = msgpack.packb(dict(reversed(msgpack.unpackb(payload).items())))
    for bad in (payload[:-1], payload + b"\0", backwards, b""):
        with pytest.raises(CorruptError):
            decode_lock(bad, ObjectId(b"x" * 32))


def test_a_lock_of_a_later_format_says_so() -> None:
    """Its meaning is not guessed at."""
    with pytest.raises(FormatError, match="upgrade"):
        decode_lock(pack(replace(lock(), format=2)), ObjectId(b"x" * 32))


def keep(store: hyperstore.Store, payload: bytes, name: str = "lock/x") -> ObjectId:
    """Put a lock into a store under a ref."""
    oid = object_id(Kind.LOCK, payload)
    with store.handle.database.writing() as writer:
        writer.put_many([(oid, Kind.LOCK, payload)])
        writer.move(name, None, oid)
        writer.log(time_ms=1, actor="a", command="c", moves=[Move(name, None, oid)])
    return oid


@pytest.mark.parametrize("name", ["lock/x", "stamp/x"])
@pytest.mark.parametrize("place", ["versions", "since"])
def test_what_a_lock_names_stays_when_all_else_is_gone(
    tmp_path: Path, name: str, place: str
) -> None:
    """Commits, snapshots and frames; and when the lock goes, they go."""
    with hyperstore.init(tmp_path / "store") as store:
        draft = store.create_dataset("cells").version()
        draft.add_frames([frame(1), frame(2)])
        commit = draft.commit("Two")
        assert commit is not None
        link = bytes.fromhex(commit)
        record = lock()
        version = replace(record.versions[0], commit=link)
        since = replace(record.since[0], commit=link)
        record = replace(
            record,
            versions=[version] if place == "versions" else [],
            since=[since] if place == "since" else [],
            queries=[],
        )
        oid = keep(store, encode_lock(record), name)
        store.delete_dataset("cells", force=True)
        handle = store.handle
        far = 10**15  # Long after all that the log may undo.
        gc(store, prune_now=True, now_ms=far)
        assert fsck(store, level="full").faults == []
        snapshot = handle.snapshot(handle.commit(bytes.fromhex(commit)).snapshot)  # type: ignore[arg-type]
        assert snapshot.count == 2
        with handle.database.writing() as writer:
            writer.move(name, oid, None)
        gc(store, prune_now=True, now_ms=far)
        with handle.database.reading() as reader:
            assert not reader.has_many([oid, ObjectId(link)])


def test_fsck_finds_a_lock_that_is_none_and_one_whose_commit_is_lost(tmp_path: Path) -> None:
    """By the quick check too."""
    with hyperstore.init(tmp_path / "store") as store:
        keep(store, pack({"id": "x"}))
        keep(store, encode_lock(lock()), "lock/y")
        keep(store, pack(replace(lock(), format=9)), "lock/z")
        for level in ("quick", "full"):
            codes = sorted(fault.code for fault in fsck(store, level=level).faults)
            assert codes == ["bad-object", "bad-object", "lost-object", "lost-object"]
