"""Datasets of torch: what each rank and worker gets, where a run goes on, what a bad file means.

Workers here are forked, or none; `tests/interop` has those that are spawned, as programs.
"""

import logging
import pickle
import re
from itertools import chain
from pathlib import Path
from typing import Any, cast

import pytest

from hyperstore import DatasetVersion, FrameGroup, MediaError, SingleFrame, UsageError
from hyperstore.query.dataview import DataView
from tests.support.loading import COUNT, ids, labelled, numbered, pictured
from tests.support.optional import needed

torch = needed("torch", group="torch")

from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler

from hyperstore.integrations.torch import FrameDataset, FrameStream, detection_collate

LABELS = ["even", "odd"]
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
]


def seen(batches: Any) -> list[str]:
    """Return the ids of frames in batches of a detector, in the order in which they came."""
    return [target["frame_id"] for _, targets in batches for target in targets]


def streaming(source: Any, **options: Any) -> FrameStream:
    """Return a stream of batches of 4."""
    options = {"batch_size": 4, "collate": detection_collate, "labels": LABELS, **options}
    if options["labels"] is None:
        del options["labels"]
    return FrameStream(source, **options)


def loaded(stream: FrameStream, workers: int = 0, **options: Any) -> Any:
    """Return a loader over a stream that makes its own batches."""
    context = "fork" if workers else None
    return DataLoader(
        stream, batch_size=None, num_workers=workers, multiprocessing_context=context, **options
    )


# By index.


def test_a_dataset_has_the_pictures_and_targets_of_its_frames(version: DatasetVersion) -> None:
    """In the order of the version, each with its own picture and labels."""
    data = FrameDataset(version.view(), labels=LABELS)
    assert len(data) == COUNT
    for number in (0, 5, -1):
        image, target = cast("tuple[Any, dict[str, Any]]", data[number])
        place = number % COUNT
        assert target["frame_id"] == numbered(place)
        assert target["image_id"] == place
        assert image.shape == (3, 6, 8 + place % 5)
        assert set(image[0].flatten().tolist()) == {place}
        assert target["labels"].tolist() == [place % 2]
    with pytest.raises(IndexError):
        data[COUNT]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_gives_each_frame_once(version: DatasetVersion, workers: int) -> None:
    """In the sampler's order, whoever reads."""
    data = FrameDataset(version, labels=LABELS)
    context = "fork" if workers else None
    loader = DataLoader(
        data, 5, collate_fn=detection_collate, num_workers=workers, multiprocessing_context=context
    )
    assert seen(loader) == ids()
    shuffled = DataLoader(
        data,
        5,
        shuffle=True,
        generator=torch.Generator().manual_seed(3),
        collate_fn=detection_collate,
    )
    order = torch.randperm(COUNT, generator=_after_a_seed(3)).tolist()
    assert seen(shuffled) == [numbered(number) for number in order]


def test_samples_say_of_which_epoch_they_are(version: DatasetVersion) -> None:
    """What a transform draws by it must not be the same in each: by index, too, in any process."""
    data = FrameDataset(version, labels=LABELS)
    loader = DataLoader(data, 5, collate_fn=detection_collate)
    stream = streaming(version)
    for epoch in (0, 3):
        data.set_epoch(epoch)
        stream.set_epoch(epoch)
        for batches in (loader, loaded(stream, 2)):
            assert {one["epoch"] for _, targets in batches for one in targets} == {epoch}
    for wrong in (-1, 1.0, 2**70):
        with pytest.raises(UsageError, match="an epoch is a whole number"):
            data.set_epoch(cast("int", wrong))


def _after_a_seed(seed: int) -> Any:
    """Return a generator as a sampler finds it: the loader has drawn a seed for its workers."""
    generator = torch.Generator().manual_seed(seed)
    torch.empty((), dtype=torch.int64).random_(generator=generator)
    return generator


