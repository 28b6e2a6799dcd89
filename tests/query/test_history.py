"""History as a query: beside an evaluator that looks at every frame of every commit of a line."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hyperstore
from hyperstore import QueryError, Store
from hyperstore.codec import replace
from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.dataset.transact import Move, transact
from hyperstore.frames.read import read_frame
from hyperstore.history.branches import head_ref
from hyperstore.history.commit import encode_object
from hyperstore.ids import CommitId, Kind, ObjectId
from hyperstore.query.language.condition import (
    Condition,
    Field,
    Leaf,
    RoiCondition,
    Scope,
    Since,
    Term,
)
from hyperstore.query.versionsets.history import FrameHistory, Matcher, Span, history, matcher_of
from tests.support.frames import wire
from tests.support.slow_query import fits

DOG = Condition(rois=(RoiCondition(Leaf(Field(Scope.ROI, "label", exact=True), Term("dog"))),))


def matcher(version: DatasetVersion, condition: Condition) -> Matcher:
    """Look at each frame by itself, and hold that none is asked for twice in one call."""
    view = version.view()

    def among(ids: Sequence[ObjectId]) -> set[ObjectId]:
        assert len(set(ids)) == len(ids)
        payloads = view.staging.payloads(ids, Kind.FRAME)
        return {
            oid
            for oid, payload in zip(ids, payloads, strict=True)
            if fits(
                condition,
                read_frame(payload, home=view.home, object_id=oid, roots=view.roots).to_dict(),
            )
        }

    return Matcher(among)


def found(store: Store, version: DatasetVersion, condition: Condition = DOG) -> list[FrameHistory]:
    assert version.head is not None
    head = CommitId(ObjectId(bytes.fromhex(version.head)))
    return history(store.handle, head, condition, matcher(version, condition))


def slow(version: DatasetVersion, condition: Condition) -> dict[str, list[tuple[str, str | None]]]:
    """Evaluate every frame of every commit of the line, the oldest first."""
    infos = {info.id: info for info in version.log()}
    line = [version.head]
    while infos[line[-1]].parents:  # type: ignore[index]
        line.append(infos[line[-1]].parents[0])  # type: ignore[index]
    spans: dict[str, list[tuple[str, str | None]]] = {}
    before: set[str] = set()
    for commit in reversed(line):
        assert commit is not None
        wires = [frame.to_dict() for frame in version.at(commit)]
        now = {str(one["id"]) for one in wires if fits(condition, one)}
        for name in now - before:
            spans.setdefault(name, []).append((commit, None))
        for name in before - now:
            spans[name][-1] = (spans[name][-1][0], commit)
        before = now
    return spans


def check_source(
    version: DatasetVersion, name: str, merged: str | None, source: str | None, *, now: bool
) -> None:
    """Hold that a commit beside the line came with the merge, and did what is said of it."""
    infos = {info.id: info for info in version.log()}
    if source is None:
        return
    assert merged is not None
    assert len(infos[merged].parents) > 1

    def reached(start: str) -> set[str]:
        seen, pending = {start}, [start]
        while pending:
            above = [one for one in infos[pending.pop()].parents if one not in seen]
            seen.update(above)
            pending += above
        return seen

    assert source in reached(merged) - reached(infos[merged].parents[0])

    def fitted(commit: str) -> bool:
        wires = [one.to_dict() for one in version.at(commit) if one.id == name]
        return any(fits(DOG, one) for one in wires)

    assert fitted(source) is now
    assert fitted(infos[source].parents[0]) is not now


def merge(store: Store, ours: DatasetVersion, theirs: DatasetVersion) -> str:
    """Commit what `ours` holds now as a merge of both heads."""
    handle = store.handle
    assert ours.head is not None
    assert theirs.head is not None
    made = ours.commit("Merge", allow_empty=True)
    assert made is not None
    head = ObjectId(bytes.fromhex(made))
    commit = handle.commit(CommitId(head))
    commit = replace(commit, parents=[*commit.parents, bytes.fromhex(theirs.head)])
    staging = handle.staging()

    def prepare(_: object) -> tuple[list[Move], ObjectId]:
        new = staging.add(Kind.COMMIT, encode_object(commit))
        return [Move(head_ref(ours.dataset_id, ours.id), head, new)], new

    return transact(handle, staging, "merge", prepare).hex()


def dog(name: str, number: int = 0) -> dict[str, object]:
    return wire(name, labels=["dog"], number=number)


def cat(name: str) -> dict[str, object]:
    return wire(name, labels=["cat"])


def commit(version: DatasetVersion, *frames: dict[str, object], drop: Sequence[str] = ()) -> str:
    version.add_frames(frames)
    version.delete_frames(list(drop))
    made = version.commit("Edit", allow_empty=True)
    assert made is not None
    return made


steps = st.lists(
    st.tuples(
        st.sampled_from(["main", "side", "merge", "merge back"]),
        st.dictionaries(
            st.integers(0, 5), st.sampled_from(["dog", "cat", "dog2", None]), max_size=4
        ),
    ),
    min_size=1,
    max_size=8,
)


@given(plan=steps)
def test_spans_are_what_looking_at_every_commit_says(
    tmp_path_factory: pytest.TempPathFactory,
    plan: list[tuple[str, dict[int, str | None]]],
) -> None:
    """With frames that come, change, go and come back, on two lines that merge both ways."""
    with hyperstore.init(tmp_path_factory.mktemp("history") / "store") as store:
        dataset = store.create_dataset("cells")
        main = dataset.version()
        commit(main, dog("f0"), cat("f1"))
        side = dataset.create_version("side", commit=main.head)
        for what, edits in plan:
            version = side if what in ("side", "merge back") else main
            frames = [
                wire(f"f{name}", labels=[label[:3]], number=len(label))
                for name, label in edits.items()
                if label is not None
            ]
            version.add_frames(frames)
            version.delete_frames([f"f{name}" for name, label in edits.items() if label is None])
            if what.startswith("merge"):
                merge(store, version, main if version is side else side)
            else:
                version.commit("Edit", allow_empty=True)
        for version in (main, side):
            answer = found(store, version)
            spans = {
                one.frame_id: [(span.began, span.ended) for span in one.spans] for one in answer
            }
            for one in answer:
                for span in one.spans:
                    check_source(version, one.frame_id, span.began, span.began_in, now=True)
                    check_source(version, one.frame_id, span.ended, span.ended_in, now=False)
            assert spans == slow(version, DOG)
            head = CommitId(ObjectId(bytes.fromhex(str(version.head))))
            by_index = history(store.handle, head, DOG, matcher_of(store.handle, DOG))
            assert by_index == found(store, version)


def test_what_a_merge_brought_is_told_with_the_commit_that_did_it(store: Store) -> None:
    """The line has it from the merge on; whoever asks who labelled it needs the other commit."""
    dataset = store.create_dataset("cells")
    main = dataset.version()
    first = commit(main, dog("a"), cat("b"), cat("c"))
    side = dataset.create_version("side", commit=first)
    deep = dataset.create_version("deep", commit=first)
    relabelled = commit(deep, dog("c"))
    away = commit(side, cat("a"), dog("b"))
    side.add_frames([dog("c")])
    merged = merge(store, side, deep)
    commit(side, wire("other"))
    main.add_frames([cat("a"), dog("b"), dog("c"), dog("own")])
    top = merge(store, main, side)
    assert found(store, main) == [
        FrameHistory("a", (Span(first, top, ended_in=away),)),
        FrameHistory("b", (Span(top, began_in=away),)),
        FrameHistory("c", (Span(top, began_in=relabelled),)),
        FrameHistory("own", (Span(top),)),
    ]
    assert [one.fits_now for one in found(store, main)] == [False, True, True, True]
    assert FrameHistory("c", (Span(merged, began_in=relabelled),)) in found(store, side)


def test_a_flip_that_the_other_line_took_back_is_not_its_doing(store: Store) -> None:
    """The merge itself says dog, whatever stood on the other line once."""
    dataset = store.create_dataset("cells")
    main = dataset.version()
    first = commit(main, cat("a"))
    side = dataset.create_version("side", commit=first)
    commit(side, dog("a"))
    commit(side, cat("a"))
    main.add_frames([dog("a")])
    top = merge(store, main, side)
    assert found(store, main) == [FrameHistory("a", (Span(top),))]


def test_history_reads_what_changed_and_not_what_is_there(store: Store) -> None:
    """A thousand frames and ten commits of one: that is a thousand and twenty looks."""
    draft = store.create_dataset("cells").version()
    commit(draft, *(cat(f"f{number:04d}") for number in range(1000)))
    for number in range(10):
        commit(draft, dog("f0000", number=number))
    looks: list[int] = []
    plain = matcher(draft, DOG)

    def among(ids: Sequence[ObjectId]) -> set[ObjectId]:
        looks.append(len(ids))
        return plain.among(ids)

    head = CommitId(ObjectId(bytes.fromhex(draft.head or "")))
    history(store.handle, head, DOG, Matcher(among))
    assert sum(looks) == 1020


def test_what_a_version_changed_since_is_not_asked_of_history(store: Store) -> None:
    """It compares two moments, and history has many."""
    draft = store.create_dataset("cells").version()
    commit(draft, dog("a"))
    added = Condition(frame=Leaf(Field(Scope.FRAME, "added"), Since("Current")))
    with pytest.raises(QueryError, match="history"):
        found(store, draft, added)
