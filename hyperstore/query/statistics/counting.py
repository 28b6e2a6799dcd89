"""Counts frames that come in the order of iteration, for statistics.

Every number is exact. Frames are decoded no further than is counted and none is kept, so memory is
bounded however many there are: by the number of names, beyond which names are counted together.
"""

import heapq
import math
from collections import Counter
from collections.abc import Collection
from itertools import combinations
from typing import TypeVar

from hyperstore.codec import Raw, Struct, decoder, field
from hyperstore.frames import geometry
from hyperstore.frames.geometry import Num, kind_of
from hyperstore.frames.records import GROUP, Number
from hyperstore.frames.roots import Roots
from hyperstore.limits import (
    POLY_SENTINEL,
    STATS_CHUNK,
    STATS_CONTEXTS_KEPT,
    STATS_NAMES_MAX,
    STATS_PAIRED_MAX,
    STATS_PAIRS_MAX,
    STATS_SIZE_MAX,
)
from hyperstore.query.statistics.report import ContextCount, LabelCount, SourceCount, Statistics
from hyperstore.query.statistics.tally import Measure, Names

__all__ = ["Tally"]

_Name = TypeVar("_Name", str, tuple[str, str])

_SIDES = tuple(float(2**power) for power in range(2, 13))
_AREAS = tuple(edge * edge for edge in _SIDES)
_ASPECTS = (0.125, 0.25, 0.5, 0.8, 1.25, 2.0, 4.0, 8.0)  # The same lying as standing.
_CONFIDENCES = tuple(tenth / 10 for tenth in range(1, 10))
_SMALL, _MEDIUM = 32.0 * 32.0, 96.0 * 96.0


class _Source(Struct):
    id: str
    uri: str
    content_type: str | None = None
    width: int | None = None
    height: int | None = None


class _Roi(Struct):
    label: list[str]
    confidence: float | None = None
    kind: str | None = None
    mask: Raw = Raw()
    poly: list[Number] | None = None
    sources: list[str] | None = None


class _Counted(Struct):
    """What of a stored frame is counted; all else is skipped unread."""

    sources: list[_Source]
    context_id: str | None = None
    kind: str | None = None
    rois: list[_Roi] = field(default_factory=list)


_read = decoder(_Counted)


class _Contexts:
    """Frames a context, of contexts that come one after the other, in the order of their names."""

    def __init__(self) -> None:
        self.count = 0
        self.frames = Measure(_SIDES)
        self._name: tuple[str, bool] | None = None
        self._held = [0, 0]  # Frames and ROIs of the one that goes on.
        self._done: list[int] = []
        self._largest: list[tuple[int, int, str, bool, int]] = []

    def take(self, name: tuple[str, bool], rois: int) -> None:
        """Take one frame; `name` is the context, and whether it is the URI of a source."""
        if self._name is None or name[0] != self._name[0]:
            self._close()
            self._name = name
            self._held = [0, 0]
            self.count += 1
        self._held[0] += 1
        self._held[1] += rois

    def _close(self) -> None:
        if self._name is None:
            return
        frames, rois = self._held
        self._done.append(frames)
        entry = (frames, -self.count, *self._name, rois)  # Of equals the first one stays.
        if len(self._largest) < STATS_CONTEXTS_KEPT:
            heapq.heappush(self._largest, entry)
        else:
            heapq.heappushpop(self._largest, entry)

    def settle(self) -> None:
        """Take what ended since the last time to the others."""
        self.frames.take(self._done)
        self._done = []

    def end(self, roots: Roots) -> list[ContextCount]:
        """Return the largest contexts, the last one that came too."""
        self._close()
        self._name = None
        self.settle()
        return [
            ContextCount(roots.absolute(name) if is_uri else name, frames, rois)
            for frames, _, name, is_uri, rois in sorted(self._largest, reverse=True)
        ]


