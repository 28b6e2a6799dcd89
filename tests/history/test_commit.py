"""Commits, snapshots, tags and records as objects."""

import msgpack
import pytest

from hyperstore.codec import pack, replace
from hyperstore.errors import CorruptError, UsageError
from hyperstore.history.commit import (
    Changes,
    Count,
    DatasetRecord,
    HeadRecord,
    Snapshot,
    Tag,
    Totals,
    VersionRecord,
    check_maps,
    check_message,
    decode_commit,
    decode_record,
    decode_snapshot,
    decode_tag,
    new_commit,
)
from hyperstore.ids import CommitId, Kind, ObjectId, SnapshotId, object_id

ID = ObjectId(bytes(range(32)))
COMMIT = new_commit(
    snapshot=SnapshotId(ID),
    parents=[CommitId(ID)],
    place=("d" * 32, "e" * 32),
    who="Ada <ada@example.org>",
    message="  Add frames\n\nBecause. \n",
    time_ms=1_598_982_880_693,
    changes=Changes(frames=Count(added=2), rois=Count(added=5, removed=1)),
)
SNAPSHOT = Snapshot(
    count=2,
    meta={"mask_labels": {"_all_": []}, "a": 1.5},
    roots={"frames": ID, "order": ID},
    totals=Totals(annotated=1, rois=3),
)
TAG = Tag(commit=ID, message="", name="v1", tagger="Ada <ada@example.org>", time=5)
RECORDS = [
    DatasetRecord(created=1, id="a" * 32, name="cells", tags=["b", "a"]),
    VersionRecord(created=1, dataset="a" * 32, id="b" * 32, name="Current", published=7),
    HeadRecord(dataset="a" * 32, version="b" * 32),
]


def test_a_commit_decodes_to_what_was_encoded() -> None:
    """The message loses only the white space at its ends."""
    assert decode_commit(pack(COMMIT), ID) == COMMIT
    assert COMMIT.message == "Add frames\n\nBecause."


def test_a_snapshot_without_rois_has_one_encoding() -> None:
    """Counts that came to zero and counts that always were are one snapshot, under one id."""
    counted = Totals(annotated=1 - 1, rois=3 - 3)
    assert pack(Snapshot(roots={}, totals=counted)) == pack(Snapshot(roots={}))
    without = msgpack.packb({"roots": {}})
    with pytest.raises(CorruptError, match="canonical"):
        decode_snapshot(without, ID)


@pytest.mark.parametrize("odd", [float("nan"), -0.0, b"bytes", [{"deep": float("inf")}]], ids=str)
def test_free_maps_hold_what_could_be_stored(odd: object) -> None:
    """Their own fields are held to the form by decoding; what is in a map is not looked at then."""
    for record in (SNAPSHOT, COMMIT, TAG, *RECORDS):
        check_maps(record)
        bad = replace(record, extra={"x": odd})
        with pytest.raises(CorruptError):
            check_maps(bad)
    with pytest.raises(CorruptError):
        check_maps(replace(SNAPSHOT, meta={"x": odd}))


def test_a_snapshot_and_a_tag_decode_to_what_was_encoded() -> None:
    """Both are read back at any time later."""
    assert decode_snapshot(pack(SNAPSHOT), ID) == SNAPSHOT
    assert decode_tag(pack(TAG), ID) == TAG


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_decodes_to_its_own_type(record: DatasetRecord) -> None:
    """All records are objects of one kind, and say themselves what they are."""
    assert decode_record(pack(record), ID) == record


@pytest.mark.parametrize("value", [COMMIT, SNAPSHOT, TAG, *RECORDS])
def test_an_independent_library_finds_sorted_keys(value: object) -> None:
    """A stranger writes a reader with any MessagePack library."""
    found = msgpack.unpackb(pack(value))
    assert list(found) == sorted(found)
    assert msgpack.packb(found) == pack(value)


def test_unknown_extra_is_kept() -> None:
    """Signatures of a later version must survive a reader of this one."""
    extended = replace(COMMIT, extra={"signature": "s"})
    assert decode_commit(pack(extended), ID).extra == {"signature": "s"}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Kind.COMMIT, COMMIT, "1f80e62b4044d61562455f6881f49f8aa6c5bbdf9547ee0038eb426e097a5c18"),
        (
            Kind.SNAPSHOT,
            SNAPSHOT,
            "aa083bb7a4c033d50880ba5097a22e5391ec782318821ac92dd5239da415fbd9",
        ),
        (Kind.TAG, TAG, "d875156a987bfd739091a6574ebcc3bc0ca6b216718ebf3b99b0ee3a37987afd"),
        (
            Kind.RECORD,
            RECORDS[0],
            "8bf3cd3818e7a920001eaf1972924efd513860a107034ed3b60fcd7e0d5e29b5",
        ),
        (
            Kind.RECORD,
            RECORDS[1],
            "3ecb37b2727207e0fbc82b970437d4f11165206a4425053b1095bcbbbbf0a310",
        ),
        (
            Kind.RECORD,
            RECORDS[2],
            "99a457971d023ee408cb4332d13225c1a017920f9c330151f17603ff24a8d7dc",
        ),
    ],
)
def test_ids_of_fixed_contents_never_change(kind: Kind, value: object, expected: str) -> None:
    """A change of the format by accident would orphan every store."""
    assert object_id(kind, pack(value)).hex() == expected


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc0",
        pack(COMMIT) + b"\0",
        pack(COMMIT)[:-1],
        pack({**msgpack.unpackb(pack(COMMIT)), "unknown": 1}),
        pack({**msgpack.unpackb(pack(COMMIT)), "parents": [b"short"]}),
        pack({**msgpack.unpackb(pack(COMMIT)), "parents": [bytes(32)] * 65}),
        pack({**msgpack.unpackb(pack(COMMIT)), "time": "now"}),
        pack({**msgpack.unpackb(pack(COMMIT)), "extra": {}}),
        msgpack.packb(dict(reversed(msgpack.unpackb(pack(COMMIT)).items()))),
    ],
)
def test_a_commit_that_was_never_written_is_refused(payload: bytes) -> None:
    """Objects come from strangers; each has one form, and unknown fields have their place."""
    with pytest.raises(CorruptError, match=ID.hex()):
        decode_commit(payload, ID)


@pytest.mark.parametrize(
    "changed",
    [
        replace(SNAPSHOT, count=-1),
        replace(SNAPSHOT, totals=Totals(annotated=3, rois=3)),
        replace(SNAPSHOT, roots={"frames": b""}),
    ],
)
def test_a_snapshot_with_impossible_numbers_is_refused(changed: Snapshot) -> None:
    """Counts are believed by everything above."""
    with pytest.raises(CorruptError):
        decode_snapshot(pack(changed), ID)


@pytest.mark.parametrize("message", ["", " \n ", None, "x\ud800", "x" * (1024 * 1024 + 1)])
def test_a_commit_needs_a_message_that_can_be_stored(message: object) -> None:
    """A log of empty lines tells nothing."""
    with pytest.raises(UsageError):
        check_message(message)
