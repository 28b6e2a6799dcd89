"""Runs on disk: what FORMAT.md says of them is what is written, and damage in them is found."""

from pathlib import Path

import msgpack
import pytest

import hyperstore
from hyperstore import CorruptError, UsageError
from hyperstore.codec import pack, replace
from hyperstore.history.run import COMPLETED, Artifact, decode_run, encode_run
from hyperstore.ids import Kind, ObjectId, object_id
from hyperstore.maintenance.check import fsck
from hyperstore.storage.reflog import Move
from tests.support.runs import begin_run, run_of
from tests.support.stores import frame
from tests.support.stranger import StrangerStore

RUN = 8
FIELDS = {
    "run": {"artifacts", "comment", "ended", "error", "extra", "id", "name", "parameters"}
    | {"process", "program", "project", "started", "status", "tags", "touched"},
    "process": {"host", "machine", "pid", "started", "user"},
    "program": {"arguments", "git_branch", "git_commit", "hyperstore", "output", "python"}
    | {"script", "type"},
}


def test_a_stranger_reads_runs_from_the_document(tmp_path: Path) -> None:
    """By the ref, the kind, and the fields that FORMAT.md names, and no others."""
    with hyperstore.init(tmp_path / "store") as store:
        draft = store.create_dataset("cells").version()
        run = begin_run(store.handle, "train")
        draft.add_frames([frame(1)])
        commit = draft.commit("One")
        left = Artifact(name="a", uri="/a", size=1)
        run.update(lambda one: replace(one, artifacts=[left], parameters={"Args": {"lr": "0.5"}}))
        run.end(COMPLETED)
        version = draft.id
    with StrangerStore(tmp_path / "store") as strange:
        ((name, oid),) = [one for one in strange.refs.items() if one[0].startswith("run/")]
        found = strange.read(oid, RUN)
        (record,) = strange.versions(strange.datasets()[0]["id"])
    assert name == f"run/{run.run_id}"
    assert set(found) <= FIELDS["run"]
    assert set(found["process"]) <= FIELDS["process"]
    assert set(found["program"]) <= FIELDS["program"]
    assert found["parameters"] == {"Args": {"lr": "0.5"}}
    assert found["artifacts"] == [{"name": "a", "size": 1, "uri": "/a"}]
    (touched,) = found["touched"]
    assert (touched["version"], touched["version_name"]) == (version, "Current")
    assert [one.hex() for one in touched["written"]] == [commit]
    assert "task" not in record  # Nobody ran when it was made.


def test_the_document_names_every_field_of_a_run() -> None:
    """A reader refuses fields that it does not know."""
    text = (Path(hyperstore.__file__).parent / "FORMAT.md").read_text()
    section = text.partition("**Run** (kind 8)")[2].partition("\n\nNames are")[0]
    run = run_of("x")
    parts = {"run": run, "process": run.process, "program": run.program}
    assert {name: set(part.__struct_fields__) for name, part in parts.items()} == FIELDS
    for field in sorted(set().union(*FIELDS.values())):
        assert f"`{field}`" in section, field


def test_a_run_that_is_not_canonical_is_refused() -> None:
    """Its id would not be what it holds."""
    run = run_of("x")
    payload = encode_run(run)
    assert decode_run(payload, object_id(RUN, payload)) == run
    fields = {name: getattr(run, name) for name in ("status", "started", "process", "name", "id")}
    unsorted = msgpack.packb({**fields, "process": msgpack.unpackb(pack(run.process))})
    for damaged in (payload + b"\0", payload[:-1], unsorted):
        with pytest.raises(CorruptError):
            decode_run(damaged, object_id(RUN, payload))


def test_a_run_that_cannot_be_stored_is_refused() -> None:
    """Before it is: one that cannot be read would stop every listing."""
    for run in (
        replace(run_of("x"), name="\ud800"),
        replace(run_of("x"), comment="x" * (17 * 1024 * 1024)),
        replace(run_of("x"), tags=[5]),
    ):
        with pytest.raises(UsageError):
            encode_run(run)


def test_fsck_finds_a_run_that_is_none(tmp_path: Path) -> None:
    """By the quick check too, since a listing reads them all."""
    with hyperstore.init(tmp_path / "store") as store:
        payload = pack({"id": "x"})
        oid = ObjectId(object_id(Kind.RUN, payload))
        with store.handle.database.writing() as writer:
            writer.put_many([(oid, Kind.RUN, payload)])
            writer.move("run/x", None, oid)
            moves = [Move("run/x", None, oid)]
            writer.log(time_ms=1, actor="a", command="c", moves=moves)
        for level in ("quick", "full"):
            assert {fault.code for fault in fsck(store, level=level).faults} == {"bad-object"}


def test_a_kind_that_nobody_knows_yet_is_carried(tmp_path: Path) -> None:
    """As an older reader carries runs: it stays, is checked by its hash, and is not judged."""
    from hyperstore.maintenance.collect import gc

    with hyperstore.init(tmp_path / "store") as store:
        oid = ObjectId(object_id(200, b"of later"))
        with store.handle.database.writing() as writer:
            writer.put_many([(oid, 200, b"of later")])
            writer.move("later/x", None, oid)
            writer.log(time_ms=1, actor="a", command="c", moves=[Move("later/x", None, oid)])
        gc(store, prune_now=True)
        assert fsck(store, level="full").faults == []
        with store.handle.database.reading() as reader:
            assert reader.get_record(oid) == (200, b"of later")