class _Chunk:
    """What is gathered of some frames before it is counted."""

    def __init__(self) -> None:
        self.roi_labels: list[str] = []
        self.frame_labels: list[str] = []
        self.pairs: list[tuple[str, str]] = []
        self.kinds: list[str] = []
        self.confidences: list[float] = []
        self.boxes: list[tuple[float, float]] = []
        self.frame_sources: list[str] = []
        self.roi_sources: list[str] = []
        self.content_types: list[str] = []
        self.picture_sizes: list[str] = []


class Tally:
    """Counts frames, given as they are stored and in the order of iteration."""

    def __init__(self) -> None:
        self._frames = self._groups = self._annotated = self._rois = self._unlabelled = 0
        self._unmeasured = 0
        self._crowded_pairs = 0  # Of frames with too many labels to tell the pairs apart.
        self._rois_a_frame: Counter[int] = Counter()
        self._roi_labels, self._frame_labels = _named(), _named()
        self._pairs: Names[tuple[str, str]] = Names(STATS_PAIRS_MAX)
        self._kinds, self._content_types, self._picture_sizes = _named(), _named(), _named()
        self._frame_sources, self._roi_sources = _named(), _named()
        self._confidence = Measure(_CONFIDENCES)
        self._width, self._height = Measure(_SIDES), Measure(_SIDES)
        self._area, self._aspect = Measure(_AREAS), Measure(_ASPECTS)
        self._sizes = dict.fromkeys(("small", "medium", "large"), 0)
        self._contexts = _Contexts()
        self._chunk, self._in_chunk = _Chunk(), 0

    def add(self, payload: bytes, only: Collection[int] | None = None) -> None:
        """Count one frame; of its ROIs those at the positions `only`, where these are given."""
        frame = _read(payload, what="frame")
        rois = frame.rois
        if only is not None:
            rois = [roi for at, roi in enumerate(rois) if at in only]
        self._frames += 1
        self._groups += frame.kind == GROUP
        self._annotated += bool(rois)
        self._rois += len(rois)
        self._rois_a_frame[len(rois)] += 1
        first = frame.sources[0].uri
        context = (first, True) if frame.context_id is None else (frame.context_id, False)
        self._contexts.take(context, len(rois))
        self._gather_sources(frame.sources)
        self._gather_rois(rois)
        self._in_chunk += 1
        if self._in_chunk >= STATS_CHUNK or len(self._chunk.kinds) >= 16 * STATS_CHUNK:
            self._settle()

    def _gather_sources(self, sources: list[_Source]) -> None:
        chunk = self._chunk
        chunk.frame_sources += {source.id for source in sources}
        for source in sources:
            if source.content_type is not None:
                chunk.content_types.append(source.content_type)
            if source.width is not None and source.height is not None:
                chunk.picture_sizes.append(f"{source.width} x {source.height}")

    def _gather_rois(self, rois: list[_Roi]) -> None:
        chunk = self._chunk
        labels: set[str] = set()
        for roi in rois:
            own = roi.label if len(roi.label) == 1 else sorted(set(roi.label))
            if own:
                chunk.roi_labels += own
                labels.update(own)
            else:
                self._unlabelled += 1
            if roi.confidence is not None:
                chunk.confidences.append(roi.confidence)
            kind = kind_of(roi.kind, has_poly=roi.poly is not None, has_mask=bool(roi.mask))
            chunk.kinds.append(kind)
            box = _box(kind, roi.poly) if roi.poly else None
            if box is None:
                self._unmeasured += 1
            else:
                chunk.boxes.append(box)
            if roi.sources:
                chunk.roi_sources += roi.sources
        if len(labels) > STATS_PAIRED_MAX:
            self._crowded_pairs += len(labels) * (len(labels) - 1) // 2
        elif len(labels) > 1:
            chunk.pairs += combinations(sorted(labels), 2)
        chunk.frame_labels += labels

    def _settle(self) -> None:
        """Count what was gathered, many at a time, which is quicker by far."""
        chunk = self._chunk
        self._chunk, self._in_chunk = _Chunk(), 0
        # Frames have labels in no order; which names are counted should not depend on luck.
        self._frame_labels.take(sorted(chunk.frame_labels))
        self._frame_sources.take(sorted(chunk.frame_sources))
        self._roi_labels.take(sorted(chunk.roi_labels))
        self._roi_sources.take(sorted(chunk.roi_sources))
        self._pairs.take(chunk.pairs)
        self._kinds.take(chunk.kinds)
        self._content_types.take(chunk.content_types)
        self._picture_sizes.take(chunk.picture_sizes)
        self._confidence.take(chunk.confidences)
        self._contexts.settle()
        self._width.take(width for width, _ in chunk.boxes)
        self._height.take(height for _, height in chunk.boxes)
        areas = [width * height for width, height in chunk.boxes]
        self._area.take(areas)
        small, not_large = (sum(area < bound for area in areas) for bound in (_SMALL, _MEDIUM))
        self._sizes["small"] += small
        self._sizes["medium"] += not_large - small
        self._sizes["large"] += len(areas) - not_large
        self._aspect.take(width / height for width, height in chunk.boxes if width and height)

    def result(self, roots: Roots) -> Statistics:
        """Return what was counted; `roots` say where local files lie that give contexts a name."""
        self._settle()
        frames = self._frame_labels.counts
        in_rois = self._roi_sources.counts
        confidence = self._confidence.spread()
        return Statistics(
            frames=self._frames,
            groups=self._groups,
            annotated=self._annotated,
            rois=self._rois,
            unlabelled=self._unlabelled,
            labels=[
                LabelCount(name, rois, frames[name])
                for name, rois in _ranked(self._roi_labels.counts)
            ],
            pairs=[(*pair, count) for pair, count in _ranked(self._pairs.counts)],
            kinds=dict(_ranked(self._kinds.counts)),
            rois_a_frame=dict(sorted(self._rois_a_frame.items())),
            confidence=confidence,
            unsure=self._rois - confidence.count,
            width=self._width.spread(),
            height=self._height.spread(),
            area=self._area.spread(),
            aspect=self._aspect.spread(),
            sizes=dict(self._sizes),
            unmeasured=self._unmeasured,
            largest_contexts=self._contexts.end(roots),
            contexts=self._contexts.count,
            context_frames=self._contexts.frames.spread(),
            sources=[
                SourceCount(name, count, in_rois[name])
                for name, count in _ranked(self._frame_sources.counts)
            ],
            content_types=dict(_ranked(self._content_types.counts)),
            picture_sizes=dict(_ranked(self._picture_sizes.counts)),
            others=self._others(),
        )

    def _others(self) -> dict[str, int]:
        found = {
            "labels": self._roi_labels.others,
            "pairs": self._pairs.others + self._crowded_pairs,
            "kinds": self._kinds.others,
            "sources": self._frame_sources.others,
            "content_types": self._content_types.others,
            "picture_sizes": self._picture_sizes.others,
        }
        return {name: count for name, count in found.items() if count}


def _named() -> Names[str]:
    return Names(STATS_NAMES_MAX)


def _ranked(counts: "Counter[_Name]") -> "list[tuple[_Name, int]]":
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _box(kind: str, poly: list[Num]) -> tuple[float, float] | None:
    """Return width and height of the upright box around a shape; None for one without a size."""
    if kind in geometry.FLAT_2D:
        if POLY_SENTINEL in poly:
            _, _, width, height = geometry.bounds(poly)
        else:
            xs, ys = poly[0::2], poly[1::2]
            left, top = min(xs), min(ys)
            width, height = geometry.extent(left, max(xs)), geometry.extent(top, max(ys))
    elif kind == geometry.ELLIPSE and len(poly) == 5:
        _, _, along_x, along_y, angle = poly
        cos, sin = math.cos(angle), math.sin(angle)
        width = 2 * math.hypot(along_x * cos, along_y * sin)
        height = 2 * math.hypot(along_x * sin, along_y * cos)
    else:
        return None
    if not (width <= STATS_SIZE_MAX and height <= STATS_SIZE_MAX):
        return None
    return float(width), float(height)
