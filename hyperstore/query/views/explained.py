"""How a view is answered: what each of its queries asks, what was read for it, how long that took.

To explain is to ask: the figures are those of the answer that was given for it, which a second
question finds warmer.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from hyperstore.dataset.handle import Handle
from hyperstore.errors import count_of
from hyperstore.query.index.columnanswers import Costs
from hyperstore.query.index.frameindex import FrameIndex
from hyperstore.query.language.condition import (
    EVERYTHING,
    Condition,
    Leaf,
    Node,
    Not,
    Range,
    Scope,
)
from hyperstore.query.language.writer import text_of
from hyperstore.query.versionsets.changes import since
from hyperstore.query.versionsets.parts import EVERY_FRAME, Part
from hyperstore.query.versionsets.versionset import version_set
from hyperstore.query.views.versions import title_of

__all__ = ["Explained", "ExplainedPart", "explained"]


@dataclass(frozen=True, slots=True)
class ExplainedPart:
    """One query, asked of one version."""

    query: int  # Its number, from 0.
    version: str
    asks: tuple[str, ...]  # In canonical text; nothing where all frames fit.
    fields: tuple[str, ...]  # Those of which columns of the index are read.
    empty: tuple[str, ...]  # Ranges that end before they begin.
    frames: int  # Of the version.
    count: int  # Of those that fit.
    ms: float
    columns: int
    column_bytes: int
    frames_decoded: int  # One by one, where the index has no answer.
    objects_indexed: int  # What had come since the index was asked last.


@dataclass(frozen=True, slots=True)
class Explained:
    """All parts of a view; printed, it is a table of text."""

    count: int
    parts: tuple[ExplainedPart, ...]

    def to_dict(self) -> dict[str, object]:
        """Return it as plain data."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [count_of(self.count, "frame")]
        for part in self.parts:
            said = f"query {part.query} of {part.version}: {part.count:,} of {part.frames:,}"
            read = [f"{count_of(part.columns, 'column')} of {part.column_bytes:,} bytes"]
            if part.frames_decoded:
                read.append(f"{count_of(part.frames_decoded, 'frame')} decoded")
            if part.objects_indexed:
                read.append(f"{count_of(part.objects_indexed, 'object')} indexed first")
            lines += [said, *(f"  {one}" for one in part.asks)]
            lines += [f"  {one} ends before it begins: nothing fits it" for one in part.empty]
            lines.append(f"  {part.ms:.1f} ms: {', '.join(read)}")
        return "\n".join(lines)


def explained(
    handle: Handle, parts: Sequence[Part], queries: Sequence[int], count: int
) -> Explained:
    """Ask each part anew; `queries` are the numbers of theirs."""
    return Explained(
        count, tuple(_part(handle, part, at) for part, at in zip(parts, queries, strict=True))
    )


def _part(handle: Handle, part: Part, query: int) -> ExplainedPart:
    costs = Costs()
    start = time.perf_counter()
    members = version_set(handle, part.view.snapshot).members
    count = len(members)
    if part.condition != EVERY_FRAME:
        revised = since(handle, part.view, part.condition)
        index = FrameIndex.of(handle)
        count = len(index.find(part.condition, members | revised.removed, revised.given))
        costs = index.costs
    ms = (time.perf_counter() - start) * 1000
    return ExplainedPart(
        query=query,
        version=title_of(handle, part.view.home),
        asks=tuple(_asks(part.condition)),
        fields=tuple(sorted(set(_fields(part.condition)))),
        empty=tuple(dict.fromkeys(_empty_ranges(part.condition))),
        frames=len(part.view),
        count=count,
        ms=ms,
        columns=costs.columns,
        column_bytes=costs.column_bytes,
        frames_decoded=costs.frames_decoded,
        objects_indexed=costs.objects_indexed,
    )


def _asks(condition: Condition) -> Iterator[str]:
    """Yield what is asked, part by part."""
    if condition.frame != EVERYTHING:
        yield f"frame: {text_of(condition.frame, Scope.FRAME)}"
    if condition.source is not None:
        yield f"source: {text_of(condition.source, Scope.SOURCE)}"
    for rule in condition.rois:
        least, most = rule.count
        said = f"ROI: {'*' if rule.node == EVERYTHING else text_of(rule.node, Scope.ROI)}"
        if rule.confidence is not None:
            said += ", confidence {:g} to {:g}".format(*rule.confidence)
        if rule.must_not:
            yield f"no {said}"
        elif (least, most) == (1, None):
            yield said
        else:
            yield f"{said}, {least} to {'any number' if most is None else most} of them"
    if condition.no_rois:
        yield "no ROI at all"


def _leaves(condition: Condition) -> Iterator[tuple[Leaf, Scope]]:
    """Yield what is asked of single fields, each with the scope that it is asked in."""
    nodes: list[tuple[Node, Scope]] = [(condition.frame, Scope.FRAME)]
    nodes += [(rule.node, Scope.ROI) for rule in condition.rois]
    nodes += [] if condition.source is None else [(condition.source, Scope.SOURCE)]
    while nodes:
        node, scope = nodes.pop()
        if isinstance(node, Leaf):
            yield node, scope
        elif isinstance(node, Not):
            nodes.append((node.part, scope))
        else:
            nodes += [(one, scope) for one in node.parts]


def _empty_ranges(condition: Condition) -> Iterator[str]:
    """Yield ranges between whose ends nothing lies: Lucene takes them, and finds nothing."""
    for leaf, scope in _leaves(condition):
        test = leaf.test
        if not isinstance(test, Range) or test.low is None or test.high is None:
            continue
        if test.low > test.high:  # type: ignore[operator]  # Both are of one type.
            yield text_of(leaf, scope)


def _fields(condition: Condition) -> Iterator[str]:
    for leaf, _ in _leaves(condition):
        field = leaf.field
        prefix = "" if field.scope is Scope.FRAME else f"{field.scope}s."
        yield prefix + field.path
    if any(rule.confidence is not None for rule in condition.rois):
        yield "rois.confidence"
