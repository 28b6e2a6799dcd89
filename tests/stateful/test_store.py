"""One machine over the native API: whatever is done in whatever order, the store shows what a
model made of dicts says, and a check finds nothing."""

import json
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.dataset.editor import FrameLike
from hyperstore.dataset.spill import Sorter
from hyperstore.dataset.store import Store, init, open_store
from hyperstore.errors import (
    ExistsError,
    FrameError,
    HyperstoreError,
    MissingObjectError,
    NotFoundError,
    PublishedError,
    UsageError,
)
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.read import Frame
from hyperstore.maintenance.collect import SLICES, Collection, gc
from tests.support.faults import rounds
from tests.support.faults_children import faults_of
from tests.support.model import (
    Content,
    Operation,
    State,
    VersionState,
    Wire,
    apply,
    commit_named,
    do,
    essence,
    portrait,
    portrait_of,
)

IDS = [f"frame-{number:02}" for number in range(48)]
LABELS = ["cell", "platelet", "細胞"]
BAD: list[Callable[[Wire], Wire]] = [
    lambda frame: {**frame, "rois": [{"poly": [0, 0, 1, 1]}]},
    lambda frame: {**frame, "rois": [{"label": ["x"], "poly": [0, 0, 1]}]},
    lambda frame: {**frame, "rois": [{"label": ["x"], "confidence": float("nan")}]},
    lambda frame: {**frame, "timestamp": 0.5},
    lambda frame: {**frame, "sources": []},
    lambda frame: {**frame, "meta": {"deep": {1: object()}}},
    lambda frame: {**frame, "id": "x" * 256},
]

TINY = SLICES._replace(batch=2, operations=3, sweep=5, join=2)

pick = st.integers(0, 2**16)


@st.composite
def wires(draw: st.DrawFn) -> Wire:
    """Draw a frame in wire form, every field given, so that it comes back as it is."""
    frame_id = draw(st.sampled_from(IDS))
    rois = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "id": st.sampled_from(["r0", "r1", "r2"]),
                    "label": st.lists(st.sampled_from(LABELS), min_size=1, max_size=2),
                    "poly": st.lists(st.integers(0, 99), min_size=6, max_size=6),
                    "confidence": st.sampled_from([0.25, 0.5]),
                    "sources": st.just(["default"]),
                    "meta": st.fixed_dictionaries(
                        {"_type": st.just("p2d"), "n": st.integers(0, 2)}
                    ),
                }
            ),
            max_size=2,
            unique_by=lambda roi: roi["id"],
        )
    )
    return essence(
        {
            "id": frame_id,
            "context_id": draw(st.sampled_from(["a", "b", "ä"])),
            "timestamp": draw(st.integers(-2, 5)),
            "meta": {"weather": draw(st.sampled_from(["sun", "rain"]))},
            "sources": [{"id": "default", "uri": f"https://example.org/{frame_id}"}],
            "rois": sorted(rois, key=lambda roi: str(roi["id"])),
        }
    )


metadata = st.dictionaries(st.sampled_from(["x", "y"]), st.integers(0, 3), max_size=2)


