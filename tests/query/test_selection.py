"""Frames by position: exact counts, one order over all versions, and whose each frame is."""

import gc as garbage
import pickle
import random
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import pytest

import hyperstore
from hyperstore import Store
from hyperstore.dataset.view import Frame, View
from hyperstore.errors import QueryError, UsageError
from hyperstore.maintenance.collect import gc
from hyperstore.query.dataview import DataView
from hyperstore.query.iteration.iterator import FrameIterator
from hyperstore.query.language.condition import Condition, Field, Leaf, RoiCondition, Scope, Term
from hyperstore.query.selection.selection import Part, Selection
from tests.support.stores import frame

FAR_MS = 10**15  # Long after all that the log may undo.
DOGS = Condition(rois=(RoiCondition(Leaf(Field(Scope.ROI, "label", exact=True), Term("dog"))),))


@pytest.fixture
def store(tmp_path: Path) -> Iterable[Store]:
    """Return an empty store."""
    with hyperstore.init(tmp_path / "store") as made:
        yield made


def animals(numbers: Iterable[int], dogs: Iterable[int] = ()) -> list[dict[str, object]]:
    return [frame(one, "dog" if one in set(dogs) else "cat") for one in numbers]


def order_of(one: Frame) -> tuple[str, int, str]:
    return one.context_id or "", one.timestamp or 0, one.id


def labels_of(one: Frame) -> list[str]:
    rois = cast("list[dict[str, list[str]]]", one.to_dict().get("rois", []))
    return [label for roi in rois for label in roi["label"]]


def slow(parts: list[Part]) -> list[tuple[int, Frame]]:
    """Return (part, frame) as the rules say: sorted lists, first come first served."""
    taken: set[tuple[str, object]] = set()
    found = []
    for at, part in enumerate(parts):
        for one in part.view:
            fits = part.condition == Condition() or "dog" in labels_of(one)
            key = part.view.home.dataset_id, one.object_id
            if fits and key not in taken:
                taken.add(key)
                found.append((at, one))
    places = {part.view.snapshot.roots["order"]: at for at, part in reversed([*enumerate(parts)])}
    rank = [places[part.view.snapshot.roots["order"]] for part in parts]
    return sorted(found, key=lambda pair: (order_of(pair[1]), rank[pair[0]]))


def check(store: Store, parts: list[Part]) -> Selection:
    """Hold a selection to its slow twin, and return it."""
    made = Selection(store.handle, parts)
    expected = slow(parts)
    assert len(made) == len(expected)
    assert made.counts == [len(slow([part])) for part in parts]
    assert made.frame_ids(0, 7) == [one.id for _, one in expected][:7]
    read = made.read(range(len(made)))
    assert [one.object_id for one in read] == [one.object_id for _, one in expected]
    assert [one.home for one in read] == [parts[at].view.home for at, _ in expected]
    assert made.parts_of(range(len(made))) == [at for at, _ in expected]
    assert [*made.entries()] == [(one.id, one.object_id) for _, one in expected]
    assert made.frame_ids() == [one.id for _, one in expected]
    return made


def test_one_condition_leaves_the_order_of_the_version(store: Store) -> None:
    """Frames that fit, where they stood."""
    draft = store.create_dataset("cells").version()
    draft.add_frames(animals(range(90), dogs=range(0, 90, 4)))
    made = check(store, [Part(draft.view(), DOGS)])
    assert len(made) == 23


def test_what_two_questions_find_is_there_once_and_of_the_first(store: Store) -> None:
    """The total is unique, the parts are raw: who counts both ways sees what overlaps."""
    draft = store.create_dataset("cells").version()
    draft.add_frames(animals(range(60), dogs=range(20)))
    made = check(store, [Part(draft.view(), DOGS), Part(draft.view())])
    assert (len(made), made.counts) == (60, [20, 60])


