"""The index over a store's frames: built, caught up, rebuilt, and never in the way of an answer."""

import os
import pickle
import resource
import shutil
import signal
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from pyroaring import BitMap

import hyperstore
from hyperstore import DatasetVersion, Store
from hyperstore.dataset.handle import Handle
from hyperstore.errors import CorruptError, QueryError
from hyperstore.frames.stored import order_key_of
from hyperstore.ids import Kind
from hyperstore.limits import QUERY_PATTERNS_MAX
from hyperstore.maintenance.collect import gc
from hyperstore.query.index import budget as held
from hyperstore.query.index import extractor as extract
from hyperstore.query.index import segmentfiles
from hyperstore.query.index import upkeep as catchup
from hyperstore.query.index.frameindex import FrameIndex, _states
from hyperstore.query.index.segment import ORDERS
from hyperstore.query.index.segmentfiles import index_folder
from hyperstore.query.language.condition import (
    Condition,
    Exists,
    Field,
    Leaf,
    Not,
    Range,
    RoiCondition,
    Scope,
    Since,
    Term,
    Test,
    Wildcard,
)
from hyperstore.query.versionsets.versionset import version_set
from hyperstore.storage.database import Database
from tests.support.children import run_crowd, run_in_child
from tests.support.slow_query import fits, fitting_rois
from tests.support.stores import frame

LABEL = Field(Scope.ROI, "label", exact=True)
DOGS = Condition(rois=(RoiCondition(Leaf(LABEL, Term("dog"))),))
EVEN = Condition(Leaf(Field(Scope.SOURCE, "uri"), Wildcard((None, "0.jpg"))))
NO_DOGS = Condition(rois=(RoiCondition(Leaf(LABEL, Term("dog")), must_not=True),))
CONDITIONS = (DOGS, EVEN, NO_DOGS)


@pytest.fixture
def draft(store: Store) -> DatasetVersion:
    """Return the draft of its one dataset."""
    return store.create_dataset("animals").version("Current")


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each catching up be worth a file."""
    monkeypatch.setattr(catchup, "INDEX_TAIL", 1)


def add(version: DatasetVersion, numbers: Iterable[int]) -> None:
    """Add and commit frames, every third one with a dog."""
    version.add_frames([frame(one, "cat" if one % 3 else "dog") for one in numbers])
    version.commit("Add")


def members(store: Store, version: DatasetVersion) -> BitMap:
    """Return the numbers of a version's frames."""
    return version_set(store.handle, version.view().snapshot).members


def check(store: Store, version: DatasetVersion, index: FrameIndex | None = None) -> FrameIndex:
    """Hold what the index answers to the slow evaluator; return the index."""
    index = FrameIndex.of(store.handle) if index is None else index
    view = version.view()  # Others may write to the version meanwhile.
    within = version_set(store.handle, view.snapshot).members
    for condition in CONDITIONS:
        expected = sorted(one.id for one in view if fits(condition, one.to_dict()))
        found = index.find(condition, within)
        assert sorted(index.frame_ids(list(found))) == expected
    return index


def names(store: Store) -> list[str]:
    """Return the files of the index, in order."""
    return sorted(path.name for path in index_folder(store.handle.folder).glob("*.segment"))


def test_frames_that_came_since_are_found(store: Store, draft: DatasetVersion) -> None:
    """Nobody builds an index by hand."""
    add(draft, range(10))
    check(store, draft)
    add(draft, range(10, 14))
    check(store, draft)


@pytest.mark.usefixtures("files")
def test_small_segments_merge(store: Store, draft: DatasetVersion) -> None:
    """A store that grows by small commits is not asked file by file."""
    for at in range(40):
        add(draft, [at])
        check(store, draft)
    assert len(names(store)) <= 8


@pytest.mark.usefixtures("files")
def test_an_old_version_is_answered_as_it_was(store: Store, draft: DatasetVersion) -> None:
    """The index holds frames of all versions; who asks is told of his."""
    add(draft, range(6))
    old = draft.view()
    draft.delete_frames([f"{0:032x}"])
    draft.update_frames([frame(3, "cat")])
    draft.commit("Change")
    index = check(store, draft)
    found = index.find(DOGS, version_set(store.handle, old.snapshot).members)
    assert sorted(index.frame_ids(list(found))) == [f"{0:032x}", f"{3:032x}"]


