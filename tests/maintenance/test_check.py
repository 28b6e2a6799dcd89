"""fsck: it finds what is wrong, says what is right, and never costs more than there is."""

import random
import time
from pathlib import Path

import pytest

from hyperstore.codec import pack, replace
from hyperstore.dataset.edit import root
from hyperstore.dataset.store import Store, init
from hyperstore.errors import UsageError
from hyperstore.frames.stored import order_key_of
from hyperstore.ids import Kind, NodeId, ObjectId, SnapshotId, new_id, object_id
from hyperstore.maintenance.check import fsck, fsck_path
from hyperstore.maintenance.collect import gc
from hyperstore.maintenance.findings import Findings
from hyperstore.maintenance.refs import check_history, check_refs
from hyperstore.maintenance.sums import FrameFacts, Sums
from hyperstore.maintenance.trees import TreeCheck
from hyperstore.tree.build import build
from hyperstore.tree.cursor import scan
from hyperstore.tree.edit import edit
from tests.support.children import run_in_child
from tests.support.stores import frame


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return init(tmp_path / "store")


def test_a_store_in_order_has_no_fault(store: Store) -> None:
    """A false alarm teaches people not to listen."""
    with store:
        draft = store.create_dataset("d", metadata={"a": 1}).version()
        draft.add_frames(map(frame, range(100)))
        draft.commit("one")
        draft.tag("t")
        draft = draft.snapshot()
        draft.delete_frames([str(frame(n)["id"]) for n in range(50)])
        store.set_head(draft)
        for level in ("quick", "sample", "full"):
            report = fsck(store, level=level)
            assert (report.faults, report.complete) == ([], True)
        assert report.counts["hashed"] == report.counts["objects"]
        assert fsck(store, level="sample", percent=50).counts["hashed"] > 0
        assert "hashed" not in fsck(store).counts


@pytest.mark.parametrize("level", ["quick", "full"])
def test_what_is_written_during_a_check_is_no_fault(store: Store, level: str) -> None:
    """A store is checked while it is worked with: what is newer than the check is not false."""
    with store:
        draft = store.create_dataset("d").version()
        for number in range(100):  # Rows of more than one batch, so that it goes on to read.
            draft.add_frames([frame(number)])
        more = iter(range(100, 200))

        def write(*_: object) -> None:
            number = next(more, None)
            if number is not None:
                draft.add_frames([frame(number)])

        assert fsck(store, level=level, progress=write).faults == []


@pytest.mark.parametrize("level", ["quick", "full"])
def test_what_is_collected_during_a_check_is_no_fault(store: Store, level: str) -> None:
    """Garbage collection runs beside all else, within commands that write."""
    with store:
        draft = store.create_dataset("d").version()
        for number in range(200):
            draft.add_frames([frame(number)])

        def collect(*_: object) -> None:
            draft.add_frames([frame(7, "dog")])
            gc(store, prune_now=True)

        assert fsck(store, level=level, progress=collect).faults == []


def later(store: Store) -> None:
    """Collect all that no ref leads to, as if undo were out of time for it."""
    gc(store, now_ms=int(time.time() * 1000) + 200 * 86_400_000)


@pytest.mark.parametrize("level", ["quick", "full"])
def test_what_the_log_named_and_gc_took_during_a_check_is_no_fault(
    store: Store, level: str
) -> None:
    """The log is read first and what it names later: by then nothing may lead to it any more."""
    with store:
        store.set_config("gc.grace", 0)
        draft = store.create_dataset("d").version()
        for number in range(9):
            draft.add_frames([frame(7, f"label {number}")])

        def collect(task: str, *_: object) -> None:
            if task == "snapshots":
                draft.add_frames([frame(7, "dog")])
                later(store)

        assert fsck(store, level=level, progress=collect).faults == []


def test_what_is_lost_is_a_fault_whoever_writes_during_a_check(store: Store) -> None:
    """A second look takes back false alarms only."""
    with store:
        draft = store.create_dataset("d").version()
        draft.add_frames(map(frame, range(9)))
        lost = ObjectId(draft.view().snapshot.roots["order"])
        store.handle.database.write(lambda writer: writer.delete_objects([lost]))

        def write(*_: object) -> None:
            store.create_dataset(new_id())

        report = fsck(store, progress=write)
        assert [(one.code, one.where) for one in report.faults] == [
            ("lost-object", f"object {lost.hex()}")
        ]


def test_an_empty_store_has_no_fault(store: Store) -> None:
    """The first check of all."""
    with store:
        assert fsck(store, level="full").ok


def test_a_level_that_is_none_is_refused(store: Store) -> None:
    """A check that did nothing would look like a clean one."""
    with store:
        with pytest.raises(UsageError, match="quick"):
            fsck(store, level="fully")
        with pytest.raises(UsageError, match="100"):
            fsck(store, level="sample", percent=0)


def test_a_check_out_of_time_says_that_it_is_not_complete(store: Store) -> None:
    """What was not looked at must not pass for sound."""
    with store:
        store.create_dataset("d").version().add_frames(map(frame, range(100)))
        report = fsck(store, level="full", max_seconds=0)
        assert not report.complete
        assert report.ok


