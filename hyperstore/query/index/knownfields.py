"""Which fields the frames of a store have, and questions that none of them could answer.

A key of metadata that nobody ever wrote is a slip of the pen, and so is a range of another type
than all values have. Both are told before anything is looked up, with what there is.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import datetime

from hyperstore.errors import QueryError, nearest
from hyperstore.limits import QUERY_PATTERNS_MAX
from hyperstore.query.index.extractor import STORED_CONTEXT
from hyperstore.query.index.segment import Segment
from hyperstore.query.language.condition import (
    Condition,
    Exists,
    Leaf,
    Node,
    Not,
    Range,
    Regex,
    Scope,
    Wildcard,
)
from hyperstore.query.language.fields import typed

__all__ = ["Fields", "check_condition", "fields_of", "leaves_of"]

Fields = Mapping[str, frozenset[str]]
"""Paths with the types that values have there: string, number, boolean and date.

A `list` is one of so many values that they are not in the index.
"""

_SHOWN = 20  # Of the keys that exist.


def fields_of(segments: Iterable[Segment], scope: Scope) -> Fields:
    """Return the fields that any frame of the segments has, with the types of their values."""
    found: dict[str, set[str]] = {}
    for segment in segments:
        for path, types in segment.paths(scope):
            found.setdefault("context_id" if path == STORED_CONTEXT else path, set()).update(types)
    return {path: frozenset(found[path]) for path in sorted(found)}


def leaves_of(condition: Condition) -> Iterator[Leaf]:
    """Yield the tests of which a condition consists."""
    yield from _leaves(condition.frame)
    if condition.source is not None:
        yield from _leaves(condition.source)
    for rule in condition.rois:
        yield from _leaves(rule.node)


def check_condition(
    condition: Condition, fields: Mapping[Scope, Fields], partial: Container[str] = ()
) -> None:
    """Raise QueryError for what no frame has, or has of another type only, and for too much.

    Of `partial` scopes not all fields are known, and so none is denied.
    """
    patterns = sum(isinstance(leaf.test, (Wildcard, Regex)) for leaf in leaves_of(condition))
    if patterns > QUERY_PATTERNS_MAX:  # The parser sees each text by itself.
        raise QueryError(
            f"the query and its rules have {patterns:,} wildcards and regular expressions; "
            f"{QUERY_PATTERNS_MAX} are the limit"
        )
    asked = [(condition.frame, Scope.FRAME), *((rule.node, Scope.ROI) for rule in condition.rois)]
    if condition.source is not None:
        asked.append((condition.source, Scope.SOURCE))
    for node, scope in asked:
        for leaf in _leaves(node):
            if leaf.field.scope not in partial:
                _check_leaf(leaf, scope, fields)


def _leaves(node: Node) -> Iterator[Leaf]:
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, Not):
        yield from _leaves(node.part)
    else:
        for part in node.parts:
            yield from _leaves(part)


def _check_leaf(leaf: Leaf, scope: Scope, fields: Mapping[Scope, Fields]) -> None:
    field, test = leaf.field, leaf.test
    if isinstance(test, Exists) or not field.path.startswith("meta."):
        return
    known = fields[field.scope]
    path = field.path
    while path:
        if "list" in known.get(path, ()):
            return  # It may be in a list that was too long to be looked through.
        path = path.rpartition(".")[0]
    types = known.get(field.path)
    name = typed(field, scope)
    if types is None:
        keys = [path for path in known if path.startswith("meta.")]
        whose = {Scope.FRAME: "frames", Scope.ROI: "ROIs", Scope.SOURCE: "sources"}[field.scope]
        there = f"have: {nearest(field.path, keys, _SHOWN)}" if keys else "have no keys"
        raise QueryError(f"no frame here has {name!a}; metadata of {whose} {there}")
    if isinstance(test, Range):
        wanted = _type(test)
        if wanted is not None and wanted not in types:
            raise QueryError(
                f"{name} is compared with a {wanted}, and its values here are: "
                f"{', '.join(sorted(types))}"
            )


def _type(test: Range) -> str | None:
    """Return the type of value that a range can hold."""
    bound = test.high if test.low is None else test.low
    if bound is None:
        return None
    if isinstance(bound, datetime):
        return "date"
    return "string" if isinstance(bound, str) else "number"
