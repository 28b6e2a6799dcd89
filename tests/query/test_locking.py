"""Views that are pinned: the same frames in the same order, whatever becomes of the versions."""

import pickle
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

import hyperstore
from hyperstore import (
    HyperstoreError,
    MissingObjectError,
    NotFoundError,
    RefusedError,
    Store,
    UsageError,
)
from hyperstore.codec import replace
from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.dataset.runs import find_run
from hyperstore.history.lock import LockedQuery, LockedRevision
from hyperstore.history.run import COMPLETED, Unpinned, locks_of_run, unpinned_of_run
from hyperstore.maintenance.check import fsck
from hyperstore.maintenance.collect import gc
from hyperstore.query.dataview import DataView
from hyperstore.query.locks.difference import (
    FrameDifference,
    frame_differences,
    hash_differences,
    setting_differences,
)
from hyperstore.query.locks.lock import Lock
from hyperstore.query.locks.lockfile import read_lock_file, stamp_of
from hyperstore.query.locks.lockstore import list_locks, remove_locks
from tests.support.command import spawn
from tests.support.frames import wire, wires
from tests.support.runs import begin_run

FAR_MS = 10**15  # Long after all that the log may undo.


@pytest.fixture
def draft(store: Store) -> DatasetVersion:
    made = store.create_dataset("cells").version()
    made.add_frames([*wires(20), wire("dog", labels=["dog", "cat"]), wire("pup", labels=["dog"])])
    made.commit("All")
    made.tag("v1")
    return made


def of(store: Store, **said: object) -> DataView:
    return DataView("dogs", store=store).add_query("cells", **said)  # type: ignore[arg-type]


def ids(view: DataView) -> list[str]:
    return [frame.id for frame in view]


def edit(draft: DatasetVersion) -> None:
    """Add, change and remove frames in a further commit."""
    draft.add_frames([wire("new", labels=["dog"]), wire("dog", labels=["dog"], x=5)])
    draft.delete_frames(["pup", "f003"])
    draft.commit("Edit")


@pytest.mark.parametrize("order", ["sequential", "random"])
def test_a_lock_opens_as_what_was_locked(
    store: Store, draft: DatasetVersion, tmp_path: Path, order: str
) -> None:
    """The same frames, in the same order, with the same shuffling, after the draft went on."""
    view = of(store, roi_query="cell OR dog" if order == "random" else "*")
    view.set_iteration_parameters(order=order)
    before = ids(view)
    lock = view.lock(tmp_path / "a.lock")
    edit(draft)
    assert ids(view) != before
    for named in (lock, tmp_path / "a.lock", str(tmp_path / "a.lock"), lock.id, lock.id[:8]):
        again = DataView.from_lock(named, store=store)
        assert ids(again) == before
        assert again.name == "dogs"
        assert again.locked == lock
    assert again.lock() == lock
    assert ids(pickle.loads(pickle.dumps(again))) == before
    assert again.get_count() == len(before)


def test_the_hash_is_that_of_the_ids_one_after_the_other(
    store: Store, draft: DatasetVersion
) -> None:
    """Computed here from the entries of the version; another is of how a shuffled one begins."""
    view = of(store)
    view.set_iteration_parameters(order="random", random_seed=5)
    lock = view.lock()

    def digest(names: list[str]) -> str:
        joined = b"".join(bytes([len(name)]) + name.encode() for name in names)
        return str(blake3(joined).hexdigest())

    assert lock.frames_hash == digest([name for name, _ in draft.view().entries()])
    assert lock.record.begins.hex() == digest(ids(view))
    assert lock.count == 22


def test_all_that_decides_is_pinned_in_one_form(store: Store, draft: DatasetVersion) -> None:
    """However it was typed; the seed too that nobody gave, and nothing of names."""
    one = of(store, roi_query='label.keyword:"dog"', frame_query="meta.number:[1 TO *]")
    two = of(store, roi_query="dog", frame_query="(meta.number:>=1)")
    two.description, two.project = "words", "lab"
    locks = [view.lock() for view in (one, two)]
    assert locks[0].record.spec == locks[1].record.spec
    assert locks[0].id == locks[1].id
    shuffled = of(store)
    shuffled.set_iteration_parameters(order="random")
    assert shuffled.lock().record.spec["iteration"] == {
        "infinite": False,
        "order": "random",
        "random_seed": 1337,
    }