@pytest.mark.parametrize("world", [1, 2, 3])
def test_a_distributed_sampler_gives_all_frames(version: DatasetVersion, world: int) -> None:
    """It repeats the first ones where ranks would be uneven, and loses none."""
    data = FrameDataset(version, labels=LABELS)
    found: list[str] = []
    for rank in range(world):
        sampler = DistributedSampler(data, world, rank, shuffle=False)
        mine = seen(DataLoader(data, 4, sampler=sampler, collate_fn=detection_collate))
        assert mine == [
            numbered(at % COUNT) for at in range(rank, -(-COUNT // world) * world, world)
        ]
        found += mine
    assert set(found) == set(ids())


def test_a_dataset_shows_its_version_as_it_was(version: DatasetVersion) -> None:
    """A run that others write beside sees one state from its beginning to its end."""
    data = FrameDataset(version, labels=LABELS)
    version.delete_frames([numbered(3)])
    assert [target["frame_id"] for _, target in data] == ids()
    assert len(FrameDataset(version, labels=LABELS)) == COUNT - 1


def test_a_dataset_pickles_small(version: DatasetVersion) -> None:
    """What travels to a worker is a path and plain values, not frames."""
    data = FrameDataset(version, labels=LABELS)
    assert len(pickle.dumps(data)) < 4_000
    again = pickle.loads(pickle.dumps(data))
    _, target = cast("tuple[Any, dict[str, Any]]", again[7])
    assert target["frame_id"] == numbered(7)


def test_a_view_brings_its_numbers_of_labels(version: DatasetVersion) -> None:
    """Labels that it does not enumerate, or enumerates as -1, are not learnt."""
    view = labelled(version)
    view.set_labels({"odd": 9, "even": -1})
    data: Any = FrameDataset(view)
    assert [data[at][1]["labels"].tolist() for at in range(4)] == [[], [9], [], [9]]


def test_a_shuffled_view_is_shuffled_the_same_by_index(version: DatasetVersion) -> None:
    """The dataset has the order that iterating the view has."""
    view = labelled(version, order="random", random_seed=5)
    wanted = [frame.id for frame in view]
    assert wanted != ids()
    assert [target["frame_id"] for _, target in FrameDataset(view)] == wanted


def test_a_limit_holds_for_both(version: DatasetVersion) -> None:
    """As for the view's own iterators."""
    view = labelled(version, maximum_number_of_frames=10)
    assert len(FrameDataset(view)) == 10
    assert seen(loaded(streaming(view))) == ids(10)


# As a stream.


@pytest.mark.parametrize("workers", [0, 1, 2, 5])
def test_the_order_of_batches_does_not_depend_on_workers(
    version: DatasetVersion, workers: int
) -> None:
    """So a run may be repeated, or gone on with, on another machine."""
    stream = streaming(version)
    loader = loaded(stream, workers)
    batches = list(loader)
    assert [len(images) for images, _ in batches] == [4] * 9 + [1]
    assert len(loader) == len(stream) == 10
    assert seen(batches) == ids()


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("world", [1, 2, 3])
def test_ranks_and_workers_lose_and_repeat_nothing(
    version: DatasetVersion, world: int, workers: int
) -> None:
    """Rank r of R has the steps r, r + R, ...; together that is all, each once."""
    found: list[str] = []
    for rank in range(world):
        mine = seen(loaded(streaming(version, rank=rank, world_size=world), workers))
        assert mine == ids()[rank::world]
        found += mine
    assert sorted(found) == ids()


def test_numbers_of_a_stream_may_be_of_numpy(version: DatasetVersion) -> None:
    """Sizes and ranks come out of arithmetic and of what launches processes; so do epochs."""
    numpy = pytest.importorskip("numpy")
    dealt: dict[str, Any] = {
        "batch_size": numpy.int64(3),
        "rank": numpy.int32(1),
        "world_size": numpy.uint8(2),
        "labels": {"even": numpy.int64(0), "odd": numpy.int64(1)},
        "ahead": numpy.int64(2),
    }
    stream = streaming(version, **dealt)
    stream.set_epoch(numpy.int64(4))
    assert (stream.epoch, seen(stream)) == (4, ids()[1::2])
    stream.load_state_dict({**stream.state_dict(), "epoch": numpy.int64(5)})
    assert stream.epoch == 5
    with pytest.raises(UsageError, match="batch_size"):
        streaming(version, batch_size=numpy.float64(3))


def test_ranks_may_be_made_even(version: DatasetVersion) -> None:
    """Gradients are averaged in step, so a rank with one more batch would wait for ever."""
    streams = [streaming(version, rank=rank, world_size=3, drop_uneven=True) for rank in range(3)]
    found = [seen(loaded(stream)) for stream in streams]
    assert [len(one) for one in found] == [12, 12, 12]
    assert sorted(chain.from_iterable(found)) == ids(36)
    assert {len(stream) for stream in streams} == {3}


@pytest.mark.parametrize("workers", [0, 2])
def test_samples_may_be_batched_by_the_loader(version: DatasetVersion, workers: int) -> None:
    """Dealt one by one, they still all come once."""
    stream = FrameStream(version, labels=LABELS)
    loader = DataLoader(
        stream,
        4,
        collate_fn=detection_collate,
        num_workers=workers,
        multiprocessing_context="fork" if workers else None,
    )
    assert sorted(seen(loader)) == ids()
    assert len(stream) == COUNT


def test_each_epoch_has_an_order_of_its_own(version: DatasetVersion) -> None:
    """By seed and epoch: the same again at the next run, also under workers that live on."""
    view = labelled(version, order="random", random_seed=5)
    stream = streaming(view)
    first = seen(loaded(stream))
    assert first == [frame.id for frame in view]
    stream.set_epoch(1)
    second = seen(loaded(stream))
    assert sorted(second) == sorted(first) == ids()
    assert second != first
    living = streaming(view)
    loader = loaded(living, 2, persistent_workers=True)
    orders = []
    for epoch in (0, 1, 0):
        living.set_epoch(epoch)
        orders.append(seen(loader))
    assert orders == [first, second, first]


@pytest.mark.parametrize(("before", "after"), [(0, 2), (2, 5), (5, 0)])
@pytest.mark.parametrize("taken", [1, 9])
def test_a_run_goes_on_where_it_stood(
    version: DatasetVersion, before: int, after: int, taken: int
) -> None:
    """In the middle of an epoch, with another number of workers: the very next batch."""
    view = labelled(version, order="random", random_seed=5)
    whole = streaming(view)
    whole.set_epoch(2)
    order = seen(loaded(whole))
    stream = streaming(view)
    stream.set_epoch(2)
    source = stream.counted(loaded(stream, before))
    got = seen([next(source) for _ in range(taken)])
    state = pickle.loads(pickle.dumps(stream.state_dict()))
    source.close()  # type: ignore[attr-defined]
    other = streaming(labelled(version, order="random", random_seed=5))
    other.load_state_dict(state)
    assert other.epoch == 2
    other.set_epoch(other.epoch)  # As the loop over epochs does, which begins at this one.
    got += seen(other.counted(loaded(other, after)))
    assert got == order
    assert (other.epoch, other.state_dict()["steps"]) == (3, 0)


def test_a_run_goes_on_with_another_number_of_ranks(version: DatasetVersion) -> None:
    """Ranks in step have had the first steps of the view, so what is left can be dealt anew."""
    first: list[str] = []
    for rank in range(2):
        stream = streaming(version, rank=rank, world_size=2)
        source = stream.counted(loaded(stream))
        first += seen([next(source), next(source)])
        state = stream.state_dict()
    assert sorted(first) == ids(16)
    rest: list[str] = []
    for rank in range(3):
        stream = streaming(version, rank=rank, world_size=3)
        stream.load_state_dict(state)
        rest += seen(stream.counted(loaded(stream, 2)))
    assert sorted(rest) == ids()[16:]


def test_a_state_of_another_view_is_refused(version: DatasetVersion) -> None:
    """Its number of steps would lead to other frames."""
    state = streaming(labelled(version, order="random", random_seed=5)).state_dict()
    for other in (labelled(version), labelled(version, order="random", random_seed=6)):
        with pytest.raises(UsageError, match="another view"):
            streaming(other).load_state_dict(state)
    with pytest.raises(UsageError, match="no state"):
        streaming(version).load_state_dict({"epoch": "one"})
    version.delete_frames([numbered(3)])
    with pytest.raises(UsageError, match="another view"):
        streaming(labelled(version, order="random", random_seed=5)).load_state_dict(state)


def test_an_endless_view_streams_without_end(version: DatasetVersion) -> None:
    """Every round has each frame once; by index there is no such thing."""
    view = labelled(version, infinite=True)
    stream = streaming(view)
    source = iter(loaded(stream))
    assert seen([next(source) for _ in range(20)]) == [*ids(), *ids(), *ids()][:80]
    with pytest.raises(TypeError):
        len(stream)
    with pytest.raises(UsageError, match="endless"):
        FrameDataset(view)


def test_an_iterator_brings_its_weights(version: DatasetVersion) -> None:
    """Queries give their shares, frames coming again, as the iterator itself has them."""
    view = DataView(store=version._handle)
    for label, weight in (("odd", 3), ("even", 1)):
        view.add_query(
            dataset_id=version.dataset_id,
            version_id=version.version_id,
            roi_query=label,
            weight=weight,
        )
    view.set_labels({"even": 0, "odd": 1})
    view.set_iteration_parameters(order="random")
    wanted = [frame.id for frame in view.get_iterator(allow_repetition=True)]
    assert len(wanted) == 19 * 4  # So that the 19 even ones come about once.
    stream = streaming(view.get_iterator(allow_repetition=True), labels=None)
    batches = list(loaded(stream, 2))
    assert seen(batches) == wanted
    numbers = [int(one["labels"][0]) for _, targets in batches for one in targets]
    assert sum(numbers) == 57


def test_queries_say_which_frames_and_rois_are_learnt(version: DatasetVersion) -> None:
    """A frame for each ROI that fits, with no other ROI."""
    for number in (4, 7):
        frame = version.get_frame(numbered(number))
        assert isinstance(frame, SingleFrame)
        frame.add_annotation(box2d_xywh=[1, 1, 2, 2], labels=["odd"])
        version.update_frames([frame])
    view = DataView(store=version._handle, output_rois="frame_per_roi")
    view.add_query(
        dataset_id=version.dataset_id, version_id=version.version_id, roi_query="odd"
    ).set_labels({"even": 0, "odd": 1})
    found = [
        (target["frame_id"], target["labels"].tolist())
        for _, targets in loaded(streaming(view), 2)
        for target in targets
    ]
    twice = sorted([*range(1, COUNT, 2), 4, 7])
    assert found == [(numbered(number), [1]) for number in twice]


def test_clips_are_steps(version: DatasetVersion) -> None:
    """A sample of a view that goes in clips is the list of a clip's samples."""
    view = labelled(version, clip_length=10)
    stream = FrameStream(view, batch_size=1)
    clips = [[target["frame_id"] for _, target in clip] for (clip,) in loaded(stream)]
    assert clips == [ids()[at : at + 10] for at in range(0, COUNT, 10)]


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated:UserWarning")  # torchdata's use.
@pytest.mark.parametrize("workers", [0, 2])
def test_torchdata_s_loader_keeps_where_it_is(version: DatasetVersion, workers: int) -> None:
    """Its own states hold with the same workers, as it asks for; the next epoch is whole again."""
    needed("torchdata", group="torch")
    from torchdata.stateful_dataloader import StatefulDataLoader

    view = labelled(version, order="random", random_seed=5)
    order = [frame.id for frame in view]

    def loader() -> Any:
        context = "fork" if workers else None
        return StatefulDataLoader(
            streaming(view), None, num_workers=workers, multiprocessing_context=context
        )

    first = loader()
    source = iter(first)
    got = seen([next(source) for _ in range(4)])
    state = pickle.loads(pickle.dumps(first.state_dict()))
    again = loader()
    again.load_state_dict(state)
    got += seen(again)
    assert got == order
    assert seen(again) == order


def test_the_example_of_the_readme_runs(
    version: DatasetVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three epochs, all frames in each."""
    text = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    (example,) = re.findall(r"^```python\n(import torch\n.*?)^```", text, re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    trained: list[Any] = []
    names = {"view": labelled(version), "train": lambda *batch: trained.append(batch)}
    exec(example, names)
    assert sorted(seen(trained)) == sorted(ids() * 3)
    assert {image.dtype for images, _ in trained for image in images} == {torch.float32}


# What goes wrong.


def damage(version: DatasetVersion, *numbers: int) -> None:
    """Make files of some frames unreadable."""
    for number in numbers:
        frame = version.get_frame(numbered(number))
        assert isinstance(frame, SingleFrame)
        Path(str(frame.source)).write_bytes(b"no picture")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_picture_that_fails_ends_the_run(version: DatasetVersion, workers: int) -> None:
    """It is named, across processes too."""
    damage(version, 6)
    with pytest.raises(MediaError, match=r"f006.*006\.png"):
        list(loaded(streaming(version), workers))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_picture_that_fails_may_be_passed_over(
    version: DatasetVersion, workers: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Its batch is shorter; one of which nothing is left is None, which counting passes over."""
    damage(version, 6, 12, 13, 14, 15)
    left = [one for at, one in enumerate(ids()) if at not in (6, 12, 13, 14, 15)]
    stream = streaming(version, skip_errors=True)
    with caplog.at_level(logging.WARNING, "hyperstore.integrations"):
        batches = list(loaded(stream, workers))
        counted = list(stream.counted(loaded(stream, workers)))
        data = FrameDataset(version, labels=LABELS, skip_errors=True)
        assert data[6] is None
        assert seen(DataLoader(data, 5, collate_fn=detection_collate)) == left
    assert batches[3] is None
    assert [len(images) for images, _ in counted] == [4, 3, 4, 4, 4, 4, 4, 4, 1]
    assert seen(counted) == left
    assert "f006" in caplog.text


def test_groups_come_as_dicts_of_their_members(tmp_path: Path) -> None:
    """A pair of cameras is one sample."""
    store, version = pictured(tmp_path)
    with store:
        for number in range(3):
            group = FrameGroup(id=f"g{number}")
            for name, shift in (("left", 0), ("right", 3)):
                source = tmp_path / "pictures" / f"{number + shift:03}.png"
                group[name] = SingleFrame(source=source)
                group[name].add_annotation(box2d_xywh=[0, 0, 2, 2], labels=["odd"])
            version.add_frames([group])
        version.delete_frames(ids())
        ((batch),) = loaded(streaming(version))
    assert batch.keys() == {"left", "right"}
    for name, shift in (("left", 0), ("right", 3)):
        images, targets = batch[name]
        assert [int(image[0, 0, 0]) for image in images] == [shift, 1 + shift, 2 + shift]
        assert [target["labels"].tolist() for target in targets] == [[1]] * 3


def test_arguments_that_mean_nothing_are_refused(version: DatasetVersion) -> None:
    """Before the first picture of a long run is decoded."""
    dataset: Any = FrameDataset
    for options, said in (
        ({}, "set_labels"),
        ({"labels": "car"}, "a list of names"),
        ({"labels": ["a", "a"]}, "twice"),
        ({"labels": {"a": "b"}}, "no name with its number"),
        ({"labels": LABELS, "mode": "XYZ"}, "mode"),
        ({"labels": LABELS, "ahead": -1}, "ahead"),
        ({"labels": LABELS, "shuffle": True}, "no option 'shuffle'"),
        ({"labels": LABELS, "masks": "no"}, "masks is True or False"),
        ({"labels": LABELS, "skip_errors": 1}, "skip_errors is True or False"),
        ({"labels": LABELS, "transforms": 3}, "transforms is a function"),
        ({"labels": LABELS, "read": "PIL"}, "read is a function"),
    ):
        with pytest.raises(UsageError, match=said):
            dataset(version, **options)
    for more, said in (
        ({"batch_size": 0}, "batch_size"),
        ({"collate": 3}, "collate is a function"),
        ({"rank": 1}, "both"),
        ({"rank": 2, "world_size": 2}, "below"),
    ):
        with pytest.raises(UsageError, match=said):
            streaming(version, **more)
    with pytest.raises(UsageError, match="a DataView or a version"):
        dataset([1, 2], labels=LABELS)
    with pytest.raises(UsageError, match="epoch"):
        streaming(version).set_epoch(-1)
    stream = FrameStream(version, labels=LABELS)
    with pytest.raises(UsageError, match="batch_size"):
        next(stream.counted(DataLoader(stream, 4, num_workers=2)))