def rebuilt(store: Store) -> FrameIndex:
    """Return the index of a store as another process would open it."""
    return FrameIndex.of(pickle.loads(pickle.dumps(store.handle)))


def reopened(store: Store) -> Store:
    """Return the same store as a new process sees it: nothing is open."""
    folder = store.handle.folder
    store.close()
    return hyperstore.open(folder)


def test_what_is_found_needs_no_frame_to_be_read(store: Store, draft: DatasetVersion) -> None:
    """That is what the index is for; each question touches the columns that it names."""
    add(draft, range(50))
    index = check(store, draft)
    within = members(store, draft)
    two = Condition(
        rois=(RoiCondition(Leaf(LABEL, Term("dog")), confidence=(0.5, 1.0)),),
        source=Leaf(Field(Scope.SOURCE, "uri"), Wildcard((None, "0.jpg"))),
    )
    for condition, columns in ((DOGS, 1), (EVEN, 1), (two, 3)):
        index.find(condition, within)
        assert index.costs.frames_decoded == 0
        assert index.costs.columns <= columns * index.costs.segments
    assert index.costs.objects_indexed == 0


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "text", "renamed"])
def test_damaged_files_are_made_anew(store: Store, draft: DatasetVersion, damage: str) -> None:
    """The cache is never the truth: whatever stands in it, the answer is that of the objects."""
    add(draft, range(30))
    check(store, draft)
    place = index_folder(store.handle.folder)
    [path] = place.glob("*.segment")
    sound = path.read_bytes()
    for at in range(0, len(sound), max(1, len(sound) // 97)) if damage == "flip" else (100,):
        data = bytearray(sound)
        data[at] ^= 8
        path.unlink(missing_ok=True)
        path.write_bytes(
            {"flip": bytes(data), "cut": sound[:-1], "empty": b"", "text": b"no segment" * 9}.get(
                damage, sound
            )
        )
        if damage == "renamed":
            path.rename(place / "1-9.segment")
        with reopened(store) as again:
            version = again.dataset("animals").version("Current")
            check(again, version)
            assert names(again) == [path.name]
        store = hyperstore.open(again.handle.folder)
    store.close()


@pytest.mark.usefixtures("files")
def test_an_index_of_another_store_is_not_believed(tmp_path: Path) -> None:
    """A cache that was copied along says nothing about these frames."""
    stores = []
    for name, label in (("a", "dog"), ("b", "cat")):
        made = hyperstore.init(tmp_path / name)
        version = made.create_dataset("animals").version("Current")
        version.add_frames([frame(one, label) for one in range(9)])
        check(made, version)
        stores.append(made)
    first, second = stores
    [source] = index_folder(first.handle.folder).glob("*.segment")
    [target] = index_folder(second.handle.folder).glob("*.segment")
    data = source.read_bytes()
    target.unlink()
    (target.parent / source.name).write_bytes(data)
    first.close()
    with reopened(second) as again:
        check(again, again.dataset("animals").version("Current"))


@pytest.mark.usefixtures("files")
def test_an_index_of_a_later_life_of_the_store_is_not_believed(tmp_path: Path) -> None:
    """A store that was restored from a copy gives the same numbers to other frames."""
    made = hyperstore.init(tmp_path / "store")
    version = made.create_dataset("animals").version("Current")
    add(version, range(5))
    folder = made.handle.folder
    made.close()
    data = folder / "db" / "data.mdb"
    kept = data.read_bytes()
    for label in ("dog", "cat"):
        data.write_bytes(kept)
        with hyperstore.open(folder) as again:
            version = again.dataset("animals").version("Current")
            version.add_frames([frame(one, label) for one in range(5, 9)])
            check(again, version)


@pytest.mark.usefixtures("files")
def test_an_index_of_a_life_that_ended_alike_is_not_believed(tmp_path: Path) -> None:
    """Frames that are added again after a restore may differ in one of them, and not the last."""
    made = hyperstore.init(tmp_path / "store")
    made.create_dataset("animals")
    folder = made.handle.folder
    made.close()
    data = folder / "db" / "data.mdb"
    kept = data.read_bytes()
    for changed in (3, 5):
        data.write_bytes(kept)
        with hyperstore.open(folder) as again:
            version = again.dataset("animals").version("Current")
            version.add_frames(frame(one, "dog" if one == changed else "cat") for one in range(9))
            index = check(again, version)
            found = index.find(DOGS, members(again, version))
            assert index.frame_ids(list(found)) == [f"{changed:032x}"]


@pytest.mark.usefixtures("files")
def test_a_cache_that_is_deleted_under_a_reader_is_made_again(
    store: Store, draft: DatasetVersion
) -> None:
    """`cache/` may be deleted at any time, says the format."""
    add(draft, range(20))
    index = check(store, draft)
    shutil.rmtree(index_folder(store.handle.folder))
    check(store, draft, index)
    add(draft, range(20, 30))
    check(store, draft, index)
    assert names(store)


def test_a_fork_and_a_pickle_go_on(store: Store, draft: DatasetVersion) -> None:
    """Loaders fork and spawn workers after the first query as well as before."""
    add(draft, range(20))
    index = check(store, draft)
    within = members(store, draft)
    expected = index.find(DOGS, within)
    copy = pickle.loads(pickle.dumps(index))
    assert copy.find(DOGS, within) == expected

    def child() -> None:
        assert index.find(DOGS, within) == expected

    assert run_in_child(child) == "done"


@pytest.mark.usefixtures("files")
def test_builders_at_once_make_one_index(store: Store, draft: DatasetVersion) -> None:
    """Workers that start together all find that there is no index."""
    add(draft, range(300))
    within = members(store, draft)
    expected = sorted(one.id for one in draft if fits(DOGS, one.to_dict()))

    def child(_: int) -> None:
        index = FrameIndex.of(store.handle)
        assert sorted(index.frame_ids(list(index.find(DOGS, within)))) == expected

    run_crowd(child, 4)
    assert len(names(store)) == 1
    check(store, draft)


@pytest.mark.usefixtures("files")
def test_a_builder_that_is_killed_leaves_nothing_in_the_way(
    store: Store, draft: DatasetVersion
) -> None:
    """What it wrote has no name yet, and the next one sweeps it."""
    add(draft, range(300))

    def child() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
        FrameIndex.of(store.handle).refresh()

    assert run_in_child(child) == "killed by SIGXFSZ"
    place = index_folder(store.handle.folder)
    assert any(path.name.startswith(".") for path in place.iterdir())
    check(store, draft)
    assert not any(path.name.startswith(".") for path in place.iterdir())


@pytest.mark.usefixtures("files")
def test_a_disk_that_takes_no_index_fails_no_query(store: Store, draft: DatasetVersion) -> None:
    """It is said once, and the index is in memory then."""
    add(draft, range(300))

    def child() -> None:
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))
        with pytest.warns(UserWarning, match="cannot be kept"):
            check(store, draft)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        add(draft, range(300, 320))
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))
        check(store, draft)  # A second warning would be an error.

    assert run_in_child(child) == "done"
    assert not names(store)


