"""One operation on refs: what it read must still be so, and still be here, when it publishes."""

from collections.abc import Sequence

import pytest

from hyperstore import Store
from hyperstore.dataset.draft import store_snapshot
from hyperstore.dataset.transact import Move, transact
from hyperstore.errors import CorruptError, MissingObjectError
from hyperstore.frames.keys import frame_key, order_key
from hyperstore.history.branches import RefReader, working_ref
from hyperstore.history.commit import Snapshot
from hyperstore.ids import Kind, ObjectId, object_id
from hyperstore.tree.build import build
from hyperstore.tree.node import make_leaf


def test_an_operation_on_what_was_collected_meanwhile_moves_nothing(store: Store) -> None:
    """It was read while the operation was prepared, and may be all that its result rests on."""
    payload = b"read, then collected"
    read = object_id(Kind.RECORD, payload)
    with store.handle.database.writing() as writer:
        writer.put_many([(read, Kind.RECORD, payload)])
    staging = store.handle.staging()
    tries: list[int] = []

    def prepare(refs: RefReader) -> tuple[Sequence[Move], ObjectId]:
        assert refs.get(read, Kind.RECORD) == payload
        if not tries:
            with store.handle.database.writing() as writer:
                writer.delete_objects([read])
        tries.append(1)
        new = staging.add(Kind.RECORD, b"made from it")
        return [Move("tag/made", None, new)], new

    operations = len(list(store.operations()))
    with pytest.raises(MissingObjectError):
        transact(store.handle, staging, "make", prepare)
    staging.clear()
    with store.handle.database.reading() as reader:
        assert reader.ref("tag/made") is None
    assert len(list(store.operations())) == operations


def test_a_ref_is_not_moved_to_an_object_that_is_gone(store: Store) -> None:
    """One that was named without being read, as undo names what operations had moved."""
    gone = object_id(Kind.RECORD, b"collected since")
    operations = len(list(store.operations()))

    def prepare(_: RefReader) -> tuple[Sequence[Move], None]:
        return [Move("tag/made", None, gone)], None

    with pytest.raises(MissingObjectError, match="collected meanwhile"):
        transact(store.handle, store.handle.staging(), "make", prepare)
    with store.handle.database.reading() as reader:
        assert reader.ref("tag/made") is None
    assert len(list(store.operations())) == operations


def test_a_name_that_was_free_when_looked_up_is_still_free_when_taken(store: Store) -> None:
    """Names are looked up among all refs of a kind, of which none has moved that was read."""
    payload = b"somebody's"
    other = object_id(Kind.RECORD, payload)
    staging = store.handle.staging()
    seen: list[list[str]] = []

    def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
        seen.append([name for name, _ in refs.refs("tag/")])
        if len(seen) == 1:
            with store.handle.database.writing() as writer:
                writer.put_many([(other, Kind.RECORD, payload)])
                writer.move("tag/theirs", None, other)
        return [Move("tag/mine", None, staging.add(Kind.RECORD, b"mine"))], None

    transact(store.handle, staging, "make", prepare)
    assert seen == [[], ["tag/theirs"]]


def test_a_tree_that_leads_to_what_is_no_frame_is_damage(store: Store) -> None:
    """Whatever the object is: its kind is compared before a byte of it is taken for a frame."""
    draft = store.create_dataset("crafted").version()
    staging = store.handle.staging()
    other = staging.put(make_leaf([], []).payload())
    key = frame_key("x")
    crafted = Snapshot(
        count=1,
        roots={
            "frames": build(staging.nodes, [(key, other)]),
            "order": build(staging.nodes, [(order_key("c", 0, key), other)]),
        },
    )
    new = store_snapshot(staging, crafted)
    ref = working_ref(draft.dataset_id, draft.id)

    def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
        return [Move(ref, refs.ref(ref), new)], None

    transact(store.handle, staging, "craft", prepare)
    for read in (lambda: draft.get_frame("x"), lambda: draft.get_frames_by_ids(["x"])):
        with pytest.raises(CorruptError, match="of kind 2 where kind 1 was referred to"):
            read()
