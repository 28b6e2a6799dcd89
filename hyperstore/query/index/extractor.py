"""From stored frames to the columns of one segment, by one decode of each frame that skips shapes.

Decoded frames are gathered in batches, and each field of a batch is taken in one step: most fields
are there in all ROIs of a batch, with values of one type.

What a frame answers when it is read is what is taken in: a time that nobody gave is that of the
first source, and so on. Local URIs stay as they are stored, relative to their roots, since a root
may move; the context of a frame that has none is the URI of its first source, and so lies in a
column of its own.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import TypeVar

from hyperstore.codec import Raw, Struct, decoder
from hyperstore.errors import CorruptError, FrameError
from hyperstore.frames.geometry import kind_of
from hyperstore.frames.keys import frame_key, order_key
from hyperstore.frames.wire import FIRST_MASK
from hyperstore.ids import ObjectId
from hyperstore.limits import (
    INDEX_ANCHORS,
    INDEX_BATCH,
    INDEX_COLUMNS_MAX,
    INDEX_LIST_MAX,
    INDEX_POSITIONS_MAX,
    INDEX_TEXT_BYTES,
)
from hyperstore.query.index.columnbuilder import Gathered, Words
from hyperstore.query.index.layout import BLOCK, set_bytes
from hyperstore.query.index.segment import ORDERS, SegmentWriter
from hyperstore.query.language.condition import Field, Scope
from hyperstore.query.language.fields import analysed
from hyperstore.query.language.literals import instant

__all__ = ["STORED_CONTEXT", "Extractor"]

STORED_CONTEXT = "context_id of the source"
"""The path of the column of contexts that nobody gave: stored URIs."""

_T = TypeVar("_T")

_FRAME, _ROI, _SOURCE = Scope.FRAME.value, Scope.ROI.value, Scope.SOURCE.value
_AS_CAME = {(_ROI, "id")}
_DISTINCT = {(_FRAME, "id"), (_SOURCE, "uri"), (_FRAME, STORED_CONTEXT)}


class _Mask(Struct, gc=False):
    id: str
    value: list[int | float]


class _Roi(Struct, gc=False):
    label: list[str]
    annotation_id: str | int | None = None
    confidence: float | None = None
    id: str | None = None
    kind: str | None = None
    mask: _Mask | None = None
    meta: dict[str, object] | None = None
    poly: Raw = Raw()
    sources: list[str] | None = None


class _Picture(Struct, gc=False):
    uri: str
    content_type: str | None = None
    height: int | None = None
    id: str | None = None
    timestamp: int | None = None
    width: int | None = None


class _Source(Struct, gc=False):
    id: str
    uri: str
    content_type: str | None = None
    height: int | None = None
    masks: list[_Picture] | None = None
    meta: dict[str, object] | None = None
    preview: _Picture | None = None
    timestamp: int | None = None
    width: int | None = None


class _Frame(Struct, gc=False):
    id: str
    kind: str
    sources: list[_Source]
    context_id: str | None = None
    meta: dict[str, object] | None = None
    rois: list[_Roi] | None = None
    timestamp: int | None = None


_read = decoder(_Frame)


class Extractor:
    """The columns of one segment while it is built. Give it frames by rising sequence number."""

    def __init__(self, words: Words) -> None:
        self.frames = array("I")  # Slots.
        self.anchors: list[tuple[int, bytes]] = []
        self.written_ms = 0  # When the row of the last number was written.
        self.text_bytes = 0
        self._words = words
        self._columns: dict[tuple[str, str], Gathered] = {}
        self._left_out: set[int] = set()
        self._partial: set[str] = set()
        self._rois, self._sources = array("I"), array("I")
        self._orders: list[bytes] = []
        self._batch: list[_Frame] = []

    @property
    def is_full(self) -> bool:
        """Whether what is gathered takes as much memory as it may."""
        return self.text_bytes >= INDEX_TEXT_BYTES

    def add(self, sequence: int, oid: ObjectId, payload: bytes) -> None:
        """Take in a frame. One that cannot be read is passed over, and found so when it is read."""
        try:
            frame = _read(payload, what="frame")
            first = frame.sources[0]
            if frame.timestamp is None:
                frame.timestamp = first.timestamp or 0
            context = first.uri if frame.context_id is None else frame.context_id
            order = order_key(context, frame.timestamp, frame_key(frame.id))
        except (CorruptError, FrameError, IndexError):
            return
        if max(len(frame.rois or ()), len(frame.sources)) > INDEX_POSITIONS_MAX:
            self._left_out.add(sequence & (BLOCK - 1))
            self._partial.update(Scope)
            return
        self.frames.append(sequence & (BLOCK - 1))
        self._orders.append(order)
        self._batch.append(frame)
        self.text_bytes += len(payload)
        # The last frame is remembered, and some before it.
        if len(self.anchors) > 1 and len(self.frames) % INDEX_ANCHORS != 1:
            self.anchors.pop()
        self.anchors.append((sequence, oid))
        if len(self._batch) >= INDEX_BATCH:
            self._flush()

    def _flush(self) -> None:
        """Deal the batch out to the columns."""
        frames, self._batch = self._batch, []
        if not frames:
            return
        slots = self.frames[-len(frames) :]
        own = self._fixed(_FRAME)
        own("id", [frame.id for frame in frames], slots)
        own("kind", [frame.kind for frame in frames], slots)
        own("timestamp", [frame.timestamp for frame in frames], slots)
        own("context_id", [frame.context_id for frame in frames], slots)
        if any(frame.context_id is None for frame in frames):
            own(
                STORED_CONTEXT,
                [frame.sources[0].uri if frame.context_id is None else None for frame in frames],
                slots,
            )
        self._metas(_FRAME, [frame.meta for frame in frames], slots)
        places = _places_of(slots, (len(frame.sources) for frame in frames))
        self._sources += places
        self._flush_sources([one for frame in frames for one in frame.sources], places)
        rois = [one for frame in frames if frame.rois for one in frame.rois]
        if rois:
            places = _places_of(slots, (len(frame.rois or ()) for frame in frames))
            self._rois += places
            self._flush_rois(rois, places)

    def _flush_rois(self, rois: list[_Roi], places: "array[int]") -> None:
        own = self._fixed(_ROI)
        own("id", [roi.id for roi in rois], places)
        own("kind", [_kind(roi) if roi.kind is None else roi.kind for roi in rois], places)
        own("confidence", [roi.confidence for roi in rois], places)
        own("annotation_id", [roi.annotation_id for roi in rois], places)
        own("label", *self._spread([roi.label for roi in rois], places))
        own("sources", *self._spread([roi.sources or () for roi in rois], places))
        self._metas(_ROI, [roi.meta for roi in rois], places)
        masks = [roi.mask for roi in rois]
        if any(masks):
            own("mask.id", [mask and (mask.id or FIRST_MASK) for mask in masks], places)
            own("mask.value", *self._spread([mask.value if mask else () for mask in masks], places))

    def _flush_sources(self, sources: list[_Source], places: "array[int]") -> None:
        own = self._fixed(_SOURCE)
        own("id", [source.id for source in sources], places)
        self._pictures("", sources, places)
        self._metas(_SOURCE, [source.meta for source in sources], places)
        previews = [source.preview for source in sources]
        if any(previews):
            self._pictures("preview.", previews, places)
        if any(source.masks for source in sources):
            masks, where = self._spread([source.masks or () for source in sources], places)
            own("masks.id", [mask.id for mask in masks], where)
            self._pictures("masks.", masks, where)

    def _pictures(
        self, prefix: str, found: Sequence[_Source | _Picture | None], places: "array[int]"
    ) -> None:
        own = self._fixed(_SOURCE)
        own(f"{prefix}uri", [one and (one.uri or None) for one in found], places)
        own(f"{prefix}content_type", [one and one.content_type for one in found], places)
        own(f"{prefix}width", [one and one.width for one in found], places)
        own(f"{prefix}height", [one and one.height for one in found], places)
        own(f"{prefix}timestamp", [one and one.timestamp for one in found], places)

    def _fixed(self, scope: str) -> Callable[[str, Sequence[object], "array[int]"], None]:
        """Return what takes in values of a field that a scope always may have."""

        def own(path: str, values: Sequence[object], places: "array[int]") -> None:
            if values:
                self._column(scope, path).extend(values, places)

        return own

    def _column(self, scope: str, path: str) -> Gathered:
        key = (scope, path)
        found = self._columns.get(key)
        if found is None:
            found = self._columns[key] = Gathered(
                distinct=key in _DISTINCT, as_came=key in _AS_CAME
            )
        return found

    def _metas(
        self,
        scope: str,
        metas: Sequence[dict[str, object] | None],
        places: "array[int]",
        prefix: str = "meta",
    ) -> None:
        """Take in metadata, key by key."""
        first = metas[0]
        if first and (keys := list(first)) and all(meta and list(meta) == keys for meta in metas):
            for key in keys:
                self._at(scope, f"{prefix}.{key}", [meta[key] for meta in metas if meta], places)
            return
        gathered: dict[str, tuple[list[object], array[int]]] = {}
        for meta, place in zip(metas, places, strict=True):
            for key, value in (meta or {}).items():
                held = gathered.get(key)
                if held is None:
                    held = gathered[key] = ([], array("I"))
                held[0].append(value)
                held[1].append(place)
        for key, (values, where) in gathered.items():
            self._at(scope, f"{prefix}.{key}", values, where)

    def _at(self, scope: str, path: str, values: list[object], places: "array[int]") -> None:
        """Take in what lies at one path of metadata: scalars, lists and maps."""
        kinds = set(map(type, values))
        if list in kinds:
            values, places = self._flattened(scope, path, values, places)
            kinds = set(map(type, values))
        if dict in kinds:
            held = [(one, place) for one, place in zip(values, places, strict=True) if one]
            maps = [(one, place) for one, place in held if type(one) is dict]
            if maps:
                self._metas(
                    scope, [one for one, _ in maps], array("I", [where for _, where in maps]), path
                )
            pairs = [
                (one, place)
                for one, place in zip(values, places, strict=True)
                if type(one) is not dict
            ]
            values, places = [one for one, _ in pairs], array("I", [where for _, where in pairs])
        if not values or kinds == {type(None)}:
            return
        column = self._admitted(scope, path, places)
        if column is not None:
            column.extend(values, places)

    def _admitted(self, scope: str, path: str, places: "array[int]") -> Gathered | None:
        """Return the column of a path of metadata, None where there are too many.

        What has no column would be missed, so these frames are read by whoever asks.
        """
        if (scope, path) in self._columns or len(self._columns) < INDEX_COLUMNS_MAX:
            return self._column(scope, path)
        self._left_out.update(place & (BLOCK - 1) for place in places)
        self._partial.add(scope)
        return None

    def _flattened(
        self, scope: str, path: str, values: Sequence[object], places: "array[int]"
    ) -> tuple[list[object], "array[int]"]:
        """Return what is in lists, at any depth, beside what was in none.

        Long lists are vectors more often than not. Only whether they hold anything is kept, and
        who asks for a value in them reads these frames.
        """
        found, where = list[object](), array("I")
        for value, place in zip(values, places, strict=True):
            if type(value) is not list:
                found.append(value)
                where.append(place)
                continue
            flat = list(_flat(value)) if len(value) <= INDEX_LIST_MAX else value
            if len(flat) <= INDEX_LIST_MAX:
                found += flat
                where.extend(repeat(place, len(flat)))
                continue
            column = self._admitted(scope, path, array("I", (place,)))
            if column is not None:
                column.opaque.append(place)
                if _holds(flat):
                    column.held.append(place)
        return found, where

    def _spread(
        self, lists: Sequence[Sequence[_T]], places: "array[int]"
    ) -> tuple[list[_T], "array[int]"]:
        """Return the elements of lists, each with the place of its list."""
        counts = list(map(len, lists))
        most = max(counts)
        if most == 1 == min(counts):
            return [one[0] for one in lists], places
        if most > INDEX_LIST_MAX:
            for count, place in zip(counts, places, strict=True):
                if count > INDEX_LIST_MAX:
                    self._left_out.add(place & (BLOCK - 1))
            lists = [one[:INDEX_LIST_MAX] for one in lists]
        where = array("I")
        for held, place in zip(lists, places, strict=True):
            where.extend(repeat(place, len(held)))
        return list(chain.from_iterable(lists)), where

    def write(self, writer: SegmentWriter, store_id: str, low: int, high: int) -> None:
        """Write the segment of all numbers from `low` to before `high`."""
        self._flush()
        # By itself, since most questions need to know which frames there are, and no order.
        writer.column(ORDERS, "", self._order_pieces(), [])
        known = array("I", [slot for slot in self.frames if slot not in self._left_out])
        everywhere: dict[str, tuple[array[int], bytes]] = {}
        for scope, places in ((_FRAME, known), (_ROI, self._rois), (_SOURCE, self._sources)):
            pieces = {"present": set_bytes(places)}
            everywhere[scope] = places, pieces["present"]
            writer.column(scope, "", pieces, [])
        # What takes most memory comes last, when the memory of all others is free again.
        for scope, path in sorted(self._columns, key=lambda key: len(self._columns[key].listed)):
            column = self._columns.pop((scope, path))
            words = self._words if analysed(Field(Scope(scope), path)) else None
            pieces, types = column.pieces(words, instant, everywhere[scope])
            if types:
                writer.column(scope, path, pieces, types)
        anchors, partial = self.anchors[::-1], sorted(self._partial)
        writer.finish(store_id, low, high, anchors, partial, self.written_ms)

    def _order_pieces(self) -> dict[str, bytes]:
        """Return where the order key of each slot begins in all of them joined; gives them up."""
        offsets = array("I")
        at = 0
        for slot, order in zip(self.frames, self._orders, strict=True):
            if slot >= len(offsets):
                offsets += array("I", (at,)) * (slot + 1 - len(offsets))
            at += len(order)
        offsets += array("I", (at,)) * (BLOCK + 1 - len(offsets))
        orders, self._orders = self._orders, []
        return {"order.offsets": offsets.tobytes(), "order.text": b"".join(orders)}


def _kind(roi: _Roi) -> str:
    return kind_of(roi.kind, has_poly=bool(roi.poly), has_mask=roi.mask is not None)


def _flat(held: list[object]) -> Iterator[object]:
    """Yield what is in a list and in the lists in it."""
    for one in held:
        if type(one) is list:
            yield from _flat(one)
        else:
            yield one


def _holds(held: object) -> bool:
    """Tell whether there is any value in a list or map."""
    if type(held) is list:
        return any(map(_holds, held))
    if type(held) is dict:
        return any(map(_holds, held.values()))
    return held is not None


def _places_of(slots: "array[int]", counts: Iterable[int]) -> "array[int]":
    """Return the places of all ROIs, or sources, of frames that have so many each."""
    places = array("I")
    for slot, count in zip(slots, counts, strict=True):
        places.extend(range(slot, slot + count * BLOCK, BLOCK))
    return places
