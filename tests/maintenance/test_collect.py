"""gc: what must stay stays, what may go goes, and nobody loses while it runs."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.codec import replace
from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.dataset.store import Store, init, open_store
from hyperstore.errors import (
    ConflictError,
    CorruptError,
    LockedError,
    MissingObjectError,
    NotFoundError,
)
from hyperstore.history.commit import Tag, encode_object
from hyperstore.ids import CommitId, Kind, ObjectId, SnapshotId, object_id
from hyperstore.maintenance.check import fsck
from hyperstore.maintenance.collect import WHOLE, gc
from hyperstore.storage.database import Database
from hyperstore.storage.environment import Tables
from hyperstore.storage.host import now_ms
from hyperstore.storage.pins import Pin
from hyperstore.storage.reader import Reader
from hyperstore.storage.writer import Writer
from tests.support.children import run_in_child
from tests.support.stores import contents, frame, present, reached

DAY_MS = 24 * 3600 * 1000
FAR_MS = 10**15  # Later than any clock of a test says.


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return init(tmp_path / "store")


def test_only_what_nothing_leads_to_goes(store: Store) -> None:
    """The frames of every version, tag and commit stay readable; the rest gives its room back."""
    with store:
        draft = store.create_dataset("d").version()
        draft.add_frames(map(frame, range(300)))
        draft.commit("one")
        for number in range(30):
            draft.add_frames([frame(number, f"label {number}")])
        draft.commit("two")
        before = contents(draft)
        kept, all_objects = reached(store, log=False), len(present(store.handle.database))
        found = gc(store, prune_now=True)
        left = present(store.handle.database).keys()
        assert kept <= left
        assert found.objects == all_objects - len(left) > 100
        assert contents(draft) == before
        assert fsck(store, level="full").ok
        assert gc(store, prune_now=True).objects == 0


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "delete", "commit", "branch", "tag", "untag", "reset", "drop"]),
        st.integers(0, 30),
    ),
    max_size=12,
)


def take(store: Store, step: str, number: int) -> None:
    """Do one step of a random history."""
    dataset = store.dataset("d")
    drafts = [version for version in dataset.versions() if not version.published]
    draft = drafts[number % len(drafts)]
    if step == "add":
        draft.add_frames([frame(n, f"l{number}") for n in range(number, number + 9)])
    elif step == "delete":
        draft.delete_frames([str(frame(n)["id"]) for n in range(number)])
    elif step == "commit":
        draft.commit(f"commit {number}", allow_empty=True)
    elif step == "branch" and f"v{number}" not in [v.name for v in dataset.versions()]:
        dataset.create_version(f"v{number}", draft)
    elif step == "tag" and draft.head:
        draft.tag(f"t{number}", force=True)
    elif step == "untag" and dataset.commit_tags():
        dataset.delete_tag(min(dataset.commit_tags()))
    elif step == "reset" and draft.head:
        draft.reset(draft.log()[-1].id, hard=True)
    elif step == "drop" and len(drafts) > 1:
        dataset.delete_version(draft)


@given(steps=STEPS, times=st.sets(st.integers(0, 12)))
def test_gc_agrees_with_a_walk_over_everything(
    steps: list[tuple[str, int]], times: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What is left holds all that refs lead to, and nothing that neither they nor the log name."""
    with init(tmp_path_factory.mktemp("gc") / "store") as store:
        store.create_dataset("d")
        for place, (step, number) in enumerate([*steps, ("commit", 0)]):
            take(store, step, number)
            if place in times or place == len(steps):
                before = [contents(version) for version in store.dataset("d").versions()]
                gc(store, prune_now=True)
                left = present(store.handle.database).keys()
                assert reached(store, log=False) <= left <= reached(store, log=True)
                after = [contents(version) for version in store.dataset("d").versions()]
                assert after == before
                assert fsck(store, level="full").faults == []