def test_the_sums_agree_with_an_order_that_is_built_anew(store: Store) -> None:
    """Sums stand for a rebuilt tree: they must differ wherever it would."""
    with store:
        draft = store.create_dataset("d").version()
        draft.add_frames(map(frame, range(200)))
        snapshot = draft.view().snapshot
        staging = store.handle.staging()
        payloads = staging.frames(
            ObjectId(value) for _, value in scan(staging.nodes, root(snapshot, "frames"))
        )
        entries = sorted((order_key_of(data), bytes(oid)) for oid, data in payloads.items())
        assert build(staging.nodes, entries) == snapshot.roots["order"]
        draft.update_frames([frame(7, "dog")])
        fresh = draft.view().snapshot
        key, old = entries[random.Random(1).randrange(200)]
        wrong = [
            edit(staging.nodes, root(fresh, "order"), [(key, None)]),
            edit(staging.nodes, root(fresh, "order"), [(key + b"x", old)]),
            NodeId(ObjectId(snapshot.roots["order"])),
            edit(staging.nodes, root(fresh, "order"), [(key, bytes(entries[0][1]))]),
        ]
        staging.flush()
        for tree in wrong:
            false = replace(fresh, roots={**fresh.roots, "order": tree})
            payload = pack(false)
            oid = SnapshotId(object_id(Kind.SNAPSHOT, payload))
            with store.handle.database.writing() as writer:
                writer.put_many([(oid, Kind.SNAPSHOT, payload)])
                writer.move("working/a/b", writer.ref("working/a/b"), oid)
            codes = {fault.code for fault in fsck(store, level="full").faults}
            assert codes == {"wrong-order"}


def test_commits_that_share_nodes_cost_what_differs(store: Store) -> None:
    """A hundred commits of one dataset are not a hundred datasets."""
    with store:
        draft = store.create_dataset("d").version()
        draft.add_frames(map(frame, range(2000)))
        draft.commit("all")
        reads = [_node_reads(store)]
        for number in range(20):
            draft.add_frames([frame(number, "dog")])
            draft.commit(f"commit {number}")
        reads.append(_node_reads(store))
        assert reads[1] < 4 * reads[0]


def _node_reads(store: Store) -> int:
    """Return how many nodes the law, the sums and the changes of a full check read."""
    database = store.handle.database
    findings = Findings()
    with database.reading() as reader:
        facts = FrameFacts(reader.last_sequence())
        for record in reader.scan_objects():
            if record.kind == Kind.FRAME:
                facts.take(record.sequence, record.oid, record.payload)
    history = check_refs(database, findings)
    check_history(database, findings, history)
    trees = TreeCheck(database, findings)
    sums = Sums(database, trees.nodes, facts, findings)
    sums.check_changes(history, sums.check_snapshots(trees.check_all(history)))
    assert findings.faults() == []
    return trees.nodes.cache.reads + findings.counts["nodes"]


@pytest.mark.slow
def test_a_flipped_bit_ends_no_check(tmp_path: Path) -> None:
    """Whatever is damaged, a report comes: no exception, no signal, and often the damage named."""
    with init(tmp_path / "whole") as store:
        draft = store.create_dataset("d").version()
        draft.add_frames(map(frame, range(300)))
        draft.commit("one")
    data = (tmp_path / "whole" / "db" / "data.mdb").read_bytes()
    draw = random.Random(7)
    for number in range(60):
        folder = tmp_path / str(number)
        (folder / "db").mkdir(parents=True)
        damaged = bytearray(data)
        at = draw.randrange(len(data))
        damaged[at] ^= 1 << draw.randrange(8)
        (folder / "db" / "data.mdb").write_bytes(damaged)

        def check(folder: Path = folder) -> None:
            fsck_path(folder, level="full")

        assert run_in_child(check) == "done", f"byte {at}"


@pytest.mark.parametrize("table", ["absent", "objects", "oids", "oplog", "refs"])
def test_a_last_key_that_became_smaller_ends_a_check_and_is_found(
    tmp_path: Path, table: str
) -> None:
    """What goes on behind the last key that it saw would begin again there, for ever."""
    with init(tmp_path / "store") as store:
        draft = store.create_dataset("d").version()
        for number in range(4):
            draft.add_frames([frame(number)])
        draft.commit("one")
        database = store.handle.database
        with database.writing() as writer:
            writer.mark_missing([ObjectId(bytes([7, number]) * 16) for number in range(4)])
        with database.reading() as reader:
            key, value = reader.rows_behind(table)[-1]
    row = key + value[:24]
    at = next(at for at, byte in enumerate(key) if byte)
    bit = max(1 << bit for bit in range(8) if key[at] & 1 << bit)
    damaged = bytearray(row)
    damaged[at] ^= bit
    file = tmp_path / "store" / "db" / "data.mdb"
    data = file.read_bytes()
    assert row in data
    file.write_bytes(data.replace(row, bytes(damaged)))
    report = fsck_path(tmp_path / "store", level="full", max_seconds=30)
    assert report.complete
    assert report.faults