def test_labels_mapping_and_limits_come_back(store: Store, draft: DatasetVersion) -> None:
    """What a reader sees of a frame, and not only which."""
    view = of(store, roi_query="dog")
    view.add_mapping_rule("cells", from_labels=["dog"], to_label="animal")
    view.set_labels({"animal": 3})
    view.set_iteration_parameters(maximum_number_of_frames=1, output_rois="only_filtered")
    again = DataView.from_lock(view.lock(), store=store)
    (frame,) = list(again)
    assert isinstance(frame, hyperstore.SingleFrame)
    assert [(roi.labels, roi.label_enum) for roi in frame.annotations] == [(["animal"], 3)]
    assert len(again) == 1
    assert again.get_count() == 2


def test_a_lock_outlives_version_dataset_and_log(
    store: Store, draft: DatasetVersion, tmp_path: Path
) -> None:
    """Collecting keeps what it pins; when it goes, the error says what is missing."""
    view = of(store, roi_query="dog", frame_query="added:v1 OR NOT added:v1")
    before = ids(view)
    lock = view.lock(tmp_path / "a.lock")
    store.delete_dataset("cells", force=True)
    gc(store, prune_now=True, now_ms=FAR_MS)
    again = DataView.from_lock(tmp_path / "a.lock", store=store)
    assert ids(again) == before
    assert fsck(store, level="full").faults == []
    del again, view  # Which hold what they show as long as they live.
    with store.handle.database.writing() as writer:
        for name, oid in writer.refs("lock/"):
            writer.move(name, oid, None)
    gc(store, prune_now=True, now_ms=FAR_MS)
    with pytest.raises(MissingObjectError, match="cells@Current"):
        DataView.from_lock(tmp_path / "a.lock", store=store)
    with pytest.raises(NotFoundError):
        DataView.from_lock(lock.id, store=store)


def test_another_process_verifies(store: Store, draft: DatasetVersion, tmp_path: Path) -> None:
    """As whoever gets a model does."""
    of(store, roi_query="dog").lock(tmp_path / "a.lock")
    store.close()
    done = spawn(tmp_path, "-C", "store", "view", "verify", str(tmp_path / "a.lock"))
    assert (done.code, done.err) == (0, "")
    assert "holds: 2 frames" in done.out


def test_versions_that_a_wildcard_meant_are_those_of_then(
    store: Store, draft: DatasetVersion
) -> None:
    """A version that comes later is in the view, and not in its lock."""
    view = DataView(store=store).add_query("cells", "*", roi_query="dog")
    lock = view.lock()
    side = store.dataset("cells").create_version("side")
    side.add_frames([wire("other", labels=["dog"])])
    side.commit("Other")
    assert len(view) == 3
    assert ids(DataView.from_lock(lock, store=store)) == ["dog", "pup"]


def test_what_a_query_compares_with_does_not_move(store: Store, draft: DatasetVersion) -> None:
    """A tag can be moved by force."""
    edit(draft)
    view = of(store, frame_query="added:v1 OR removed:v1")
    before = ids(view)
    assert sorted(before) == ["f003", "new", "pup"]
    lock = view.lock()
    draft.tag("v1", force=True)
    assert ids(view) == []
    assert ids(DataView.from_lock(lock, store=store)) == before


def test_a_draft_with_pending_edits_is_refused_unless_they_are_committed(
    store: Store, draft: DatasetVersion, tmp_path: Path
) -> None:
    """Nothing is written then, neither in the store nor beside it."""
    draft.delete_frames(["dog"])
    view = of(store, roi_query="dog")
    with pytest.raises(RefusedError, match="--commit"):
        view.lock(tmp_path / "a.lock")
    assert list_locks(store.handle) == []
    assert not (tmp_path / "a.lock").exists()
    lock = view.lock(tmp_path / "a.lock", commit=True)
    assert lock.commits == [draft.head]
    assert ids(DataView.from_lock(lock, store=store)) == ["pup"]


def test_a_pinned_view_does_not_change_and_its_clone_does(
    store: Store, draft: DatasetVersion
) -> None:
    """Else it would be called by a lock that it is not."""
    pinned = DataView.from_lock(of(store).lock(), store=store)
    for change in (
        lambda: pinned.add_query("cells"),
        lambda: pinned.set_labels({"dog": 1}),
        lambda: pinned.set_iteration_parameters(order="random"),
        lambda: pinned.override({"iteration.order": "random"}),
    ):
        with pytest.raises(UsageError, match="clone"):
            change()
    edit(draft)
    copy = pinned.clone("copy")
    copy.set_labels({"dog": 1})
    assert copy.locked is None
    assert len(copy) == 21
    assert len(pinned) == 22


