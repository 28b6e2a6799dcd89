"""Walks over commits, against slow twins on small graphs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.errors import NotFoundError
from hyperstore.history.ancestry import ancestors, first_parent, is_ancestor, merge_base, walk
from hyperstore.history.commit import Changes, Commit, new_commit
from hyperstore.ids import CommitId, ObjectId, SnapshotId


def _id(number: int) -> CommitId:
    return CommitId(ObjectId(number.to_bytes(32, "big")))


def _graph(parents: list[list[int]], times: list[int] | None = None) -> dict[CommitId, Commit]:
    """Return commits 0, 1, ... where each one's parents are earlier ones."""
    return {
        _id(number): new_commit(
            snapshot=SnapshotId(ObjectId(bytes(32))),
            parents=[_id(one) for one in found],
            place=("d", "v"),
            who="a",
            message="m",
            time_ms=number if times is None else times[number],
            changes=Changes(),
        )
        for number, found in enumerate(parents)
    }


@st.composite
def graphs(draw: st.DrawFn) -> list[list[int]]:
    """Return the parents of up to 12 commits."""
    size = draw(st.integers(1, 12))
    return [
        draw(st.lists(st.integers(0, number - 1), max_size=3, unique=True)) if number else []
        for number in range(size)
    ]


def _slow_ancestors(parents: list[list[int]], number: int) -> set[int]:
    return {number}.union(*(_slow_ancestors(parents, one) for one in parents[number]))


@given(graphs(), st.data())
def test_ancestors_are_all_that_parents_lead_to(
    parents: list[list[int]], data: st.DataObject
) -> None:
    """Collecting and transferring follow the same walk."""
    number = data.draw(st.integers(0, len(parents) - 1))
    graph = _graph(parents)
    found = list(ancestors(graph.__getitem__, [_id(number)]))
    assert sorted(found) == [_id(one) for one in sorted(_slow_ancestors(parents, number))]


@given(graphs(), st.data())
def test_a_walk_shows_each_commit_once_and_parents_after_a_child(
    parents: list[list[int]], data: st.DataObject
) -> None:
    """A log may not repeat itself, whatever the clocks said."""
    times = data.draw(st.lists(st.integers(0, 5), min_size=len(parents), max_size=len(parents)))
    graph = _graph(parents, times)
    head = len(parents) - 1
    shown = [one for one, _ in walk(graph.__getitem__, [_id(head)])]
    assert sorted(shown) == [_id(one) for one in sorted(_slow_ancestors(parents, head))]
    for place, commit_id in enumerate(shown[1:], 1):
        assert any(commit_id in graph[before].parents for before in shown[:place])


@given(graphs(), st.data())
def test_a_merge_base_is_a_common_ancestor_that_no_other_one_descends_from(
    parents: list[list[int]], data: st.DataObject
) -> None:
    """A worse base would show as changed what both sides agree on."""
    one = data.draw(st.integers(0, len(parents) - 1))
    other = data.draw(st.integers(0, len(parents) - 1))
    common = _slow_ancestors(parents, one) & _slow_ancestors(parents, other)
    best = {
        number
        for number in common
        if not any(number in _slow_ancestors(parents, later) for later in common - {number})
    }
    found = merge_base(_graph(parents).__getitem__, _id(one), _id(other))
    assert (found is None) == (not best)
    assert found is None or int.from_bytes(found, "big") in best


def test_is_ancestor_holds_for_a_commit_itself_and_what_it_descends_from() -> None:
    """A fast-forward is allowed exactly then."""
    graph = _graph([[], [0], [1], [0]]).__getitem__
    assert is_ancestor(graph, _id(0), _id(2))
    assert is_ancestor(graph, _id(2), _id(2))
    assert not is_ancestor(graph, _id(3), _id(2))


def test_first_parents_end_with_a_clear_error() -> None:
    """`v1~99` asks for what never was."""
    graph = _graph([[], [0], [1, 0]]).__getitem__
    assert first_parent(graph, _id(2), 2) == _id(0)
    with pytest.raises(NotFoundError, match="newest of 3 commits"):
        first_parent(graph, _id(2), 3)


def test_a_history_of_100_000_commits_is_walked_without_recursion() -> None:
    """A nightly job commits for decades."""
    graph = _graph([[number - 1] if number else [] for number in range(100_000)])
    assert sum(1 for _ in walk(graph.__getitem__, [_id(99_999)])) == 100_000
