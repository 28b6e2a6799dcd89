"""Whether one frame is what is asked for, by reading its record.

What an index answers for many frames at once is answered here for one; both ask `valuetests.py`
which values pass, and differ in how they come by the values:

- Of metadata the values at a path are all scalars that lie there: names of maps are joined by dots
  (so `meta.a.b` finds `b` in `a`, and a name `a.b`), lists are walked at every level, null is no
  value. Asking whether there are any asks for those under the path as well; `meta` is all of them.
- A group's metadata hold those of its members under their names, as on the wire.
- `context_id` and `timestamp` are as a reader gets them: those of the first source where unset, and
  a time of 0 where that has none. `kind` is `frame` or `group`.
- URIs are as a reader sees them, `file:///...` for local files, which their path finds as well.
- The `kind` of an ROI is as what it is read, which follows from its shape where it says none.
- An ROI without a confidence has no value; only the range of an `RoiCondition` counts it as 1.0.
- In the query of a frame, each leaf about ROIs or sources holds if it does of any of them.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias, TypeVar

from hyperstore.errors import QueryError
from hyperstore.frames.geometry import kind_of
from hyperstore.frames.records import (
    FRAME,
    MaskRecord,
    PreviewRecord,
    RoiRecord,
    SourceRecord,
    WholeRecord,
)
from hyperstore.frames.roots import Roots
from hyperstore.frames.wire import FIRST_MASK
from hyperstore.query.language.condition import (
    And,
    Condition,
    Exists,
    Field,
    Leaf,
    Node,
    Not,
    Or,
    RoiCondition,
    Scope,
    Since,
)
from hyperstore.query.language.fields import ROIS
from hyperstore.query.language.valuetests import passes, uri_forms

__all__ = ["matches", "matching_rois"]

_T = TypeVar("_T")
_Given: TypeAlias = Mapping[Leaf, bool]
_Check: TypeAlias = Callable[[_T, Roots, _Given], bool]
_Reading: TypeAlias = Callable[[_T, Roots], Iterable[object]]
_Roi: TypeAlias = Callable[[RoiRecord, Roots], bool]

_NOTHING_GIVEN: _Given = {}


def matches(
    condition: Condition, record: WholeRecord, roots: Roots, given: _Given = _NOTHING_GIVEN
) -> bool:
    """Tell whether a stored frame is what is asked for.

    `given` answers the leaves that ask for the story of a frame (`Since`); one that it does not
    answer is a QueryError.
    """
    rois = record.rois or []
    if condition.no_rois and rois:
        return False
    plan = _plan(condition)
    if not plan.frame(record, roots, given):
        return False
    source = plan.source
    if source is not None and not any(source(one, roots, given) for one in record.sources):
        return False
    for rule, fits in plan.rules:
        found = sum(fits(roi, roots) for roi in rois)
        least, most = (0, 0) if rule.must_not else rule.count
        if found < least or (most is not None and found > most):
            return False
    return True


def matching_rois(condition: Condition, record: WholeRecord, roots: Roots) -> list[int]:
    """Return the positions of the ROIs that fit any rule but those with `must_not`.

    All of them where there is no such rule.
    """
    rois = record.rois or []
    rules = [fits for rule, fits in _plan(condition).rules if not rule.must_not]
    return [
        at for at, roi in enumerate(rois) if not rules or any(fits(roi, roots) for fits in rules)
    ]


class _Plan:
    """The checks that a condition comes down to."""

    def __init__(self, condition: Condition) -> None:
        self.frame = _check(condition.frame, _frame_leaf)
        node = condition.source
        self.source = None if node is None else _check(node, _source_leaf)
        self.rules = [(rule, _rule(rule)) for rule in condition.rois]


@functools.lru_cache(maxsize=64)
def _plan(condition: Condition) -> _Plan:
    return _Plan(condition)


def _rule(rule: RoiCondition) -> _Roi:
    check = _check(rule.node, _roi_leaf)
    if rule.confidence is None:
        return lambda roi, roots: check(roi, roots, _NOTHING_GIVEN)
    low, high = rule.confidence

    def fits(roi: RoiRecord, roots: Roots) -> bool:
        confidence = 1.0 if roi.confidence is None else roi.confidence
        return low <= confidence <= high and check(roi, roots, _NOTHING_GIVEN)

    return fits


def _check(node: Node, leaf_check: Callable[[Leaf], _Check[_T]]) -> _Check[_T]:
    """Return what tells of one thing whether a node holds."""
    if isinstance(node, Leaf):
        return leaf_check(node)
    if isinstance(node, Not):
        part = _check(node.part, leaf_check)
        return lambda thing, roots, given: not part(thing, roots, given)
    parts = [_check(part, leaf_check) for part in node.parts]
    if isinstance(node, And):
        if len(parts) == 2:  # As most have: without a loop, and a frame of Python for it.
            one, other = parts
            return lambda thing, roots, given: (
                one(thing, roots, given) and other(thing, roots, given)
            )
        return lambda thing, roots, given: all(part(thing, roots, given) for part in parts)
    assert isinstance(node, Or)
    return lambda thing, roots, given: any(part(thing, roots, given) for part in parts)


# Leaves, of each thing that a query is about.


def _frame_leaf(leaf: Leaf) -> _Check[WholeRecord]:
    if isinstance(leaf.test, Since):
        return functools.partial(_given_answer, leaf)
    if leaf.field.scope is Scope.ROI:
        of_roi = _roi_leaf(leaf)
        return lambda record, roots, given: any(
            of_roi(roi, roots, given) for roi in record.rois or ()
        )
    if leaf.field.scope is Scope.SOURCE:
        of_source = _source_leaf(leaf)
        return lambda record, roots, given: any(
            of_source(source, roots, given) for source in record.sources
        )
    return _any_passes(leaf, _frame_values(leaf))


def _given_answer(leaf: Leaf, _: WholeRecord, __: Roots, given: _Given) -> bool:
    found = given.get(leaf)
    if found is None:
        raise QueryError(f"{leaf.field.path!a} is asked of a version, not of one frame")
    return found


def _roi_leaf(leaf: Leaf) -> _Check[RoiRecord]:
    return _any_passes(leaf, _roi_values(_own(leaf, Scope.ROI)))


def _source_leaf(leaf: Leaf) -> _Check[SourceRecord]:
    return _any_passes(leaf, _source_values(_own(leaf, Scope.SOURCE)))


def _own(leaf: Leaf, scope: Scope) -> Leaf:
    if leaf.field.scope is not scope:
        raise QueryError(f"{leaf.field.path!a} is no field of one {scope.value}")
    return leaf


def _any_passes(leaf: Leaf, reading: _Reading[_T]) -> _Check[_T]:
    fits = passes(leaf)
    return lambda thing, roots, _: any(map(fits, reading(thing, roots)))


# Values of fields, by their names.


def _frame_values(leaf: Leaf) -> _Reading[WholeRecord]:
    path = leaf.field.path
    if path == "id":
        return lambda record, _: _one(record.id)
    if path == "context_id":
        return lambda record, roots: _one(
            roots.absolute(record.sources[0].uri)
            if record.context_id is None
            else record.context_id
        )
    if path == "timestamp":
        return lambda record, _: (
            (record.sources[0].timestamp or 0) if record.timestamp is None else record.timestamp,
        )
    if path == "kind":
        return lambda record, _: (record.kind or FRAME,)
    if path == ROIS:
        return lambda record, _: (True,) if record.rois else ()
    return _of_meta(leaf, lambda record: record.meta)


def _roi_values(leaf: Leaf) -> _Reading[RoiRecord]:
    path = leaf.field.path
    if path == "label":
        return lambda roi, _: roi.label
    if path == "confidence":
        return lambda roi, _: _one(roi.confidence)
    if path == "id":
        return lambda roi, _: _one(roi.id)
    if path == "kind":
        return lambda roi, _: (
            kind_of(roi.kind, has_poly=roi.poly is not None, has_mask=roi.mask is not None),
        )
    if path == "annotation_id":
        return lambda roi, _: _one(roi.annotation_id)
    if path == "sources":
        return lambda roi, _: roi.sources or ()
    if path == "mask.id":
        return lambda roi, _: () if roi.mask is None else (roi.mask.id or FIRST_MASK,)
    if path == "mask.value":
        return lambda roi, _: () if roi.mask is None else roi.mask.value
    return _of_meta(leaf, lambda roi: roi.meta)


def _source_values(leaf: Leaf) -> _Reading[SourceRecord]:
    owner, _, name = leaf.field.path.rpartition(".")
    if leaf.field.path.startswith("meta"):
        return _of_meta(leaf, lambda source: source.meta)
    of_one = _picture_values(leaf.field, name)
    if owner == "preview":
        return lambda source, roots: () if source.preview is None else of_one(source.preview, roots)
    if owner == "masks":
        return lambda source, roots: [
            value for mask in source.masks or () for value in of_one(mask, roots)
        ]
    return of_one


_Picture: TypeAlias = SourceRecord | MaskRecord | PreviewRecord


def _picture_values(field: Field, name: str) -> _Reading[_Picture]:
    if name == "uri":
        return lambda one, roots: uri_forms(roots.absolute(one.uri)) if one.uri else ()
    if name == "content_type":
        return lambda one, _: _one(one.content_type)
    if name == "width":
        return lambda one, _: _one(one.width)
    if name == "height":
        return lambda one, _: _one(one.height)
    if name == "timestamp":
        return lambda one, _: _one(one.timestamp)
    if name == "id":
        return lambda one, _: () if isinstance(one, PreviewRecord) else (one.id,)
    raise QueryError(f"there is no field {field.path!a} of {field.scope.value}s")


def _one(value: object) -> tuple[object, ...]:
    return () if value is None else (value,)


# Metadata.


def _of_meta(leaf: Leaf, meta_of: Callable[[_T], Mapping[str, object] | None]) -> _Reading[_T]:
    """Return what reads the values at the leaf's path, and under it where it asks for any."""
    path, deep = leaf.field.path, isinstance(leaf.test, Exists)
    if path == "meta":
        return lambda thing, _: _scalars(meta_of(thing), deep)
    start, dot, rest = path.partition(".")
    if start != "meta" or not dot:
        raise QueryError(f"there is no field {path!a} of {leaf.field.scope.value}s")
    return lambda thing, _: _at(meta_of(thing), rest, deep)


def _at(held: object, rest: str, deep: bool) -> Iterator[object]:
    """Yield the scalars at a path within a value."""
    if isinstance(held, dict):
        if rest in held:
            yield from _scalars(held[rest], deep)
        if "." in rest:
            for name, inner in held.items():
                if rest.startswith(name) and rest[len(name) : len(name) + 1] == ".":
                    yield from _at(inner, rest[len(name) + 1 :], deep)
        if deep:
            # `a.b` lies under `a`, however that is written.
            for name, inner in held.items():
                if name.startswith(rest) and name[len(rest) : len(rest) + 1] == ".":
                    yield from _scalars(inner, deep)
    elif isinstance(held, list):
        for inner in held:
            yield from _at(inner, rest, deep)


def _scalars(held: object, deep: bool) -> Iterator[object]:
    if isinstance(held, list):
        for inner in held:
            yield from _scalars(inner, deep)
    elif isinstance(held, dict):
        for inner in held.values() if deep else ():
            yield from _scalars(inner, deep)
    elif held is not None:
        yield held