def test_pruning_now_spares_nothing_that_a_wrong_clock_dated_ahead(store: Store) -> None:
    """Whoever asks for everything gets the room of everything."""
    with store:
        draft = store.create_dataset("d").version()
        for number in range(20):
            draft.add_frames([frame(1, f"label {number}")])
        draft.commit("one")
        before_ms = now_ms() - DAY_MS
        assert gc(store, now_ms=before_ms).objects == 0
        found = gc(store, prune_now=True, now_ms=before_ms)
        assert found.young_objects == 0
        assert found.objects > 20
        assert len(contents(draft)) == 1


def test_a_dry_run_changes_no_byte_and_counts_the_same(store: Store) -> None:
    """Who asks first must hear what would happen."""
    with store:
        draft = store.create_dataset("d").version()
        for number in range(20):
            draft.add_frames([frame(1, f"label {number}")])
        draft.commit("one")
        data = store.path / "db" / "data.mdb"
        before = data.read_bytes()
        said = gc(store, dry_run=True, prune_now=True)
        assert data.read_bytes() == before
        done = gc(store, prune_now=True)
        assert said.objects == done.objects > 0
        assert said.record_bytes == done.record_bytes


def test_young_objects_stay_until_the_grace_is_over(store: Store) -> None:
    """What a person did by mistake an hour ago can be undone."""
    with store:
        draft = store.create_dataset("d").version()
        draft.add_frames(map(frame, range(50)))
        draft.commit("one")
        draft.delete_frames([str(frame(3)["id"])])
        draft.reset(hard=True)
        assert gc(store).objects == 0
        assert gc(store, now_ms=_later(store, 2)).objects > 0
        assert fsck(store, level="full").ok


