"""Which frames a version has, as numbers: the same by every way to them, and wrong by none."""

import os
import random
from pathlib import Path

import lmdb
import pytest

import hyperstore
from hyperstore import DatasetVersion, Store
from hyperstore.dataset.view import View
from hyperstore.errors import QueryError
from hyperstore.maintenance.collect import gc
from hyperstore.query.index.frameindex import FrameIndex
from hyperstore.query.iteration.iterator import FrameIterator
from hyperstore.query.language.condition import Condition, Field, Leaf, Scope, Term
from hyperstore.query.selection.selection import Part, Selection
from hyperstore.query.versionsets import savedsets, versionset
from hyperstore.query.versionsets.history import matcher_of
from hyperstore.query.versionsets.versionset import VersionSet, version_set
from hyperstore.storage.rows import seal
from tests.support.stores import frame

MANY = 1_200  # So many frames are worth a file.


@pytest.fixture
def draft(store: Store) -> DatasetVersion:
    """A draft with frames enough for a file."""
    made = store.create_dataset("cells").version()
    made.add_frames(frame(one) for one in range(MANY))
    return made


def slow(store: Store, view: View) -> list[int]:
    """Return the numbers frame by frame, by id."""
    ids = [object_id for _, object_id in view.entries()]
    with store.handle.database.reading() as reader:
        return reader.sequences(ids)


def check(store: Store, view: View) -> VersionSet:
    found = version_set(store.handle, view.snapshot)
    expected = slow(store, view)
    assert found.between(1, 90).tolist() == expected[1:90]
    assert found.order.tolist() == expected
    assert found.between(1, 90).tolist() == expected[1:90]
    assert sorted(found.members) == sorted(expected)
    assert found.ascends == (expected == sorted(expected))
    return found


def saved(store: Store) -> list[Path]:
    folder = store.handle.folder / "cache/versions"
    return sorted(folder.iterdir()) if folder.exists() else []


def forget(store: Store) -> None:
    """Do as another process would: only files are known."""
    versionset._held.pop(store.handle, None)


@pytest.mark.parametrize("seed", range(4))
def test_a_child_is_known_from_its_relative(store: Store, seed: int) -> None:
    """Frames that came, went, moved and changed: each edit follows from the one before."""
    drawn = random.Random(seed)
    draft = store.create_dataset("cells").version()
    draft.add_frames(frame(one) for one in range(200))
    check(store, draft.view())
    for step in range(8):
        changed = [frame(one, f"label {step}") for one in drawn.sample(range(260), 12)]
        for one in changed[:4]:
            one["timestamp"] = drawn.randrange(300)
        draft.add_frames(changed)
        draft.delete_frames([f"{one:032x}" for one in drawn.sample(range(260), 5)])
        check(store, draft.view())
    draft.delete_frames([one.id for one in draft])
    assert len(check(store, draft.view())) == 0


def test_a_child_reads_no_more_than_what_differs(store: Store, draft: DatasetVersion) -> None:
    """A walk over all nodes for each small edit would make every query as slow as the first."""
    version_set(store.handle, draft.view().snapshot)
    draft.add_frames([frame(17, "dog")])
    store.handle.cache.reads = 0
    forget(store)
    check_reads = store.handle.cache.reads
    version_set(store.handle, draft.view().snapshot)
    assert store.handle.cache.reads - check_reads < 20