class StoreMachine(RuleBasedStateMachine):
    """Does the same to a store and to the model. Operations are those of tests/support/model.py."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="hyperstore-machine-"))
        self.store: Store = init(self.folder / "store")
        self.state = State()
        self.serial = 0
        self.steps = 0
        self.collected = False
        self.slices: Iterator[int] | None = None
        self.fetched: list[tuple[DatasetVersion, Frame, Wire]] = []
        self.contents: dict[str, str] = {}
        self.do(("create_dataset", "first"))

    def teardown(self) -> None:
        try:
            assert not faults_of(self.store)
        finally:
            self.store.close()
            shutil.rmtree(self.folder)

    # Helpers.

    def do(self, operation: Operation) -> None:
        do(self.store, operation)
        self.state = apply(self.state, operation)

    def new_name(self, kind: str) -> str:
        self.serial += 1
        return f"{kind} {self.serial}"

    def dataset_name(self, choice: int) -> str:
        names = sorted(self.state.datasets)
        return names[choice % len(names)]

    def place(self, choice: int, *, draft: bool = True) -> tuple[str, str] | None:
        """Choose a version by number, of all datasets; None where there is none."""
        places = [
            (dataset, name)
            for dataset, held in sorted(self.state.datasets.items())
            for name, version in sorted(held.versions.items())
            if version.working is not None or not draft
        ]
        return places[choice % len(places)] if places else None

    def version(self, place: tuple[str, str]) -> DatasetVersion:
        return self.store.dataset(place[0]).version(place[1])

    def message(self, dataset: str, choice: int) -> str | None:
        messages = sorted(self.state.commits(dataset))
        return messages[choice % len(messages)] if messages else None

    def content(self, place: tuple[str, str]) -> Content:
        return self.state.version(*place).content()

    @contextmanager
    def refused(self, *kinds: type[HyperstoreError]) -> Iterator[None]:
        """Expect an error, and nothing changed: the invariants look."""
        with pytest.raises(kinds):
            yield

    # Datasets and versions.

    @rule()
    def create_dataset(self) -> None:
        self.do(("create_dataset", self.new_name("dataset")))

    @precondition(lambda self: self.state.datasets)
    @rule(choice=pick)
    def create_dataset_again(self, choice: int) -> None:
        with self.refused(ExistsError):
            self.store.create_dataset(self.dataset_name(choice))

    @precondition(lambda self: self.state.datasets)
    @rule(choice=pick, commit=pick)
    def create_version(self, choice: int, commit: int) -> None:
        dataset = self.dataset_name(choice)
        message = self.message(dataset, commit) if commit % 4 else None
        self.do(("create_version", dataset, self.new_name("version"), message))

    @rule(choice=pick)
    def create_version_again(self, choice: int) -> None:
        if place := self.place(choice, draft=False):
            with self.refused(ExistsError):
                self.store.dataset(place[0]).create_version(place[1])

    @rule(choice=pick)
    def rename_version(self, choice: int) -> None:
        if place := self.place(choice, draft=False):
            self.do(("rename_version", *place, self.new_name("version")))

    @precondition(lambda self: self.state.datasets)
    @rule(choice=pick)
    def rename_dataset(self, choice: int) -> None:
        self.do(("rename_dataset", self.dataset_name(choice), self.new_name("dataset")))

    @rule(choice=pick)
    def delete_version(self, choice: int) -> None:
        place = self.place(choice, draft=False)
        if place is not None and len(self.state.datasets[place[0]].versions) > 1:
            self.do(("delete_version", *place))

    @precondition(lambda self: len(self.state.datasets) > 1)
    @rule(choice=pick)
    def delete_dataset(self, choice: int) -> None:
        self.do(("delete_dataset", self.dataset_name(choice)))

    # Edits.

    @rule(choice=pick, frames=st.lists(wires(), max_size=12), objects=st.booleans())
    def add(self, choice: int, frames: list[Wire], objects: bool) -> None:
        place = self.place(choice)
        if place is None:
            return
        given: list[FrameLike] = list(frames)
        if objects:
            given = [SingleFrame.from_dict(one) for one in frames]
        repeated = len(frames) - len({one["id"] for one in frames})
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            assert self.version(place).add_frames(iter(given)) == []
        assert len([one for one in told if f"{repeated} frame" in str(one.message)]) == bool(
            repeated
        )
        self.state = apply(self.state, ("add", *place, frames))

    @rule(
        choice=pick,
        good=st.lists(wires(), max_size=3, unique_by=lambda one: str(one["id"])),
        bad=st.lists(st.tuples(wires(), st.sampled_from(BAD)), min_size=1, max_size=3),
        strict=st.booleans(),
    )
    def add_with_bad_ones(
        self,
        choice: int,
        good: list[Wire],
        bad: list[tuple[Wire, Callable[[Wire], Wire]]],
        strict: bool,
    ) -> None:
        place = self.place(choice)
        if place is None:
            return
        spoiled = [spoil(frame) for frame, spoil in bad]
        if strict:
            with self.refused(FrameError):
                self.version(place).add_frames([*good, *spoiled], strict=True)
            return
        failures = self.version(place).add_frames([*spoiled, *good])
        assert [one["frame"] for one in failures] == spoiled
        assert {one["error_type"] for one in failures} == {"validation"}
        self.state = apply(self.state, ("add", *place, good))

    @rule(choice=pick, frames=st.lists(wires(), max_size=3))
    def add_from_what_raises(self, choice: int, frames: list[Wire]) -> None:
        def broken() -> Iterator[Wire]:
            yield from frames
            raise KeyError("the source broke")

        if place := self.place(choice):
            with pytest.raises(KeyError):
                self.version(place).add_frames(broken())

    @rule(choice=pick, ids=st.lists(st.sampled_from(IDS), max_size=10, unique=True))
    def delete(self, choice: int, ids: list[str]) -> None:
        if place := self.place(choice):
            there = len(self.content(place).frames.keys() & set(ids))
            assert self.version(place).delete_frames(ids) == there
            self.state = apply(self.state, ("delete", *place, ids))

    @rule(choice=pick, meta=metadata)
    def set_metadata(self, choice: int, meta: dict[str, int]) -> None:
        if place := self.place(choice):
            self.do(("set_metadata", *place, meta))

    @rule(
        choice=pick,
        frames=st.lists(wires(), max_size=5, unique_by=lambda one: str(one["id"])),
        ids=st.lists(st.sampled_from(IDS), max_size=5, unique=True),
        meta=metadata,
        fails=st.booleans(),
    )
    def batch(
        self, choice: int, frames: list[Wire], ids: list[str], meta: dict[str, int], fails: bool
    ) -> None:
        place = self.place(choice)
        if place is None:
            return
        edits: list[Operation] = [("add", frames), ("delete", ids), ("set_metadata", meta)]
        if not fails:
            self.do(("batch", *place, edits))
            return
        version = self.version(place)
        with pytest.raises(KeyError), version.batch():  # noqa: PT012 - a block is what is tested.
            version.add_frames(frames)
            version.delete_frames(ids)
            wanted = {**self.content(place).frames, **{str(one["id"]): one for one in frames}}
            assert {one.id for one in version} == wanted.keys() - set(ids)
            assert portrait_of(self.store) == portrait(self.state)  # Others see none of it yet.
            raise KeyError("the block broke")

    @rule(choice=pick, frame=pick)
    def fetch(self, choice: int, frame: int) -> None:
        place = self.place(choice)
        if place is not None and (frames := self.content(place).frames):
            name = sorted(frames)[frame % len(frames)]
            version = self.version(place)
            self.fetched = [*self.fetched[-4:], (version, version.get_frame(name), frames[name])]

    @precondition(lambda self: self.fetched)
    @rule(choice=pick, weather=st.sampled_from(["snow", "fog"]))
    def update_what_was_fetched(self, choice: int, weather: str) -> None:
        version, frame, old = self.fetched.pop(choice % len(self.fetched))
        place = next(
            (
                (dataset.name, one.name)
                for dataset in self.store.datasets()
                for one in dataset.versions()
                if one == version
            ),
            None,
        )
        if place is None or self.state.version(*place).working is None:
            with self.refused(NotFoundError, PublishedError):
                version.update_frames([frame])
            return
        frame.metadata["weather"] = weather
        failures = version.update_frames([frame], if_unchanged=True)
        now = self.content(place).frames.get(frame.id)
        if now != old:  # Deleted since is changed since: it was read from this very version.
            assert [one["error_type"] for one in failures] == ["conflict"]
            return
        assert failures == []
        new = {**old, "meta": {"weather": weather}}
        self.state = apply(self.state, ("add", *place, [new]))

    @rule(choice=pick, frames=st.lists(wires(), min_size=1, max_size=2))
    def edit_what_is_published(self, choice: int, frames: list[Wire]) -> None:
        place = self.place(choice, draft=False)
        if place is not None and self.state.version(*place).working is None:
            version = self.version(place)
            for edit in (
                lambda: version.add_frames(frames),
                lambda: version.delete_frames([str(frames[0]["id"])]),
                lambda: version.commit("no"),
                lambda: version.publish(),
            ):
                with self.refused(PublishedError):
                    edit()

    # History.

    @rule(choice=pick)
    def commit(self, choice: int) -> None:
        if place := self.place(choice):
            message = self.new_name("commit")
            nothing = self.content(place) == self.state.version(*place).committed()
            made = self.version(place).commit(message)
            assert (made is None) == nothing
            self.state = apply(self.state, ("commit", *place, message))
            assert made is None or self.version(place).log()[0].id == made

    @rule(choice=pick)
    def publish(self, choice: int) -> None:
        if place := self.place(choice):
            self.do(("publish", *place, self.new_name("commit")))

    @rule(choice=pick)
    def snapshot(self, choice: int) -> None:
        if place := self.place(choice):
            self.do(("snapshot", *place, self.new_name("version"), self.new_name("commit")))

    @precondition(lambda self: self.state.datasets)
    @rule(choice=pick, commit=pick)
    def tag(self, choice: int, commit: int) -> None:
        dataset = self.dataset_name(choice)
        message = self.message(dataset, commit)
        if message is not None:
            label = self.new_name("tag")
            self.do(("tag", dataset, label, message))
            with self.refused(ExistsError):
                do(self.store, ("tag", dataset, label, message))

    @precondition(lambda self: self.state.datasets)
    @rule(choice=pick, which=pick)
    def untag(self, choice: int, which: int) -> None:
        dataset = self.dataset_name(choice)
        if tags := sorted(self.state.datasets[dataset].tags):
            self.do(("untag", dataset, tags[which % len(tags)]))

    @rule(choice=pick, commit=pick, hard=st.booleans())
    def reset(self, choice: int, commit: int, hard: bool) -> None:
        if place := self.place(choice):
            message = self.message(place[0], commit) if commit % 4 else None
            self.do(("reset", *place, message, hard))

    @rule(
        choice=pick,
        commit=pick,
        ids=st.none() | st.lists(st.sampled_from(IDS), max_size=6, unique=True),
    )
    def restore(self, choice: int, commit: int, ids: list[str] | None) -> None:
        place = self.place(choice)
        if place is None:
            return
        message = self.message(place[0], commit) if commit % 4 else None
        version = self.state.version(*place)
        source = (
            version.committed()
            if message is None
            else self.state.commits(place[0])[message].content
        )
        operation = ("restore", *place, ids, message)
        if ids is not None and set(ids) - source.frames.keys() - version.content().frames.keys():
            with self.refused(NotFoundError):
                do(self.store, operation)
        else:
            self.do(operation)

    @rule(choice=pick, commit=pick)
    def revert(self, choice: int, commit: int) -> None:
        place = self.place(choice)
        message = None if place is None else self.message(place[0], commit)
        if place is None or message is None:
            return
        version = self.state.version(*place)
        operation = ("revert", *place, message, self.new_name("commit"))
        if version.content() != version.committed():
            with self.refused(UsageError):
                do(self.store, operation)
            return
        undone = self.state.commits(place[0])[message]
        before = Content() if undone.parent is None else undone.parent.content
        if not _reverts_cleanly(version, before, undone.content):
            return
        new = apply(self.state, operation)
        if new.version(*place).content() == version.content():
            with self.refused(UsageError):
                do(self.store, operation)
        else:
            self.do(operation)

    @rule()
    def undo(self) -> None:
        if self.state.before is None:
            with self.refused(NotFoundError):
                self.store.undo()
            return
        try:
            self.store.undo()
        except MissingObjectError:
            assert self.collected
            return
        self.state = apply(self.state, ("undo",))

    # The store as a whole.

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = open_store(self.folder / "store")
        self.fetched = []
        self.slices = None

    @rule(compact=st.booleans())
    def collect(self, compact: bool) -> None:
        gc(self.store, prune_now=True, compact=compact)
        self.collected = True
        self.slices = None

    @rule(most=st.integers(1, 60))
    def collect_a_little(self, most: int) -> None:
        """Go on with a collection that rests while all else is done."""
        self.collected = True
        if self.slices is None:
            self.slices = Collection(self.store.handle, TINY, prune_now=True).steps()
        if len(list(islice(self.slices, most))) < most:
            self.slices = None

    # Reading.

    @rule(choice=pick, start=pick, stop=pick, context=st.sampled_from([None, "a", "ä"]))
    def read_some(self, choice: int, start: int, stop: int, context: str | None) -> None:
        place = self.place(choice, draft=False)
        if place is None:
            return
        frames = sorted(
            self.content(place).frames.values(),
            key=lambda one: (str(one["context_id"]).encode(), one["timestamp"], str(one["id"])),
        )
        version = self.version(place)
        if context is None:
            low, high = start % (len(frames) + 1), stop % (len(frames) + 2)
            expected = frames[low:high]
        else:
            low, high = start % 9 - 3, stop % 9 - 3
            expected = [
                one
                for one in frames
                if one["context_id"] == context and low <= int(str(one["timestamp"])) < high
            ]
        read = list(version.get_iterator(start=low, stop=high, context=context))
        assert [essence(one.to_dict()) for one in read] == expected
        back = version.get_iterator(start=low, stop=high, context=context, reverse=True)
        assert [one.id for one in back] == [one.id for one in reversed(read)]
        wanted = [IDS[start % len(IDS)], IDS[stop % len(IDS)]]
        held = self.content(place).frames
        assert [one.id for one in version.get_frames_by_ids(wanted)] == [
            one for one in wanted if one in held
        ]

    @precondition(lambda self: self.state.datasets)
    @rule(choice=pick, commit=pick)
    def read_a_commit(self, choice: int, commit: int) -> None:
        dataset = self.dataset_name(choice)
        message = self.message(dataset, commit)
        versions = self.store.dataset(dataset).versions()
        if message is None or not versions:
            return
        view = versions[0].at(commit_named(self.store, dataset, message))
        expected = self.state.commits(dataset)[message].content
        assert {one.id: essence(one.to_dict()) for one in view} == expected.frames
        assert view.get_metadata() == expected.meta

    # What always holds.

    @invariant()
    def it_shows_what_the_model_shows(self) -> None:
        assert portrait_of(self.store) == portrait(self.state)

    @invariant()
    def equal_frames_have_equal_content_ids(self) -> None:
        for dataset, held in self.state.datasets.items():
            for name, version in held.versions.items():
                frames = json.dumps(version.content().frames, sort_keys=True)
                found = self.version((dataset, name)).content_id
                assert self.contents.setdefault(frames, found) == found
        assert len(set(self.contents.values())) == len(self.contents)

    @invariant()
    def diff_names_what_differs(self) -> None:
        for dataset, held in self.state.datasets.items():
            for name, version in held.versions.items():
                old, new = version.committed().frames, version.content().frames
                expected = {
                    each: "added"
                    if each not in old
                    else "removed"
                    if each not in new
                    else "changed"
                    for each in old.keys() | new.keys()
                    if old.get(each) != new.get(each)
                }
                found = {one.frame_id: one.kind for one in self.version((dataset, name)).diff()}
                assert found == expected

    @invariant()
    def a_check_finds_nothing(self) -> None:
        self.steps += 1
        if self.steps % 5 == 0:  # And at the end; each check reads all there is.
            assert faults_of(self.store) == []


def _reverts_cleanly(version: VersionState, before: Content, after: Content) -> bool:
    """Say whether nothing that a commit changed was changed to something else since."""
    ours = version.content()
    return all(
        ours.frames.get(each) in (after.frames.get(each), before.frames.get(each))
        for each in before.frames.keys() | after.frames.keys()
        if before.frames.get(each) != after.frames.get(each)
    ) and all(
        ours.meta.get(each) == after.meta.get(each)
        for each in before.meta.keys() | after.meta.keys()
        if before.meta.get(each) != after.meta.get(each)
    )


def machine_settings(examples: int, steps: int) -> settings:
    """Return the bounds of one run, with all else as the profile in use says."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.slow
def test_the_store_does_what_the_model_does() -> None:
    """Any order of operations, with reopening, collecting and undoing in between."""
    bounds = machine_settings(rounds(50, soak=2000), rounds(30, soak=50))
    run_state_machine_as_test(StoreMachine, settings=bounds)


@pytest.mark.slow
def test_the_machine_finds_an_order_that_drifts_from_its_frames(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The harness can fail: a frame whose old place in the order stays is found."""
    real = Sorter.extend

    def careless(self: Sorter[tuple[object, ...]], rows: Iterable[tuple[object, ...]]) -> None:
        real(self, [row for row in rows if len(row) != 2 or row[1] is not None])

    monkeypatch.setattr(Sorter, "extend", careless)
    bounds = settings(
        machine_settings(100, 20), phases=[Phase.generate], database=None, print_blob=False
    )
    with pytest.raises((AssertionError, HyperstoreError, ExceptionGroup)):
        run_state_machine_as_test(StoreMachine, settings=bounds)
