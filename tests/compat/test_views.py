"""Stored views on disk: as FORMAT.md says; what they name stays, and damage in them is found."""

from pathlib import Path

import msgpack
import pytest

import hyperstore
from hyperstore import CorruptError, DataView, NotFoundError, UsageError
from hyperstore.codec import pack, replace
from hyperstore.history.dataview import ViewRecord, decode_view, encode_view
from hyperstore.ids import Kind, ObjectId, object_id
from hyperstore.maintenance.check import fsck
from hyperstore.maintenance.collect import gc
from hyperstore.storage.reflog import Move
from tests.support.stores import frame
from tests.support.stranger import StrangerStore

VIEW = 7
FIELDS = {
    "commits",
    "created",
    "extra",
    "id",
    "published",
    "spec",
    "system_tags",
    "updated",
    "user",
}


def view_of(**said: object) -> ViewRecord:
    """Return a record of a view."""
    plain = {"created": 1, "id": "0" * 32, "spec": {"filters": []}, "updated": 2}
    return ViewRecord(**{**plain, **said})  # type: ignore[arg-type]


def test_a_stranger_reads_views_from_the_document(tmp_path: Path) -> None:
    """By the ref, the kind, and the fields that FORMAT.md names, and no others."""
    with hyperstore.init(tmp_path / "store") as store:
        draft = store.create_dataset("cells").version()
        draft.add_frames([frame(1)])
        commit = draft.commit("One")
        assert commit is not None
        view = DataView("some", store=store)
        view.add_query(dataset_name="cells", version_name=commit, roi_query="cat", weight=2)
        view_id = view.publish()
        dataset = draft.dataset_id
    with StrangerStore(tmp_path / "store") as strange:
        found = strange.read(strange.refs[f"view/{view_id}"], VIEW)
    assert set(found) <= FIELDS
    assert (found["id"], found["commits"]) == (view_id, [bytes.fromhex(commit)])
    assert found["published"] >= found["created"] > 0
    assert found["spec"] == {
        "filters": [
            {"dataset": dataset, "label_rules": [{"label": "cat"}], "version": commit, "weight": 2}
        ],
        "iteration": {"infinite": False, "order": "sequential"},
        "name": "some",
    }


def test_the_document_names_every_field_of_a_view() -> None:
    """A reader refuses fields that it does not know."""
    text = (Path(hyperstore.__file__).parent / "FORMAT.md").read_text()
    section = text.partition("**View** (kind 7)")[2].partition("**Lock** (kind 13)")[0]
    assert set(ViewRecord.__struct_fields__) == FIELDS
    for field in sorted(FIELDS):
        assert f"`{field}`" in section, field


def test_a_view_that_is_not_canonical_is_refused() -> None:
    """Its id would not be what it holds."""
    view = view_of(user="me")
    payload = encode_view(view)
    assert decode_view(payload, object_id(VIEW, payload)) == view
    fields = msgpack.unpackb(payload)
    unsorted = msgpack.packb({name: fields[name] for name in reversed(fields)})
    longer = encode_view(replace(view, commits=[b"x"]))
    for damaged in (payload + b"\0", payload[:-1], unsorted, longer):
        with pytest.raises(CorruptError):
            decode_view(damaged, object_id(VIEW, payload))


def test_a_view_that_cannot_be_stored_is_refused() -> None:
    """Before it is: one that cannot be read would stop every listing."""
    for view in (
        view_of(user="\ud800"),
        view_of(spec={"name": "x" * (17 * 1024 * 1024)}),
        view_of(created="now"),
    ):
        with pytest.raises(UsageError):
            encode_view(view)


@pytest.mark.parametrize("payload", [pack({"id": "x"}), encode_view(view_of(spec={"a": b"b"}))])
def test_fsck_finds_a_view_that_is_none(tmp_path: Path, payload: bytes) -> None:
    """And one whose free maps hold what is never written."""
    with hyperstore.init(tmp_path / "store") as store:
        oid = ObjectId(object_id(Kind.DATAVIEW, payload))
        with store.handle.database.writing() as writer:
            writer.put_many([(oid, Kind.DATAVIEW, payload)])
            writer.move("view/x", None, oid)
            moves = [Move("view/x", None, oid)]
            writer.log(time_ms=1, actor="a", command="c", moves=moves)
        assert {fault.code for fault in fsck(store, level="full").faults} == {"bad-object"}


def test_what_a_view_names_by_commit_is_not_collected(tmp_path: Path) -> None:
    """Though its version has gone back behind it; a deleted view holds nothing."""
    with hyperstore.init(tmp_path / "store") as store:
        draft = store.create_dataset("cells").version()
        draft.add_frames([frame(1)])
        first = draft.commit("One")
        draft.add_frames([frame(2)])
        second = draft.commit("Two")
        assert first is not None
        assert second is not None
        view = DataView(store=store)
        view.add_query(dataset_name="cells", version_name=second)
        view.store()
        draft.reset(first, hard=True)
        gc(store, prune_now=True, now_ms=10**15)
        assert view.get_count() == 2
        assert fsck(store, level="full").faults == []
        view.delete()
        gc(store, prune_now=True, now_ms=10**15)
        with pytest.raises(NotFoundError):
            store.commit_info(second)


def test_stored_views_are_undone(tmp_path: Path) -> None:
    """As any operation; what was deleted comes back, what was stored goes."""
    with hyperstore.init(tmp_path / "store") as store:
        store.create_dataset("cells")
        view = DataView("some", store=store)
        view.add_query(dataset_name="cells")
        view_id = view.store()
        view.delete()
        assert DataView.list(store=store) == []
        assert store.undo().command == "delete view"
        assert DataView.get(view_id, store=store).name == "some"
        assert store.undo().command == "store view some"
        assert DataView.list(store=store) == []
        assert fsck(store, level="full").faults == []