@pytest.mark.parametrize("given", ["none.lock", "abcdef", "", 5, None, "~"])
def test_what_is_no_lock_is_refused(store: Store, draft: DatasetVersion, given: object) -> None:
    """In one line that says what was looked for."""
    with pytest.raises(HyperstoreError) as caught:
        DataView.from_lock(given, store=store)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="from_lock"):
        of(store).verify_lock()


def test_a_view_of_nothing_is_not_locked(store: Store, draft: DatasetVersion) -> None:
    """A view without a query, and one of a version that is gone."""
    number = next(store.operations()).number
    with pytest.raises(HyperstoreError, match="no query"):
        DataView(store=store).lock()
    with pytest.raises(HyperstoreError):
        DataView(store=store).add_query("none").lock()
    assert next(store.operations()).number == number


def test_locking_a_view_that_was_opened_from_a_file_keeps_the_lock(
    store: Store, draft: DatasetVersion, tmp_path: Path
) -> None:
    """It was unlocked, or came from another store that has the commits; twice changes nothing."""
    lock = of(store).lock(tmp_path / "a.lock")
    remove_locks(store.handle, [lock.id])
    opened = DataView.from_lock(tmp_path / "a.lock", store=store)
    assert list_locks(store.handle) == []
    assert opened.lock() == lock
    assert list_locks(store.handle) == [lock]
    number = next(store.operations()).number
    assert opened.lock(tmp_path / "b.lock") == lock
    assert next(store.operations()).number == number
    store.delete_dataset("cells", force=True)
    gc(store, prune_now=True, now_ms=FAR_MS)
    assert len(ids(DataView.from_lock(tmp_path / "b.lock", store=store))) == 22


def test_a_stamp_is_one_operation_and_lies_beside_the_file(
    store: Store, draft: DatasetVersion, tmp_path: Path
) -> None:
    """By it a model says what it was made of."""
    model = tmp_path / "model.pt"
    model.write_bytes(b"weights")
    number = next(store.operations()).number
    lock = of(store, roi_query="dog").stamp(model)
    assert next(store.operations()).number == number + 1
    found = read_lock_file(tmp_path / "model.pt.lock")
    assert (found.record, found.file) == (lock.record, stamp_of(model))
    for path in (tmp_path / "none.pt", tmp_path, 5):
        with pytest.raises(HyperstoreError):
            of(store).stamp(path)  # type: ignore[arg-type]


def test_a_run_names_the_views_that_it_iterated(store: Store, draft: DatasetVersion) -> None:
    """Without anybody locking them; and what it saw can be had again."""
    run = begin_run(store.handle, "train")
    view = of(store, roi_query="dog")
    len(view)
    seen = ids(view)
    ids(view)
    made = of(store).lock()
    run.end(COMPLETED)
    found = locks_of_run(find_run(store.handle, "train"))
    assert [(one.view, one.made) for one in found] == [("dogs", False), ("dogs", True)]
    assert found[1].lock == made.id
    edit(draft)
    assert ids(DataView.from_lock(found[0].lock, store=store)) == seen
    assert [one.id for one in list_locks(store.handle)] == [made.id]


def test_a_run_over_pending_edits_says_that_there_is_no_lock(
    store: Store, draft: DatasetVersion
) -> None:
    """Its record would look like that of a run which read no view; once, as often as it reads."""
    draft.delete_frames(["dog"])
    run = begin_run(store.handle, "train")
    view = of(store, roi_query="dog")
    assert ids(view) == ids(view) == ids(of(store, roi_query="dog")) == ["pup"]
    run.end(COMPLETED)
    found = find_run(store.handle, "train")
    assert locks_of_run(found) == []
    why = "cells@Current has edits that no commit has, and a lock names commits"
    assert unpinned_of_run(found) == [Unpinned(why, "dogs", 1)]
    (touched,) = found.touched
    assert [store.handle.snapshot(one).count for one in touched.read] == [len(draft)]  # type: ignore[arg-type]
    draft.commit("Less")
    begun = begin_run(store.handle, "again")
    assert ids(view) == ["pup"]
    begun.end(COMPLETED)
    assert unpinned_of_run(find_run(store.handle, "again")) == []


def differences(store: Store, old: Lock, new: Lock) -> list[FrameDifference]:
    sides = []
    for lock in (old, new):
        view = DataView.from_lock(lock, store=store)
        views = [one for several in view.resolve().views for one in several]
        sides.append((view.selection(), views))
    return list(frame_differences(store.handle, *sides))