@pytest.mark.parametrize("seed", range(6))
def test_versions_that_differ_here_and_there_come_in_one_order(store: Store, seed: int) -> None:
    """Both states of a changed frame are there; what versions share is there once."""
    drawn = random.Random(seed)
    draft = store.create_dataset("cells").version()
    draft.add_frames(animals(range(120), dogs=drawn.sample(range(150), 40)))
    views = [draft.view()]
    for _ in range(3):
        draft.add_frames(animals(drawn.sample(range(150), 15), dogs=drawn.sample(range(150), 50)))
        draft.delete_frames([f"{one:032x}" for one in drawn.sample(range(150), 10)])
        views.append(draft.view())
    drawn.shuffle(views)
    check(store, [Part(view, drawn.choice([DOGS, Condition()])) for view in views])


def test_datasets_lie_side_by_side_in_one_order(store: Store) -> None:
    """The same object in two datasets is two frames: each has its own home."""
    one, other = (store.create_dataset(name).version() for name in ("one", "other"))
    one.add_frames(animals(range(80), dogs=range(10)))
    other.add_frames(animals(range(40, 130), dogs=range(50, 60)))
    made = check(store, [Part(one.view()), Part(other.view())])
    assert len(made) == 170
    check(store, [Part(other.view(), DOGS), Part(one.view()), Part(other.view())])
    check(store, [Part(other.view(), DOGS), Part(one.view(), DOGS)])


def test_positions_come_in_the_order_asked_and_again(store: Store) -> None:
    """A sampler asks in any order, and twice."""
    draft = store.create_dataset("cells").version()
    draft.add_frames(animals(range(50)))
    made = Selection(store.handle, [Part(draft.view())])
    ids = made.frame_ids()
    asked = [7, 3, 3, 49, 0, 7]
    assert [one.id for one in made.read(asked)] == [ids[at] for at in asked]
    assert made.read([]) == []
    for wrong in ([50], [-1], [0, 99]):
        with pytest.raises(UsageError, match="there are 50"):
            made.read(wrong)


def test_a_frame_comes_once_for_each_of_its_rois_that_fit(store: Store) -> None:
    """Positions are then of ROIs, and say which one it is."""
    draft = store.create_dataset("cells").version()
    frames = animals(range(5), dogs=(1, 3))
    frames[3]["rois"] = [{"label": [one], "poly": [1, 2, 3, 4]} for one in ("dog", "cat", "dog")]
    frames[4]["rois"] = []
    draft.add_frames(frames)
    made = Selection(store.handle, [Part(draft.view(), DOGS)], output_rois="frame_per_roi")
    read = [(one.id[-1], made.place_of(at)[1]) for at, one in enumerate(made.read(range(3)))]
    assert sorted(read) == [("1", 0), ("3", 0), ("3", 1)]
    assert (len(made), made.frame_count, made.counts) == (3, 2, [2])
    every = Selection(store.handle, [Part(draft.view())], output_rois="frame_per_roi")
    assert (len(every), every.frame_count) == (6, 5)


def test_a_batch_that_is_open_shows_what_is_in_it(store: Store) -> None:
    """A query asks what its writer would read at that moment."""
    draft = store.create_dataset("cells").version()
    draft.add_frames(animals(range(10)))
    with draft.batch():
        draft.add_frames(animals(range(10, 20), dogs=(12,)))
        made = Selection(store.handle, [Part(draft.view(), DOGS), Part(draft.view())])
        assert (len(made), made.counts) == (20, [1, 20])
        assert len(list(FrameIterator(made))) == 20


