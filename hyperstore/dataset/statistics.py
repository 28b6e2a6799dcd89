"""Statistics of a version: labels, annotated frames, types of content.

Equal frames have equal statistics, in any version of any store, so they are remembered by the root
of the tree of frames; those of a version that moved on follow from the ones before by what changed.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from hyperstore.codec import Struct, decoder, field
from hyperstore.dataset.edit import root
from hyperstore.dataset.staging import Staging
from hyperstore.dataset.view import View
from hyperstore.errors import UsageError, a_type
from hyperstore.history.commit import Snapshot
from hyperstore.ids import NodeId, ObjectId
from hyperstore.tree.diff import diff

__all__ = ["Stats", "checked_stats", "stats_of"]

Stats = dict[str, list[dict[str, object]]]
"""`labels`, `frames` and `content_types`, each a list of `{"name", "count"}`."""

_REMEMBERED = 64
_CHUNK = 1_024


class _Source(Struct):
    content_type: str | None = None


class _Roi(Struct):
    label: list[str]


class _Counted(Struct):
    """What of a stored frame is counted; all else is skipped unread."""

    sources: list[_Source]
    rois: list[_Roi] = field(default_factory=list)


class _Counts(NamedTuple):
    labels: Counter[str]
    content_types: Counter[str]


_read = decoder(_Counted)
_known: OrderedDict[NodeId, _Counts] = OrderedDict()


_PARTS = ("labels", "frames", "content_types")


def checked_stats(given: object) -> Stats:
    """Return statistics that somebody gives as plain values; UsageError for what is none."""
    if not isinstance(given, Mapping) or not set(given) <= set(_PARTS):
        raise UsageError(f"override_stats is a dict with {', '.join(_PARTS)}, not {given!a:.100}")
    return {str(part): [_row(part, one) for one in _rows(part, given[part])] for part in given}


def _rows(part: str, given: object) -> Iterable[object]:
    if not isinstance(given, list | tuple):
        raise UsageError(f"override_stats.{part} is a list, not {a_type(given)}")
    return given


def _row(part: str, given: object) -> dict[str, object]:
    if isinstance(given, Mapping) and set(given) == {"name", "count"}:
        name, count = given["name"], given["count"]
        is_text = isinstance(name, str) and not any("\ud800" <= one <= "\udfff" for one in name)
        if is_text and type(count) is int and 0 <= count < 2**63:
            return {"name": name, "count": count}
    raise UsageError(
        f'override_stats.{part} holds {{"name": a str, "count": a whole number}}, not '
        f"{given!a:.100}"
    )


def stats_of(view: View, near: NodeId | None) -> Stats:
    """Return the statistics of a view; `near` is the root of frames that it may have come from."""
    snapshot = view.snapshot
    counts = _counts(view, near)
    return {
        "labels": _listed(counts.labels),
        "frames": [
            {"name": "annotated", "count": snapshot.totals.annotated},
            {"name": "unannotated", "count": snapshot.count - snapshot.totals.annotated},
        ],
        "content_types": _listed(counts.content_types),
    }


def _listed(counter: Counter[str]) -> list[dict[str, object]]:
    """Return the counts, the most frequent first, then by name."""
    ordered = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    return [{"name": name, "count": count} for name, count in ordered]


def _counts(view: View, near: NodeId | None) -> _Counts:
    snapshot = view.snapshot
    wanted = root(snapshot, "frames")
    found = _known.get(wanted)
    if found is None:
        before = None if near is None else _known.get(near)
        if near is not None and before is not None:
            found = _moved_on(view.staging, before, near, snapshot)
        else:
            found = _Counts(Counter(), Counter())
            _count(found, (payload for _, payload in view.payloads()), +1)
    _known[wanted] = found
    _known.move_to_end(wanted)
    while len(_known) > _REMEMBERED:
        _known.popitem(last=False)
    return found


def _moved_on(staging: Staging, before: _Counts, near: NodeId, now: Snapshot) -> _Counts:
    found = _Counts(Counter(before.labels), Counter(before.content_types))
    changes = diff(staging.nodes, near, root(now, "frames"))
    while chunk := list(islice(changes, _CHUNK)):
        _count(found, _payloads(staging, (old for _, old, _ in chunk)), -1)
        _count(found, _payloads(staging, (new for _, _, new in chunk)), +1)
    return _Counts(+found.labels, +found.content_types)


def _payloads(staging: Staging, ids: Iterable[bytes | None]) -> Iterator[bytes]:
    wanted = [ObjectId(one) for one in ids if one is not None]
    payloads = staging.frames(wanted)
    return (payloads[one] for one in wanted)


def _count(found: _Counts, payloads: Iterable[bytes], sign: int) -> None:
    for payload in payloads:
        frame = _read(payload, what="frame")
        for source in frame.sources:
            if source.content_type is not None:
                found.content_types[source.content_type] += sign
        for roi in frame.rois:
            for label in set(roi.label):
                found.labels[label] += sign