@pytest.mark.usefixtures("files")
def test_a_store_that_is_only_read_is_indexed_in_memory(
    store: Store, draft: DatasetVersion
) -> None:
    """Who may not write may still ask."""
    add(draft, range(30))
    folder = store.handle.folder
    with Database.open(folder / "db", readonly=True) as database:
        handle = Handle(folder, database)
        index = FrameIndex.of(handle)
        found = index.find(DOGS, members(store, draft))
        assert len(found) == 10
    assert not names(store)


def test_damage_is_told_to_those_whom_it_concerns(store: Store, draft: DatasetVersion) -> None:
    """One frame that cannot be read must not spoil the answers about all others."""
    add(draft, range(40))
    old = draft.view()
    draft.delete_frames([f"{7:032x}"])
    draft.commit("Without it")
    whole, without = members(store, draft), old.snapshot
    folder = store.handle.folder
    store.close()
    path = folder / "db" / "data.mdb"
    data = path.read_bytes()
    assert data.count(b"https://example.com/7.jpg") == 1
    path.write_bytes(data.replace(b"https://example.com/7.jpg", b"https://example.com/8.jpg"))
    with hyperstore.open(folder) as again:
        index = check(again, again.dataset("animals").version("Current"))
        assert index.costs.frames_decoded == 0
        with pytest.raises(CorruptError):
            index.find(DOGS, version_set(again.handle, without).members)
        assert len(index.find(DOGS, whole)) == 14