@pytest.mark.parametrize("kind", [Kind.SNAPSHOT, Kind.COMMIT, Kind.TAG])
def test_what_is_young_keeps_what_it_leads_to_though_nothing_names_it(
    store: Store, kind: Kind
) -> None:
    """As an import cut short leaves it: who finds a commit here may rely on all of it."""
    with store:
        store.set_config("gc.grace", 200 * DAY_MS // 1000)
        dataset = store.create_dataset("d")
        draft = dataset.version()
        draft.add_frames(map(frame, range(40)))
        commit = draft.commit("kept")
        draft.add_frames([frame(number, "dropped") for number in range(40)])
        draft.commit("dropped")
        assert commit is not None
        dataset.delete_version(draft)
        old_ms = _later(store, 0)
        while now_ms() <= old_ms + 1:  # So that what comes now is younger than all before.
            pass
        database = store.handle.database
        young, payload = _again(store, commit, kind)
        with database.writing() as writer:
            writer.put_many([(young, kind, payload)])
            writer.move("held", None, young)
        whole = reached(store, log=False)
        with database.writing() as writer:
            writer.move("held", young, None)
        found = gc(store, now_ms=old_ms + 1 + 200 * DAY_MS)
        assert young in whole
        assert whole <= present(database).keys()
        assert found.objects > 40


def _again(store: Store, commit: str, kind: Kind) -> tuple[ObjectId, bytes]:
    """Return a new object of a kind that leads to what a commit holds."""
    commit_id = CommitId(ObjectId(bytes.fromhex(commit)))
    recorded = store.handle.commit(commit_id)
    snapshot = store.handle.snapshot(SnapshotId(ObjectId(recorded.snapshot)))
    made = {
        Kind.SNAPSHOT: replace(snapshot, meta={"n": 1}),
        Kind.COMMIT: replace(recorded, message="Again"),
        Kind.TAG: Tag(commit=commit_id, message="", name="again", tagger="somebody", time=0),
    }[kind]
    payload = encode_object(made)
    return object_id(kind, payload), payload


def _later(store: Store, days: int) -> int:
    with store.handle.database.reading() as reader:
        return next(reader.operations()).time_ms + days * DAY_MS


def test_undo_works_after_gc_within_the_grace(store: Store) -> None:
    """Collecting must not take from undo what it promises."""
    with store:
        dataset = store.create_dataset("d")
        draft = dataset.version()
        draft.add_frames(map(frame, range(20)))
        draft.commit("one")
        draft.add_frames([frame(2, "dog")])
        before = contents(draft)
        draft.delete_frames([str(frame(n)["id"]) for n in range(15)])
        gc(store)
        store.undo()
        assert contents(draft) == before
        store.delete_dataset(dataset, force=True)
        gc(store, now_ms=_later(store, 60))
        store.undo()
        assert contents(store.dataset("d").version()) == before
        assert fsck(store, level="full").ok


def test_undo_of_what_was_collected_says_so(store: Store) -> None:
    """A ref must never be put back to what is not here."""
    with store:
        draft = store.create_dataset("d").version()
        for number in range(300):
            draft.add_frames([frame(1, f"label {number}")])
        operation = next(store.operations()).number - 250
        gc(store, prune_now=True)
        draft.delete_frames([str(frame(1)["id"])])
        working = draft.view().snapshot
        with pytest.raises((MissingObjectError, ConflictError)):
            store.undo(operation)
        assert draft.view().snapshot == working


def test_the_last_two_hundred_working_snapshots_stay(store: Store) -> None:
    """Steps since the last commit can be undone one by one, as far as that."""
    with store:
        draft = store.create_dataset("d").version()
        for number in range(230):
            draft.add_frames([frame(1, f"label {number}")])
        gc(store, prune_now=True)
        frames = [p for kind, p in present(store.handle.database).values() if kind == Kind.FRAME]
        assert 200 <= len(frames) <= 202
        draft.commit("one")
        gc(store, prune_now=True)
        frames = [p for kind, p in present(store.handle.database).values() if kind == Kind.FRAME]
        assert len(frames) == 1


def test_an_iterator_reads_on_over_a_collection(store: Store) -> None:
    """A training run that began before a collection sees the snapshot with which it began."""
    with store:
        draft = store.create_dataset("d").version()
        draft.add_frames(map(frame, range(700)))
        expected = contents(draft)
        iterator = iter(draft)
        read = [next(iterator).to_dict()]
        draft.delete_frames([str(frame(n)["id"]) for n in range(1, 700)])
        draft.commit("one left")
        found = gc(store, prune_now=True)
        assert found.pins == 1
        read += [one.to_dict() for one in iterator]
        assert read == expected
        assert gc(store, prune_now=True).objects > 700
        assert not list((store.path / "db" / "pins").iterdir())


def test_a_pin_dies_with_its_process(store: Store) -> None:
    """A killed training run must not keep garbage for ever."""
    with store:
        draft = store.create_dataset("d").version()
        draft.add_frames(map(frame, range(100)))
        folder = store.path

    def read_and_die() -> None:
        with open_store(folder) as mine:
            iterator = iter(mine.dataset("d").version())
            next(iterator)
            os._exit(1)

    run_in_child(read_and_die)
    assert len(list((folder / "db" / "pins").iterdir())) == 1
    with open_store(folder) as again:
        assert gc(again, prune_now=True).pins == 0
    assert not list((folder / "db" / "pins").iterdir())


def test_a_folder_among_the_pins_holds_nothing(store: Store) -> None:
    """A file manager or a restored backup puts one there; it must not stop every collection."""
    with store:
        (store.path / "db" / "pins" / "folder").mkdir(parents=True)
        assert gc(store, prune_now=True).pins == 0
        assert (store.path / "db" / "pins" / "folder").is_dir()


def test_a_forked_child_keeps_its_parents_pin(store: Store) -> None:
    """A worker goes on with the iterator that it inherited."""
    with store:
        draft = store.create_dataset("d").version()
        draft.add_frames(map(frame, range(100)))
        database = store.handle.database
        pin = database.pin([ObjectId(bytes(32))])
        out, into = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(into)
            os.read(out, 1)
            os._exit(0)
        os.close(out)
        pin.release()
        held = [one.ids for one in database.pins()]
        os.close(into)
        os.waitpid(child, 0)
        assert held == [frozenset([ObjectId(bytes(32))])]
        assert database.pins() == []


def test_what_a_writer_in_flight_found_in_the_store_stays(store: Store) -> None:
    """The frame is old and nothing leads to it; the writer skips it; gc must not take it then."""
    with store:
        draft = store.create_dataset("d").version()
        draft.add_frames([frame(1), frame(2)])
        draft.delete_frames([str(frame(1)["id"])])
        draft.commit("one")
        later = _later(store, 2)
        dead = gc(store, dry_run=True, now_ms=later).objects
        assert dead > 0
        with draft.batch():
            draft.add_frames([frame(1)])
            pending = draft._editor.pending
            assert pending is not None
            pending[1].flush()  # As a large batch does by itself.
            gc(store, now_ms=later)
        assert len(contents(draft)) == 2
        assert fsck(store, level="full").faults == []


def test_what_a_writer_takes_up_between_two_sweeps_stays(store: Store) -> None:
    """Marked as dead, it is found, pinned, and must then not be swept."""
    database = store.handle.database
    with store:
        payload = b"an old frame that nothing names"
        oid = object_id(Kind.FRAME, payload)
        with database.writing() as writer:
            writer.put_many([(oid, Kind.FRAME, payload)])
        pins: list[Pin] = []

        def take_up(task: str, _done: int, _of: int) -> None:
            if task == "mark" and not pins:  # After the choice of roots, before the sweep.
                reused: list[ObjectId] = []
                pin = database.pin()
                with database.writing() as writer:
                    assert writer.put_many([(oid, Kind.FRAME, payload)], reused=reused) == 0
                    pin.add(reused)
                pins.append(pin)

        gc(store, prune_now=True, progress=take_up)
        with database.writing() as writer:
            writer.move("kept", None, oid)
        pins[0].release()
        gc(store, prune_now=True)
        with database.reading() as reader:
            assert reader.get(oid) == payload


def test_what_is_published_between_two_sweeps_stays(store: Store) -> None:
    """A ref that comes to name what was marked as dead is seen before anything is deleted."""
    with store:
        dataset = store.create_dataset("d")
        draft = dataset.version()
        draft.add_frames(map(frame, range(40)))
        commit = draft.commit("one")
        assert commit is not None
        dataset.create_version("other")
        dataset.delete_version(draft)
        later = _later(store, 100)
        named: list[DatasetVersion] = []

        def name_again(task: str, _done: int, _of: int) -> None:
            if task == "mark" and not named:
                named.append(dataset.create_version("again", commit=commit))

        gc(store, now_ms=later, progress=name_again)
        assert len(contents(named[0])) == 40
        assert fsck(store, level="full").faults == []


def test_an_operation_on_what_was_collected_meanwhile_moves_nothing(store: Store) -> None:
    """It fails as a whole, and no ref comes to name what is gone."""
    with store:
        dataset = store.create_dataset("d")
        draft = dataset.version()
        draft.add_frames(map(frame, range(40)))
        commit = draft.commit("one")
        assert commit is not None
        dataset.create_version("other")
        dataset.delete_version(draft)
        gc(store, now_ms=_later(store, 100))
        with pytest.raises(NotFoundError, match=commit[:8]):
            dataset.create_version("again", commit=commit)
        assert [version.name for version in dataset.versions()] == ["other"]
        assert fsck(store, level="full").ok


def test_gc_takes_nothing_where_damage_hides_what_must_stay(store: Store) -> None:
    """A lost node may come back from a clone; what it leads to must still be here then."""
    with store:
        draft = store.create_dataset("d").version()
        draft.add_frames(map(frame, range(300)))
        database = store.handle.database
        root = draft.view().snapshot.roots["frames"]
        with database.writing() as writer:
            writer.delete_objects([ObjectId(root)])
        before = present(database).keys()
        with pytest.raises((CorruptError, MissingObjectError), match="fsck"):
            gc(store, prune_now=True)
        assert present(database).keys() == before


def test_gc_goes_on_where_frames_are_absent_on_purpose(store: Store) -> None:
    """A filtered store is whole."""
    with store:
        draft = store.create_dataset("d").version()
        draft.add_frames(map(frame, range(30)))
        oid = draft.view().object_ids([str(frame(1)["id"])])[0]
        assert oid is not None
        with store.handle.database.writing() as writer:
            writer.forget([oid])
        gc(store, prune_now=True)
        assert fsck(store, level="full").counts["absent"] > 0
        assert fsck(store, level="full").ok


def test_pruning_needs_the_store_to_itself(store: Store) -> None:
    """Another process may be about to name what is young."""
    folder = store.path
    with store:
        store.create_dataset("d")
        told, tell = os.pipe()
        hold, let_go = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(let_go)
            store.datasets()
            os.write(tell, b"x")
            os.read(hold, 1)
            os._exit(0)
        os.close(hold)
        os.read(told, 1)
        with pytest.raises(LockedError, match="another process"):
            gc(store, prune_now=True)
        gc(store)
        os.close(let_go)
        os.waitpid(child, 0)
        os.close(told)
        os.close(tell)
        gc(store, prune_now=True)
    assert fsck_ok(folder)


def fsck_ok(folder: Path) -> bool:
    with open_store(folder) as store:
        return fsck(store, level="full").ok


def test_two_collections_do_not_meet(store: Store) -> None:
    """Each believes that nobody else deletes."""
    with store:
        draft = store.create_dataset("d").version()
        draft.add_frames(map(frame, range(30)))

        def collect_too(_task: str, _done: int, _of: int) -> None:
            with pytest.raises(LockedError, match="collected"):
                gc(store)

        gc(store, progress=collect_too)


def test_compacting_gives_the_room_back(store: Store) -> None:
    """A file from which much was deleted becomes as short as what is left."""
    with store:
        draft = store.create_dataset("d").version()
        draft.add_frames(map(frame, range(3000)))
        draft.delete_frames([str(frame(n)["id"]) for n in range(50, 3000)])
        draft.commit("few")
        before = contents(draft)
        found = gc(store, prune_now=True, compact=True)
        assert found.compacted
        assert found.file_bytes < found.file_bytes_before / 3
        assert contents(draft) == before
        draft.add_frames(map(frame, range(5000, 5010)))
        assert len(contents(draft)) == 60
        folder = store.path
    assert fsck_ok(folder)


def test_a_compact_file_has_full_pages(store: Store) -> None:
    """Small writes and collections leave the pages of ids half empty; a copy fills them."""
    with store:
        draft = store.create_dataset("d").version()
        draft.add_frames(map(frame, range(2000)))
        for number in range(300):
            draft.add_frames([frame(5000 + number)])
        draft.commit("all")
        gc(store, prune_now=True)
        database = store.handle.database
        with database.reading() as reader:
            objects, loose = reader.count_objects(), reader.used_bytes()
            before = {name: _rows(reader, name) for name in Tables._fields}
        found = gc(store, prune_now=True, compact=True)
        assert found.used_bytes < loose
        with database.reading() as reader:
            pages = reader._transaction.stat(reader._tables.oids)["leaf_pages"]
            assert {name: _rows(reader, name) for name in Tables._fields} == before
        entry_bytes = 8 + 2 + 32 + 10  # LMDB's head and slot, the id, and where it is.
        assert pages <= -(-objects // (4080 // entry_bytes))


def _rows(reader: Reader, table: str) -> list[tuple[bytes, bytes]]:
    with reader._transaction.cursor(getattr(reader._tables, table)) as cursor:
        return [(bytes(key), bytes(value)) for key, value in cursor]


def test_a_write_before_the_copy_is_begun_is_no_fault_of_the_copy(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads of the process that compacts go on writing until then."""
    with store:
        draft = store.create_dataset("d").version()
        compact = Database.compact

        def after_a_write(self: Database, prove: Callable[[Database], None]) -> None:
            draft.add_frames([frame(1)])
            compact(self, prove)

        monkeypatch.setattr(Database, "compact", after_a_write)
        assert gc(store, compact=True).compacted
        assert len(draft) == 1


def test_a_compaction_cut_short_leaves_the_old_file(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the rename nothing has happened, and the next collection clears up."""
    with store:
        draft = store.create_dataset("d").version()
        draft.add_frames(map(frame, range(100)))
        folder = store.path

        def die(_self: Database, _prove: object) -> None:
            data = _self.compact_copy(_self.folder / "compact-x")
            assert data.exists()
            os._exit(9)

        def collect() -> None:
            monkeypatch.setattr(Database, "compact", die)
            with open_store(folder) as mine:
                gc(mine, compact=True)

    run_in_child(collect)
    assert (folder / "db" / "compact-x").exists()
    with open_store(folder) as again:
        gc(again)
        assert not (folder / "db" / "compact-x").exists()
        assert len(contents(again.dataset("d").version())) == 100
    assert fsck_ok(folder)


def large(number: int) -> dict[str, object]:
    """Return a frame as large as COCO's are."""
    return {**frame(number), "meta": {"text": str(number) * (1500 // len(str(number)))}}


def test_single_adds_take_no_more_room_after_gc_than_one_call(tmp_path: Path) -> None:
    """Small writes leave short rows and old nodes; neither may stay for ever."""
    many, few = init(tmp_path / "many"), init(tmp_path / "few")
    with many, few:
        one = many.create_dataset("d").version()
        one.add_frames(map(large, range(1000)))
        for number in range(1000, 1200):
            one.add_frames([large(number)])
        one.commit("all")
        other = few.create_dataset("d").version()
        other.add_frames(map(large, range(1200)))
        other.commit("all")
        assert one.content_id == other.content_id
        used = gc(many, prune_now=True).used_bytes
        assert used <= 1.1 * gc(few, prune_now=True).used_bytes
        assert fsck(many, level="full").ok


def test_a_commit_that_is_here_has_all_that_it_leads_to_whenever_gc_is_killed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Collecting is cut short after every one of its writes; what is left is whole."""
    monkeypatch.setattr("hyperstore.maintenance.collect.WHOLE", WHOLE._replace(sweep=7))
    with store:
        dataset = store.create_dataset("d")
        draft = dataset.version()
        for number in range(8):
            draft.add_frames([frame(n, f"l{number}") for n in range(4 * number, 4 * number + 8)])
            draft.commit(f"commit {number}")
        dataset.create_version("other")
        dataset.delete_version(draft)
        later = _later(store, 100)
        deleting = Writer.delete_objects
        for writes in range(1000):
            left = writes + 1

            def delete_some(self: Writer, dead: object) -> object:
                nonlocal left
                left -= 1
                if not left:
                    raise KeyboardInterrupt
                return deleting(self, dead)  # type: ignore[arg-type]

            monkeypatch.setattr(Writer, "delete_objects", delete_some)
            try:
                gc(store, now_ms=later)
            except KeyboardInterrupt:
                _assert_commits_are_whole(store)
                continue
            break
        else:
            raise AssertionError("it never came to its end")
        assert writes > 1
        assert fsck(store, level="full").ok


def _assert_commits_are_whole(store: Store) -> None:
    held = present(store.handle.database)
    for oid, (kind, _) in held.items():
        if kind == Kind.COMMIT:
            report = fsck(store, level="full")
            assert report.faults == [], oid.hex()