def test_a_draft_is_seen_as_it_was(store: Store) -> None:
    """What is edited while somebody iterates comes into the next selection."""
    draft = store.create_dataset("cells").version()
    draft.add_frames(animals(range(40)))
    view: View = draft.view()
    running = FrameIterator(Selection(store.handle, [Part(view)]))
    first = next(running).id
    draft.delete_frames([f"{one:032x}" for one in range(0, 40, 2)])
    draft.add_frames(animals(range(1, 40, 2), dogs=range(40)))
    rest = list(running)
    assert [first, *(one.id for one in rest)] == [one.id for one in view]
    assert {label for one in rest for label in labels_of(one)} == {"cat"}
    assert len(Selection(store.handle, [Part(draft.view())])) == 20


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf"), "2", True, None])
def test_weights_are_numbers_above_zero(store: Store, weight: float) -> None:
    """Nothing is drawn by a share of nonsense."""
    view = store.create_dataset("cells").version().view()
    with pytest.raises(QueryError, match="weight"):
        Selection(store.handle, [Part(view, weight=weight)])


def test_an_output_that_is_none_is_refused(store: Store) -> None:
    """The error says which there are."""
    with pytest.raises(UsageError, match="frame_per_roi"):
        Selection(store.handle, [], output_rois="some")


def test_a_pickle_reads_as_what_was_pickled(store: Store) -> None:
    """With what was found and how it was merged, or, before anybody asked, without."""
    one, other = (store.create_dataset(name).version() for name in ("one", "other"))
    one.add_frames(animals(range(80), dogs=range(10)))
    other.add_frames(animals(range(40, 130), dogs=range(50, 60)))
    made = Selection(store.handle, [Part(one.view(), DOGS), Part(other.view())])
    early = pickle.loads(pickle.dumps(made))
    expected = [(frame.id, frame.home) for frame in made.read(range(len(made)))]
    later = pickle.loads(pickle.dumps(made))
    for again in (early, later):
        assert [(frame.id, frame.home) for frame in again.read(range(len(again)))] == expected
        assert again.fingerprint == made.fingerprint
        assert again.counts == made.counts


@pytest.mark.parametrize("way", ["asked", "unpickled", "copied", "weighted"])
def test_what_is_read_stays_whatever_is_edited_and_collected(store: Store, way: str) -> None:
    """Though nothing is searched any more, since what is found came along."""
    dataset = store.create_dataset("cells")
    root = dataset.version()
    root.add_frames(animals(range(9), dogs=[1, 5]))
    root.commit("Root")
    root.publish()
    draft = dataset.create_version("draft", parent=root)
    draft.add_frames(animals(range(9, 20), dogs=[9, 15]))
    if way == "weighted":
        view = DataView(store=store).add_query("cells", "*").add_query("cells", "draft", weight=2)
        view.set_iteration_parameters(infinite=True)
        made = view.selection()
        del view
    else:
        made = Selection(store.handle, [Part(draft.view())])
    expected = [one.id for one in draft.view()]
    assert len(made) == len(expected)
    if way == "unpickled":
        made = pickle.loads(pickle.dumps(made))
    elif way == "copied":
        made = made.copied()
    assert made.frame_ids(0, 2) == expected[:2]
    draft.delete_frames(expected[5:])
    garbage.collect()
    gc(store, prune_now=True, now_ms=FAR_MS)
    assert [one.id for one in made.read(range(len(made)))] == expected
    del made
    garbage.collect()
    assert gc(store, prune_now=True, now_ms=FAR_MS).objects > 0


def test_the_fingerprint_tells_questions_and_frames_apart(store: Store) -> None:
    """A state or a split goes on only where the same is asked of the same."""
    draft = store.create_dataset("cells").version()
    draft.add_frames(animals(range(20), dogs=range(3)))
    view = draft.view()
    asked = [
        Selection(store.handle, [Part(view)]),
        Selection(store.handle, [Part(view, DOGS)]),
        Selection(store.handle, [Part(view), Part(view)]),
        Selection(store.handle, [Part(view)], output_rois="only_filtered"),
    ]
    draft.add_frames(animals([30]))
    asked.append(Selection(store.handle, [Part(draft.view())]))
    found = [one.fingerprint for one in asked]
    assert len({*found}) == len(asked)
    assert found == [pickle.loads(pickle.dumps(one)).fingerprint for one in asked]
