"""Sequence numbers as the index has them: a false one is told before anything is built on it."""

from pathlib import Path

import lmdb
import pytest

from hyperstore.errors import CorruptError
from hyperstore.ids import Kind, ObjectId, object_id
from hyperstore.storage.database import Database
from hyperstore.storage.packing import WHERE


def test_a_number_that_was_never_given_is_damage(tmp_path: Path) -> None:
    """One flipped bit made a check ask for terabytes, one bit for each number up to that one."""
    payloads = [b"one", b"two"]
    ids = [ObjectId(object_id(Kind.FRAME, payload)) for payload in payloads]
    with Database.create(tmp_path) as database, database.writing() as writer:
        writer.put_many((oid, Kind.FRAME, p) for oid, p in zip(ids, payloads, strict=True))
    with lmdb.open(str(tmp_path), max_dbs=8, lib_version=0) as raw, raw.begin(write=True) as change:
        oids = raw.open_db(b"oids", txn=change)
        key, place, offset = WHERE.unpack(change.get(ids[1], db=oids) or b"")
        flipped = bytes((key[0] ^ 0x80, *key[1:]))
        change.put(ids[1], WHERE.pack(flipped, place, offset), db=oids)
    with Database.open(tmp_path, readonly=True) as database, database.reading() as reader:
        assert reader.numbers(ids[:1]) == {ids[0]: 1}
        with pytest.raises(CorruptError, match=ids[1].hex()):
            reader.numbers(ids)