def test_two_locks_differ_by_frames_with_the_reason(store: Store, draft: DatasetVersion) -> None:
    """Added to the version, changed in it so that it fits, removed from it, or asked otherwise."""
    draft.add_frames([wire("late", labels=["cat"])])
    draft.commit("Late")
    old = of(store, roi_query="dog").lock()
    draft.add_frames([wire("new", labels=["dog"]), wire("dog", labels=["dog"], x=5)])
    draft.add_frames([wire("late", labels=["dog"])])
    draft.delete_frames(["pup"])
    draft.commit("Edit")
    new = of(store, roi_query="dog").lock()
    assert differences(store, old, new) == [
        FrameDifference("~", "changed", "dog", "cells"),
        FrameDifference("+", "changed", "late", "cells"),
        FrameDifference("+", "added", "new", "cells"),
        FrameDifference("-", "removed", "pup", "cells"),
    ]
    assert differences(store, new, new) == []
    other = of(store, roi_query="dog", frame_query="id:new").lock()
    assert {(one.sign, one.why) for one in differences(store, new, other)} == {("-", "query")}


def test_frames_that_their_version_lost_differ_by_what_became_of_them(
    store: Store, draft: DatasetVersion
) -> None:
    """Lost, found again, or lost all the time and asked for otherwise, such as by a moved tag."""
    gone = of(store, frame_query="removed:v1")
    locks = [gone.lock()]
    draft.delete_frames(["pup"])
    draft.commit("Lose")
    locks += [gone.lock(), of(store, frame_query="removed:v1", roi_query="cell").lock()]
    draft.restore(["pup"], source=draft.log()[-1].id)
    draft.commit("Find")
    locks.append(gone.lock())
    assert [
        [(one.sign, one.why, one.frame_id) for one in differences(store, *pair)]
        for pair in (locks[0:2], locks[1:3], [locks[1], locks[3]])
    ] == [[("+", "removed", "pup")], [("-", "query", "pup")], [("-", "added", "pup")]]
    draft.delete_frames(["dog"])
    draft.commit("Lose another")
    before = gone.lock()
    draft.tag("v1", force=True)
    assert [(one.sign, one.why) for one in differences(store, before, gone.lock())] == [
        ("-", "query")
    ]


def test_locks_that_say_the_same_of_other_frames_are_told_apart(
    store: Store, draft: DatasetVersion
) -> None:
    """By counts and hashes: one of them does not hold."""
    record = of(store, roi_query="dog").lock().record
    assert hash_differences(record, replace(record, view="other")) == []
    for path, value in (("frames", b"x" * 32), ("begins", b"x" * 32), ("count", 3)):
        other = replace(record, **{path: value})
        assert setting_differences(record, other) == []
        assert [one.path for one in hash_differences(record, other)] == [path]


def test_two_locks_differ_by_what_they_say(store: Store, draft: DatasetVersion) -> None:
    """Queries, mapping, labels, order, seed, weights, and commits by the names of versions."""
    old = of(store, roi_query="dog").lock()
    edit(draft)
    view = of(store, roi_query="cat", weight=3)
    view.set_iteration_parameters(order="random", random_seed=7)
    view.set_labels({"cat": 1})
    found = {
        one.path: (one.old, one.new) for one in setting_differences(old.record, view.lock().record)
    }
    assert found == {
        "commit of cells@Current": (old.commits[0], draft.head),
        "filters[0].label_rules[0].label": ("dog", "cat"),
        "filters[0].weight": (None, 3),
        "iteration.order": ("sequential", "random"),
        "iteration.random_seed": (None, 7),
        "labels_enumeration.cat": (None, 1),
    }
    assert setting_differences(old.record, replace(old.record, view="x")) == []


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(0, 2) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["filters", "iteration", "mapping", "rules", "dataset", "version", "label", "order"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(
    fields=st.fixed_dictionaries(
        {},
        optional={
            "spec": st.dictionaries(
                st.sampled_from(["filters", "iteration", "mapping", "labels_enumeration", "x"]),
                values,
                max_size=4,
            ),
            "queries": st.lists(
                st.builds(
                    LockedQuery,
                    count=st.integers(0, 30),
                    versions=st.lists(st.just(0), max_size=2),
                ),
                max_size=3,
            ),
            "count": st.integers(0, 30),
            "begins": st.sampled_from([b"", b"b" * 32]),
            "view": st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
            "since": st.just(
                [LockedRevision(commit=b"c" * 32, dataset="d", revision="v1")],
            ),
        },
    )
)
def test_a_lock_that_somebody_made_up_lets_out_our_errors_alone(
    locked_store: tuple[Store, Lock], fields: dict[str, object]
) -> None:
    """Its check and its id can be made to fit; what it says cannot be believed for that."""
    store, lock = locked_store
    made_up = Lock(replace(lock.record, **fields))
    try:
        view = DataView.from_lock(made_up, store=store)
    except HyperstoreError:
        return
    entries = store.dataset("cells").version().view().entries()
    assert ids(view) == [frame_id for frame_id, _ in entries]


@pytest.fixture(scope="module")
def locked_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Lock]]:
    with hyperstore.init(tmp_path_factory.mktemp("locked") / "store") as store:
        made = store.create_dataset("cells").version()
        made.add_frames(wires(5))
        made.commit("All")
        yield store, of(store).lock()