def test_a_child_whose_frames_were_edited_copies_no_order(
    store: Store, draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a million frames it is 4 MB, which costs as much as all else that a query does."""
    monkeypatch.setattr(savedsets, "VERSION_SET_PATCHES_MAX", 8)
    first = version_set(store.handle, draft.view().snapshot)
    before = first.order.tolist()
    views, sets = [], []
    for step in range(4):
        draft.add_frames([frame(one, f"label {step}") for one in (step, 17, 500)])
        views.append(draft.view())
        sets.append(version_set(store.handle, views[-1].snapshot))
    assert [one._order is first._order for one in sets] == [True, True, True, True]
    draft.add_frames([frame(one, "dog") for one in range(600, 609)])
    views.append(draft.view())
    assert version_set(store.handle, views[-1].snapshot)._order is not first._order
    for view in views:
        check(store, view)
    assert first.order.tolist() == before


def test_another_process_reads_the_file(store: Store, draft: DatasetVersion) -> None:
    """What one has found out, the next one does not walk for."""
    check(store, draft.view())
    (file,) = saved(store)
    assert file.name == draft.view().snapshot.roots["order"].hex()
    forget(store)
    store.handle.cache.reads = 0
    assert len(version_set(store.handle, draft.view().snapshot)) == MANY
    assert store.handle.cache.reads == 0


def test_a_damaged_file_is_made_anew(store: Store, draft: DatasetVersion) -> None:
    """Any bit of it: a wrong number would be a wrong frame."""
    check(store, draft.view())
    (file,) = saved(store)
    sound = file.read_bytes()
    drawn = random.Random(1)
    damaged = [sound[:-1], sound + b"x", b"", sound[:20]]
    for _ in range(40):
        bit = drawn.randrange(8 * len(sound))
        one = bytearray(sound)
        one[bit // 8] ^= 1 << bit % 8
        damaged.append(bytes(one))
    for data in damaged:
        file.write_bytes(data)
        forget(store)
        check(store, draft.view())
        assert file.read_bytes() == sound


def test_the_file_of_another_store_says_nothing(store: Store, tmp_path: Path) -> None:
    """Equal frames have equal names everywhere, and other numbers."""
    with hyperstore.init(tmp_path / "other") as other:
        first = other.create_dataset("dogs").version()
        first.add_frames(frame(one, "dog") for one in range(50))
        for one, where in ((first, other), (store.create_dataset("cells").version(), store)):
            one.delete_frames([each.id for each in one])
            one.add_frames(frame(number) for number in range(MANY))
            check(where, one.view())
            if where is other:
                (held,) = saved(other)
                target = store.handle.folder / "cache/versions"
                target.mkdir(parents=True)
                (target / held.name).write_bytes(held.read_bytes())


def test_the_file_of_another_life_of_the_store_says_nothing(tmp_path: Path) -> None:
    """Put back from an older copy, a store gives its numbers again, perhaps in another order.

    The tree is the same then, and so are its number and what the file would be named.
    """
    made = hyperstore.init(tmp_path / "store")
    made.create_dataset("cells")
    folder = made.handle.folder
    made.close()
    data = folder / "db" / "data.mdb"
    copy = data.read_bytes()
    for numbers in ([*range(MANY)], [1, 0, *range(2, MANY)]):
        data.write_bytes(copy)
        with hyperstore.open(folder) as again:
            draft = again.dataset("cells").version()
            draft.add_frames(frame(one) for one in numbers)
            check(again, draft.view())
            [path] = saved(again)
            assert path.name == draft.view().snapshot.roots["order"].hex()


def test_frames_that_were_collected_and_came_back_are_found(
    store: Store, draft: DatasetVersion
) -> None:
    """They have other numbers, and the tree that names them has the same root."""
    before = check(store, draft.view()).order
    frames = [one.to_dict() for one in draft]
    draft.delete_frames([one.id for one in draft][1:])
    draft.commit("one left")
    assert gc(store, prune_now=True).objects >= MANY
    draft.add_frames(frames)
    assert check(store, draft.view()).order != before
    assert len(list(FrameIterator(Selection(store.handle, [Part(draft.view())])))) == MANY


def test_too_many_files_go_and_those_used_last_stay(
    store: Store, draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache is bounded, or it fills the disk of who labels all year."""
    monkeypatch.setattr("hyperstore.query.versionsets.savedsets.VERSION_SETS_SAVED_MAX", 3)
    used = []
    for number in range(6):
        made = store.create_dataset(f"more {number}").version()
        made.add_frames(frame(one, f"label {number}") for one in range(MANY))
        check(store, made.view())
        used.append(made.view().snapshot.roots["order"].hex())
        for place, path in enumerate(saved(store)):
            at = used.index(path.name)
            os.utime(path, ns=(at * 10**9, at * 10**9 + place))
    assert {path.name for path in saved(store)} == {*used[-3:]}
    forget(store)
    for name in ("more 0", "more 5"):
        check(store, store.dataset(name).version().view())


def test_a_folder_that_takes_no_files_costs_only_time(store: Store, draft: DatasetVersion) -> None:
    """A full disk or one that only reads: all is found, and nothing is told."""
    (store.handle.folder / "cache").mkdir(exist_ok=True)
    (store.handle.folder / "cache/versions").write_bytes(b"in the way")
    check(store, draft.view())
    forget(store)
    check(store, draft.view())
    assert (store.handle.folder / "cache/versions").read_bytes() == b"in the way"


def test_memory_holds_those_used_last(
    store: Store, draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks at a hundred versions does not keep them all."""
    monkeypatch.setattr("hyperstore.query.versionsets.versionset.VERSION_SETS_HELD_MAX", 2)
    views = [draft.view()]
    for number in range(4):
        draft.add_frames([frame(number, "dog")])
        views.append(draft.view())
    for view in (*views, views[0], views[-1]):
        check(store, view)
        assert len(versionset._held[store.handle].sets) <= 2


def test_memory_holds_sets_of_so_many_bytes(
    store: Store, draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few versions of a million frames are what a thousand of a thousand are."""
    bound = 2 * 4 * (len(draft.view()) + 4)
    monkeypatch.setattr(
        "hyperstore.query.versionsets.versionset.VERSION_SETS_HELD_BYTES_MAX", bound
    )
    for number in range(5):
        check(store, draft.view())
        held = versionset._held[store.handle].sets.values()
        assert sum(len(one.order.tobytes()) for one in held) <= bound
        draft.add_frames([frame(number, "dog")])
    assert len(held) == 2


def test_numbers_that_no_set_can_hold_are_one_clear_error(store: Store) -> None:
    """A clone numbers objects anew; a number cut short would be that of another frame."""
    draft = store.create_dataset("cells").version()
    draft.add_frames(map(frame, range(10)))
    check(store, draft.view())
    number = (2**32 - 5).to_bytes(8, "little")
    path = store.handle.database.folder
    store.close()
    with lmdb.open(str(path), max_dbs=8, lib_version=0) as raw, raw.begin(write=True) as change:
        header = raw.open_db(b"header", txn=change)
        change.put(b"sequence", seal(b"header", b"sequence", number), db=header)
    with hyperstore.open(path.parent) as again:
        draft = again.dataset("cells").version()
        draft.add_frames(map(frame, range(10, 20)))
        for _ in range(2):
            with pytest.raises(QueryError, match="clone"):
                version_set(again.handle, draft.view().snapshot)
        asked = Condition(Leaf(Field(Scope.FRAME, "kind"), Term("frame")))
        with pytest.raises(QueryError, match="clone"):
            matcher_of(again.handle, asked).among([one for _, one in draft.view().entries()])
        with pytest.raises(QueryError, match="clone"):
            FrameIndex.of(again.handle).refresh()
        assert len(list(draft)) == 20
