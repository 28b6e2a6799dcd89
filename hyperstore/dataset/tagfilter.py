"""The little language that chooses by tags.

A list of tags wants any of them. `-label` wants it absent. `__$all`, `__$and` and `__$or` say how
the tags that follow are joined, each beginning a group of its own, and the groups must all hold.
`__$not` turns the next tag round: `["__$all", "a", "b", "__$or", "c", "__$not", "d"]` is a and b
and (c or not d).
"""

from collections.abc import Callable, Collection, Iterable, Sequence

from hyperstore.dataset.arguments import nearest
from hyperstore.errors import UsageError, a_type

__all__ = ["TagFilter"]

_JOINS: dict[str, Callable[[Iterable[bool]], bool]] = {
    "__$all": all,
    "__$and": all,
    "__$any": any,
    "__$or": any,
}
_NOT = "__$not"


class TagFilter:
    """Which sets of tags are wanted. UsageError for what the language does not say."""

    def __init__(self, words: Sequence[str]) -> None:
        if isinstance(words, str) or not isinstance(words, Collection):
            raise UsageError(f"tags come as a list, not as {a_type(words)}")
        self._groups: list[tuple[Callable[[Iterable[bool]], bool], list[tuple[str, bool]]]] = []
        self._unwanted: set[str] = set()
        join: Callable[[Iterable[bool]], bool] = any
        group: list[tuple[str, bool]] = []
        negated = False
        for word in words:
            if not isinstance(word, str):
                raise UsageError(f"a tag is a str, not {a_type(word)}")
            if negated and (word in _JOINS or word == _NOT):
                raise UsageError(f"{_NOT} comes before a tag, not before {word!a}")
            if word in _JOINS:
                self._close(join, group)
                join, group = _JOINS[word], []
            elif word == _NOT:
                negated = True
            elif word.startswith("__$"):
                known = nearest(word, [*_JOINS, _NOT])
                raise UsageError(f"{word!a} joins no tags; there are: {known}")
            elif word.startswith("-") and not negated:
                self._unwanted.add(word[1:])
            else:
                group.append((word, not negated))
                negated = False
        if negated:
            raise UsageError(f"{_NOT} comes before a tag, and none follows")
        self._close(join, group)

    def _close(self, join: Callable[[Iterable[bool]], bool], group: list[tuple[str, bool]]) -> None:
        if group:
            self._groups.append((join, group))

    def matches(self, labels: Collection[str]) -> bool:
        """Return whether tags are wanted."""
        return self._unwanted.isdisjoint(labels) and all(
            join((label in labels) is wanted for label, wanted in group)
            for join, group in self._groups
        )