def test_frames_that_are_more_than_a_segment_holds_are_read(
    store: Store, draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame of a million keys or ROIs must not blow the index up, nor be forgotten."""
    monkeypatch.setattr(extract, "INDEX_COLUMNS_MAX", 20)
    monkeypatch.setattr(extract, "INDEX_POSITIONS_MAX", 4)
    made = [frame(one, "dog" if one % 2 else "cat") for one in range(12)]
    made[3]["meta"] = {f"key {at}": at for at in range(40)}
    made[5]["rois"] = [{"label": ["dog"]} for _ in range(6)]
    draft.add_frames(made)
    index = check(store, draft)
    within = members(store, draft)
    asked = Condition(Leaf(Field(Scope.FRAME, "meta.key 39"), Term("39")))
    assert index.frame_ids(list(index.find(asked, within))) == [f"{3:032x}"]
    six = Condition(rois=(RoiCondition(Leaf(LABEL, Term("dog")), count=(6, None)),))
    found = list(index.find(six, within))
    assert index.frame_ids(found) == [f"{5:032x}"]
    assert index.costs.frames_decoded == 2
    assert list(index.roi_counts(DOGS, found)) == [6]
    assert index.order_keys(list(within)) == [order_key_of(one) for one in payloads(store, within)]


def test_what_no_column_tells_of_denies_no_key_and_hides_no_slip_elsewhere(
    store: Store, draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One ROI of many labels, or metadata of too many keys, must not blind all other checks."""
    monkeypatch.setattr(extract, "INDEX_COLUMNS_MAX", 30)
    made = [frame(one) for one in range(6)]
    made[0]["meta"] = {"speed": 5}
    made[1]["rois"] = [{"label": [f"label {at}" for at in range(65)], "meta": {"track": 1}}]
    draft.add_frames(made)
    within = members(store, draft)

    def count(path: str) -> int:
        leaf = Leaf(Field(Scope.FRAME, path), Term("5"))
        return len(FrameIndex.of(store.handle).find(Condition(leaf), within))

    def count_rois(path: str) -> int:
        rule = RoiCondition(Leaf(Field(Scope.ROI, path), Term("5")))
        return len(FrameIndex.of(store.handle).find(Condition(rois=(rule,)), within))

    assert count("meta.speed") == 1
    for ask in (count, count_rois):
        with pytest.raises(QueryError, match=r"meta\.spede"):
            ask("meta.spede")
    made[2]["rois"] = [{"label": ["dog"], "meta": {f"key {at}": at for at in range(40)}}]
    draft.add_frames(made)
    within = members(store, draft)
    assert count_rois("meta.spede") == 0
    with pytest.raises(QueryError, match=r"meta\.spede"):
        count("meta.spede")


@pytest.mark.parametrize("share", [0, 1, 2, 3])
def test_a_file_that_gets_shorter_under_its_reader_is_made_anew(
    store: Store, draft: DatasetVersion, share: int
) -> None:
    """As one that is copied over does; to map it would end the process by a signal."""
    add(draft, range(2_000))
    check(store, draft)
    (path,) = (store.handle.folder / "cache" / "index").glob("*.segment")

    def child() -> None:
        with hyperstore.open(store.handle.folder) as again:
            index = FrameIndex.of(again.handle)
            index.refresh()
            os.truncate(path, path.stat().st_size * share // 4)
            check(again, again.dataset("animals").version("Current"), index)

    assert run_in_child(child) == "done"


def test_a_file_that_others_put_in_its_place_is_read_and_kept(
    store: Store, draft: DatasetVersion
) -> None:
    """Who built an index anew meanwhile must not lose it to a reader that knew the old one."""
    add(draft, range(2_000))
    check(store, draft)
    (path,) = index_folder(store.handle.folder).glob("*.segment")

    def child() -> None:
        with hyperstore.open(store.handle.folder) as again:
            index = FrameIndex.of(again.handle)
            index.refresh()
            shutil.copy(path, path.with_name("copy"))
            path.with_name("copy").replace(path)
            number = path.stat().st_ino
            check(again, again.dataset("animals").version("Current"), index)
            assert path.stat().st_ino == number

    assert run_in_child(child) == "done"


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files in /proc")
def test_no_file_of_the_index_stays_open(
    store: Store, draft: DatasetVersion, files: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store has more segments than a process may have open files, or will."""
    monkeypatch.setattr(segmentfiles, "INDEX_MERGE", 0)
    for number in range(12):
        add(draft, range(10 * number, 10 * number + 10))
        FrameIndex.of(store.handle).refresh()
    assert len(names(store)) == 12
    with hyperstore.open(store.handle.folder) as again:
        version = again.dataset("animals").version("Current")
        before = len(list(Path("/proc/self/fd").iterdir()))
        index = check(again, version)
        assert index.costs.segments == 12
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_question_of_what_fits_reads_no_order(store: Store, draft: DatasetVersion) -> None:
    """Order keys are most of what is known of all frames; only who lists frames needs them."""
    add(draft, range(2_000))
    index, within = FrameIndex.of(store.handle), members(store, draft)
    for condition in CONDITIONS:
        found = index.find(condition, within)
    (segment,) = _states[store.handle].segments
    assert ("frame", "") in segment._columns
    assert (ORDERS, "") not in segment._columns
    index.frame_ids(list(found))
    assert (ORDERS, "") in segment._columns


def test_columns_that_were_not_asked_for_long_ago_are_forgotten(
    store: Store, draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that asks of many fields must not come to hold them all."""
    add(draft, range(2_000))
    index = check(store, draft)
    segments = _states[store.handle].segments
    whole = sum(len(one._columns) for one in segments)
    monkeypatch.setattr(held, "INDEX_HELD_BYTES", 400_000)
    for _ in range(2):
        check(store, draft, index)
        assert held._budget.size <= 400_000
        assert 0 < sum(len(one._columns) for one in segments) < whole


def payloads(store: Store, numbers: BitMap) -> list[bytes]:
    """Return frames as they are stored."""
    with store.handle.database.reading() as reader:
        return [payload for _, payload in reader.payloads_at(list(numbers), Kind.FRAME)]


def test_entries_of_collected_frames_are_no_matter(store: Store, draft: DatasetVersion) -> None:
    """Garbage collection takes objects whose numbers stay in the index."""
    add(draft, range(30))
    index = check(store, draft)
    draft.delete_frames([f"{one:032x}" for one in range(0, 30, 2)])
    draft.commit("Fewer")
    draft.delete_frames([f"{3:032x}"])
    gc(store, prune_now=True)
    check(store, draft, index)
    check(store, draft, rebuilt(store))


def test_a_key_that_no_frame_has_is_an_error_that_names_the_nearest(
    store: Store, draft: DatasetVersion
) -> None:
    """A slip of the pen must not look like an empty answer."""
    made = frame(1)
    made["meta"] = {"speed": 5, "weather": "rain", "mixed": [1, "a"]}
    draft.add_frames([made])
    index = FrameIndex.of(store.handle)
    within = members(store, draft)

    def asked(path: str, test: Test) -> int:
        return len(index.find(Condition(Leaf(Field(Scope.FRAME, path), test)), within))

    with pytest.raises(QueryError, match=r"'meta.spede'.*'meta.speed'"):
        asked("meta.spede", Term("5"))
    with pytest.raises(QueryError, match=r"meta.speed is compared with a string.*number"):
        asked("meta.speed", Range("abc", None))
    with pytest.raises(QueryError, match=r"meta.weather is compared with a number"):
        asked("meta.weather", Range(3, None))
    assert asked("meta.spede", Exists()) == 0
    assert asked("meta.mixed", Range(1, None)) == 1
    assert asked("meta.mixed", Range("a", None)) == 1
    assert index.fields(Scope.FRAME)["meta.mixed"] == {"string", "number"}


def test_patterns_have_a_bound_over_all_rules(store: Store, draft: DatasetVersion) -> None:
    """Rules are texts of their own, and each may be as full of wildcards as one may be."""
    add(draft, range(3))
    index, within = FrameIndex.of(store.handle), members(store, draft)
    rules = tuple(
        RoiCondition(Leaf(LABEL, Wildcard((f"c{at}", None)))) for at in range(QUERY_PATTERNS_MAX)
    )
    assert index.find(Condition(rois=rules), within) == BitMap()
    with pytest.raises(QueryError, match="65 wildcards and regular expressions; 64 are the limit"):
        index.find(Condition(EVEN.frame, rois=rules), within)


def test_known_answers_are_taken_as_given(store: Store, draft: DatasetVersion) -> None:
    """What changed since a revision is not in the frames, and so comes with the question."""
    add(draft, range(10))
    index = check(store, draft)
    within = members(store, draft)
    leaf = Leaf(Field(Scope.FRAME, "changed"), Since("v1"))
    some = BitMap(list(within)[2:5])
    assert index.find(Condition(leaf), within, {leaf: some}) == some
    assert index.find(Condition(Not(leaf)), within, {leaf: some}) == within - some


def test_rois_are_counted_as_the_slow_evaluator_counts_them(
    store: Store, draft: DatasetVersion
) -> None:
    """Views that go ROI by ROI are as long as this says."""
    made = [frame(one) for one in range(20)]
    for number, one in enumerate(made):
        one["rois"] = [
            {"label": ["dog" if (at + number) % 3 else "cat"]} for at in range(number % 13)
        ]
    draft.add_frames(made)
    index = FrameIndex.of(store.handle)
    within = members(store, draft)
    for condition in (DOGS, NO_DOGS, Condition()):
        wires = [
            frame_of.to_dict()
            for frame_of in draft.get_frames_by_ids(index.frame_ids(list(within)))
        ]
        expected = [len(fitting_rois(condition, wire)) for wire in wires]
        assert list(index.roi_counts(condition, list(within))) == expected


@pytest.mark.slow
def test_a_store_of_several_blocks_is_answered_as_one(store: Store, draft: DatasetVersion) -> None:
    """Numbers go on from block to block, and segments begin and end where blocks do."""
    count = 70_000
    draft.add_frames(frame(one, "cat" if one % 3 else "dog") for one in range(count))
    index = FrameIndex.of(store.handle)
    within = members(store, draft)
    seen: list[tuple[int, int]] = []
    index.refresh(lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1]
    assert len(names(store)) == 2
    for again in (index, rebuilt(store)):
        dogs = list(again.find(DOGS, within))
        assert set(again.frame_ids(dogs)) == {f"{one:032x}" for one in range(0, count, 3)}
        assert len(again.find(EVEN, within)) == count // 10
        assert again.costs.frames_decoded == 0
    some = list(within)[::977]
    assert index.order_keys(some) == [order_key_of(one) for one in payloads(store, BitMap(some))]


def test_few_new_frames_are_read_by_the_first_query_and_indexed_by_the_next(
    store: Store, draft: DatasetVersion
) -> None:
    """Who asks after each small edit would else wait for an index that serves one query."""
    add(draft, range(60))
    index = check(store, draft)
    draft.add_frames([frame(one, "dog") for one in (4, 70)])
    within = members(store, draft)
    expected = sorted(one.id for one in draft if fits(DOGS, one.to_dict()))
    assert f"{70:032x}" in expected
    for decoded, is_indexed in ((2, False), (0, True), (0, False)):
        found = index.find(DOGS, within)
        assert index.costs.frames_decoded == decoded
        assert sorted(index.frame_ids(list(found))) == expected
        assert (index.costs.objects_indexed > 0) is is_indexed
        assert index.order_keys(list(within)) == [
            order_key_of(one) for one in payloads(store, within)
        ]


def test_what_new_frames_alone_have_can_be_asked_at_once(
    store: Store, draft: DatasetVersion
) -> None:
    """A key that nobody wrote is refused; one that came with the last edit is none of these."""
    add(draft, range(60))
    index = check(store, draft)
    asked = Condition(Leaf(Field(Scope.FRAME, "meta.weather"), Term("rain")))
    draft.add_frames([frame(1) | {"meta": {"weather": "rain"}}])
    found = index.find(asked, members(store, draft))
    assert index.frame_ids(list(found)) == [f"{1:032x}"]


def test_threads_that_ask_at_once_get_one_index(store: Store, draft: DatasetVersion) -> None:
    """A server answers many; the first ones come together."""
    add(draft, range(100))
    within = members(store, draft)
    expected = sorted(one.id for one in draft if fits(DOGS, one.to_dict()))
    with ThreadPoolExecutor(4) as pool:
        indexes = [FrameIndex.of(store.handle) for _ in range(8)]
        answers = list(pool.map(lambda one: one.frame_ids(list(one.find(DOGS, within))), indexes))
    assert all(sorted(one) == expected for one in answers)
    assert sum(one.costs.objects_indexed > 0 for one in indexes) == 1


def test_threads_with_segments_of_their_own_get_the_fields_of_these(
    store: Store, draft: DatasetVersion
) -> None:
    """Who reads a few new frames has the segments of before; keys that came since are none of his.

    Another thread may come between any two lines, and here does.
    """
    draft.add_frames([frame(1) | {"meta": {"weather": "rain"}}])
    index = check(store, draft)

    def between(line: FrameType, event: str, argument: object) -> Any:
        if line.f_code is not FrameIndex._fields.__code__:
            return None
        if event == "line":
            index._fields(())
        return between

    before = sys.gettrace()
    sys.settrace(between)
    try:
        found = index.fields(Scope.FRAME)
    finally:
        sys.settrace(before)
    assert "meta.weather" in found


def test_long_lists_are_looked_through_only_for_who_asks_for_them(
    store: Store, draft: DatasetVersion
) -> None:
    """A vector on each frame must neither fill the index nor be forgotten by it."""
    made = [frame(one, "cat" if one % 3 else "dog") for one in range(9)]
    for number, one in enumerate(made):
        one["meta"] = {"vector": [number / 2 + at for at in range(200)], "tags": ["a", number]}
    draft.add_frames(made)
    index = check(store, draft)
    within = members(store, draft)
    for condition, decoded, count in (
        (DOGS, 0, 3),
        (Condition(Leaf(Field(Scope.FRAME, "meta.vector"), Exists())), 0, 9),
        (Condition(Leaf(Field(Scope.FRAME, "meta.tags"), Term("7"))), 0, 1),
        (Condition(Leaf(Field(Scope.FRAME, "meta.vector"), Range(203, None))), 9, 1),
        (Condition(Leaf(Field(Scope.FRAME, "meta.vector.x"), Exists())), 9, 0),
    ):
        assert len(index.find(condition, within)) == count
        assert index.costs.frames_decoded == decoded


@pytest.mark.slow
@pytest.mark.usefixtures("files")
def test_answers_stay_exact_while_others_write_and_spoil_the_cache(
    store: Store, draft: DatasetVersion
) -> None:
    """Processes add frames, merge segments, delete and damage files, and all get what is true."""
    add(draft, range(50))
    place = index_folder(store.handle.folder)

    def spoil(at: int) -> None:
        paths = sorted(place.glob("*.segment"))
        if at % 7 == 0:
            shutil.rmtree(place, ignore_errors=True)
        elif at % 3 == 0 and paths:
            with suppress(OSError):
                data = bytearray(paths[0].read_bytes())
                data[at * 97 % len(data)] ^= 4
                (place / "spoiled").write_bytes(data)
                (place / "spoiled").replace(paths[0])

    def child(number: int) -> None:
        version = store.dataset("animals").version("Current")
        for at in range(20):
            if number:
                check(store, version)
            else:
                add(version, range(at * 5, at * 5 + 9))
                spoil(at)

    run_crowd(child, 3)
    check(store, draft)
