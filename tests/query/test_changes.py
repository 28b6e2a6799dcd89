"""Frames that were added, changed or removed since a revision, beside two dicts."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

import hyperstore
from hyperstore import QueryError, Store
from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.dataset.view import View
from hyperstore.ids import ObjectId
from hyperstore.query.language.condition import (
    And,
    Condition,
    Field,
    Leaf,
    Node,
    Not,
    Or,
    RoiCondition,
    Scope,
    Since,
    Term,
)
from hyperstore.query.selection.selection import Part, Selection
from hyperstore.query.versionsets.changes import commit_or_snapshot, revisions_of, settled, since
from tests.support.frames import wire

PATHS = ("added", "changed", "removed")


def leaf(path: str, revision: str) -> Leaf:
    return Leaf(Field(Scope.FRAME, path), Since(revision))


def numbers(store: Store, ids: list[ObjectId]) -> BitMap:
    with store.handle.database.reading() as reader:
        return BitMap(reader.sequences(ids))


def slow(store: Store, old: View, new: View) -> dict[str, BitMap]:
    """Say from two dicts how one version goes over into the other."""
    before, after = dict(old.entries()), dict(new.entries())
    return {
        "added": numbers(store, [one for name, one in after.items() if name not in before]),
        "changed": numbers(
            store, [one for name, one in after.items() if before.get(name, one) != one]
        ),
        "removed": numbers(store, [one for name, one in before.items() if name not in after]),
    }


edits = st.lists(
    st.dictionaries(st.integers(0, 9), st.none() | st.integers(0, 2), min_size=1, max_size=6),
    min_size=1,
    max_size=5,
)


def play(draft: DatasetVersion, steps: list[dict[int, int | None]]) -> list[str]:
    """Do one commit for each step: which frames are saved with which number, or dropped."""
    commits = []
    for number, step in enumerate(steps):
        draft.add_frames(
            [
                wire(f"f{name}", labels=["dog" if value == 2 else "cat"], number=value)
                for name, value in step.items()
                if value is not None
            ]
        )
        draft.delete_frames([f"f{name}" for name, value in step.items() if value is None])
        made = draft.commit(f"Step {number}", allow_empty=True)
        assert made is not None
        commits.append(made)
    return commits


@given(steps=edits)
def test_sets_are_what_two_dicts_say(
    tmp_path_factory: pytest.TempPathFactory, steps: list[dict[int, int | None]]
) -> None:
    """From each commit to what the version holds now, and among frames of the store alone."""
    with hyperstore.init(tmp_path_factory.mktemp("since") / "store") as store:
        draft = store.create_dataset("cells").version()
        commits = play(draft, steps)
        draft.add_frames([wire("pending")])
        for commit in commits:
            leaves = [leaf(path, commit) for path in PATHS]
            found = since(store.handle, draft.view(), Condition(frame=Or(tuple(leaves))))
            wanted = slow(store, draft.at(commit), draft.view())
            assert {one.field.path: members for one, members in found.given.items()} == wanted
            assert found.removed == wanted["removed"]
            quiet = Condition(frame=And((leaves[0], Not(leaves[1]))))
            assert since(store.handle, draft.view(), quiet).removed == BitMap()


def test_removed_of_two_revisions_are_all_looked_at(store: Store) -> None:
    """Each as it was at its own revision."""
    draft = store.create_dataset("cells").version()
    one, two, _ = play(draft, [{1: 1, 2: 1}, {1: 2}, {1: None, 2: None}])
    both = Condition(frame=Or((leaf("removed", one), leaf("removed", two))))
    found = since(store.handle, draft.view(), both)
    ids = {*dict(draft.at(one).entries()).values(), *dict(draft.at(two).entries()).values()}
    assert len(ids) == 3
    assert found.removed == numbers(store, list(ids))


def test_a_revision_is_a_version_a_tag_or_a_commit_and_may_lead_to_ancestors(store: Store) -> None:
    """As the command takes them, without the dataset, which is known."""
    dataset = store.create_dataset("cells")
    draft = dataset.version()
    first, second = play(draft, [{1: 1}, {2: 1}])
    draft.tag("v1.2", first)
    draft.tag("odd~1", second)
    side = dataset.create_version("side", commit=first)

    def meant(text: str) -> str:
        return commit_or_snapshot(store.handle, dataset.id, text).hex()

    for text in ("v1.2", first, first[:8], "side", side.id, "Current~1", "Current~", "Current^"):
        assert meant(text) == first, text
    for text in ("Current", draft.id, second, "odd~1", "Current~0", "Current^0"):
        assert meant(text) == second, text
    assert meant('"odd~1"~1') == first
    draft.add_frames([wire("pending")])
    assert meant("Current") != second
    assert meant("Current~0") == second
    assert meant("Current~1") == first
    assert store.handle.snapshot(bytes.fromhex(meant("Current"))).count == 3  # type: ignore[arg-type]
    draft.publish("Done")
    assert meant("Current") == draft.head


@pytest.mark.parametrize(
    "text",
    [
        "none",
        "",
        "~1",
        "Current~5",
        "Current^2",
        "Current@{1}",
        "cells@Current",
        "abcdef",
        "\ud800",
    ],
)
def test_a_revision_that_there_is_not_is_named(store: Store, text: str) -> None:
    """As one error of a query, whatever is wrong with it."""
    dataset = store.create_dataset("cells")
    play(dataset.version(), [{1: 1}])
    with pytest.raises(QueryError):
        commit_or_snapshot(store.handle, dataset.id, text)


def test_a_draft_without_commits_has_none_before_it(store: Store) -> None:
    """It can be compared with as it is."""
    dataset = store.create_dataset("cells")
    assert commit_or_snapshot(store.handle, dataset.id, "Current")
    with pytest.raises(QueryError, match="no commit yet"):
        commit_or_snapshot(store.handle, dataset.id, "Current~1")


def test_commits_of_other_datasets_are_none_until_they_are_settled(store: Store) -> None:
    """A query over all datasets compares each with its own revision; the ids then stand."""
    other = store.create_dataset("blood").version()
    (commit,) = play(other, [{1: 1}])
    dataset = store.create_dataset("cells")
    with pytest.raises(QueryError, match="has no version"):
        commit_or_snapshot(store.handle, dataset.id, commit[:12])
    assert commit_or_snapshot(store.handle, dataset.id, commit).hex() == commit


def test_names_are_settled_everywhere_in_a_condition_and_nothing_else() -> None:
    """Below any number of ands, ors and nots."""
    dog = Leaf(Field(Scope.ROI, "label"), Term("dog"))
    node = And((dog, Or((Not(leaf("added", "v1")), leaf("removed", "v2")))))
    asked: list[tuple[str, str]] = []

    def settle(dataset_id: str, text: str) -> str:
        asked.append((dataset_id, text))
        return text.upper()

    condition = Condition(frame=node, no_rois=True)
    assert sorted(revisions_of(condition)) == ["v1", "v2"]
    found = settled(condition, "d", settle)
    assert found == Condition(
        frame=And((dog, Or((Not(leaf("added", "V1")), leaf("removed", "V2"))))), no_rois=True
    )
    assert sorted(asked) == [("d", "v1"), ("d", "v2")]
    assert settled(Condition(frame=dog), "d", settle) == Condition(frame=dog)


DOG = Leaf(Field(Scope.ROI, "label", exact=True), Term("dog"))
nodes = st.recursive(
    st.just(DOG) | st.builds(leaf, st.sampled_from(PATHS), st.sampled_from(["0", "1", "side"])),
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, max_size=3).map(lambda parts: And(tuple(parts)))
        | st.lists(inner, max_size=3).map(lambda parts: Or(tuple(parts)))
    ),
    max_leaves=6,
)


def named(node: Node) -> list[tuple[str, str]]:
    """Return path and revision of each leaf that compares."""
    if isinstance(node, Leaf):
        test = node.test
        return [(node.field.path, test.revision)] if isinstance(test, Since) else []
    parts = (node.part,) if isinstance(node, Not) else node.parts
    return [pair for part in parts for pair in named(part)]


def holds(node: Node, of: dict[tuple[str, str], bool], *, is_dog: bool) -> bool:
    """Evaluate a condition of one frame, told what each of its leaves comes to."""
    if isinstance(node, Leaf):
        if not isinstance(node.test, Since):
            return is_dog
        return of[node.field.path, node.test.revision]
    if isinstance(node, Not):
        return not holds(node.part, of, is_dog=is_dog)
    found = (holds(part, of, is_dog=is_dog) for part in node.parts)
    return all(found) if isinstance(node, And) else any(found)


@given(node=nodes, steps=edits, roi=st.booleans())
def test_conditions_that_compare_are_what_they_say_frame_by_frame(
    tmp_path_factory: pytest.TempPathFactory,
    node: Node,
    steps: list[dict[int, int | None]],
    roi: bool,
) -> None:
    """With other conditions and below nots; a frame is one of the version, or one that went."""
    with hyperstore.init(tmp_path_factory.mktemp("since") / "store") as store:
        dataset = store.create_dataset("cells")
        draft = dataset.version()
        play(draft, [{1: 0, 2: 1, 3: 2}, *steps])
        line = [info.id for info in draft.log()][::-1]
        draft.tag("0", line[0])
        draft.tag("1", line[len(line) // 2])
        side = dataset.create_version("side", commit=line[0])
        play(side, [{1: None, 7: 2}])
        view = draft.view()
        old = {
            name: {one.id: one for one in draft.at(commit)}
            for name, commit in (("0", line[0]), ("1", line[len(line) // 2]), ("side", side.head))
            if commit is not None
        }
        now = {one.id: one for one in view}
        asked = {revision for path, revision in named(node) if path == "removed"}
        domain = [*now.values()]
        domain += [
            one for name in sorted(asked) for key, one in old[name].items() if key not in now
        ]
        wanted = set()
        for one in domain:
            is_dog = one.metadata["number"] == 2
            of = {}
            for name, frames in old.items():
                held = frames.get(one.id)
                here = now.get(one.id)
                same = held is not None and held.to_dict() == one.to_dict()
                of["added", name] = here is not None and held is None
                of["changed", name] = here is not None and held is not None and not same
                of["removed", name] = here is None and same
            if holds(node, of, is_dog=is_dog) and (is_dog or not roi):
                wanted.add((one.id, one.metadata["number"]))
        settle = partial(_settle, store)
        rois = (RoiCondition(DOG),) if roi else ()
        condition = settled(Condition(frame=node, rois=rois), dataset.id, settle)
        whole = Selection(store.handle, [Part(view, condition)])
        found = whole.read(range(len(whole)))
        assert {(one.id, one.metadata["number"]) for one in found} == wanted
        assert whole.counts == [len(found)]
        assert [frame_id for frame_id, _ in whole.entries()] == [one.id for one in found]


def _settle(store: Store, dataset_id: str, text: str) -> str:
    return commit_or_snapshot(store.handle, dataset_id, text).hex()