def test_locks_open_where_nothing_can_be_written(
    store: Store, draft: DatasetVersion, tmp_path: Path
) -> None:
    """A store may be read-only, such as one on a shared disk; it is only not locked there."""
    before = ids(of(store, roi_query="dog"))
    of(store, roi_query="dog").lock(tmp_path / "a.lock")
    store.close()
    with hyperstore.open(tmp_path / "store", readonly=True) as readonly:
        assert ids(DataView.from_lock(tmp_path / "a.lock", store=readonly)) == before
        with pytest.raises(HyperstoreError):
            of(readonly).lock()


@pytest.mark.parametrize("output_rois", ["all_in_frame", "only_filtered", "frame_per_roi"])
@pytest.mark.parametrize("label", ["dog", "dog OR cell", "none"])
@pytest.mark.parametrize("infinite", [False, True])
def test_any_manner_of_going_through_is_pinned(
    store: Store, draft: DatasetVersion, output_rois: str, label: str, infinite: bool
) -> None:
    """Clips, a frame for each ROI, without end; also of no frames at all."""
    view = of(store, roi_query=label)
    view.set_iteration_parameters(
        order="random",
        infinite=infinite,
        maximum_number_of_frames=40,
        random_seed=11,
        clip_length=2,
        output_rois=output_rois,
    )
    seen = ids(view)
    lock = view.lock()
    edit(draft)
    again = DataView.from_lock(lock, store=store)
    assert ids(again) == seen
    assert (len(again), again.get_count()) == (len(seen), lock.count)
    assert bool(lock.count) == (label != "none")


@given(
    plan=st.lists(
        st.one_of(
            st.tuples(
                st.just("edit"),
                st.dictionaries(st.integers(0, 5), st.none() | st.integers(0, 3), min_size=1),
            ),
            st.tuples(
                st.sampled_from(["commit", "lock", "unlock", "undo", "gc", "found", "reset"]),
                st.integers(0, 3),
            ),
        ),
        max_size=14,
    )
)
def test_locks_hold_whatever_is_done_to_the_store(
    tmp_path_factory: pytest.TempPathFactory, plan: list[tuple[str, object]]
) -> None:
    """Edited, reset, undone, deleted and founded anew, collected: a lock that is kept opens."""
    with hyperstore.init(tmp_path_factory.mktemp("life") / "store") as store:
        draft = store.create_dataset("cells").version()
        draft.add_frames([wire("f0", number=0)])
        draft.commit("First")
        held: dict[str, list[tuple[str, object]]] = {}
        for what, given_ in plan:
            with suppress(HyperstoreError):  # Nothing to commit, to undo, to go back to.
                if isinstance(given_, dict):
                    draft.add_frames(
                        [
                            wire(f"f{at}", number=one)
                            for at, one in given_.items()
                            if one is not None
                        ]
                    )
                    draft.delete_frames([f"f{at}" for at, one in given_.items() if one is None])
                elif what == "commit":
                    draft.commit("More")
                elif what == "lock":
                    now = [(frame.id, frame.metadata["number"]) for frame in draft]
                    held[of(store).lock(commit=True).id] = now
                elif what == "unlock" and held:
                    gone = sorted(held)[int(str(given_)) % len(held)]
                    remove_locks(store.handle, [gone])
                    del held[gone]
                elif what == "undo":
                    store.undo()
                elif what == "gc":
                    gc(store, prune_now=True, now_ms=FAR_MS)
                elif what == "found":
                    store.delete_dataset("cells", force=True)
                    draft = store.create_dataset("cells").version()
                elif what == "reset" and draft.log():
                    draft.reset(draft.log()[-1].id, hard=True)
            kept = {lock.id for lock in list_locks(store.handle)}
            held = {lock_id: frames for lock_id, frames in held.items() if lock_id in kept}
            for lock_id, frames in held.items():
                view = DataView.from_lock(lock_id, store=store)
                assert [(one.id, one.metadata["number"]) for one in view] == frames
        assert fsck(store, level="full").faults == []
