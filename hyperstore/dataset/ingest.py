"""From frames of any iterable to staged objects and sorted edits, in constant memory.

Frames are checked and encoded chunk by chunk, outside of any transaction; what cannot be stored
becomes a failure entry and stops no other frame.
"""

import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from operator import lt
from types import TracebackType
from typing import NamedTuple, cast

from hyperstore.codec import replace
from hyperstore.dataset.edit import FrameEdit, frame_edits, root
from hyperstore.dataset.metadata import dotted_key
from hyperstore.dataset.renewal import Derived
from hyperstore.dataset.spill import Sorter
from hyperstore.dataset.staging import Staging
from hyperstore.errors import FrameError, UsageError, a_type
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.group import FrameGroup
from hyperstore.frames.home import Home
from hyperstore.frames.prepare import Prepared, WireSource, prepare
from hyperstore.frames.read import Frame, settle
from hyperstore.frames.roots import Roots
from hyperstore.history.commit import Snapshot
from hyperstore.ids import ObjectId
from hyperstore.tree.cursor import get_many

__all__ = [
    "Expected",
    "Failure",
    "FrameLike",
    "Ingest",
    "Receipt",
    "changed_by_others",
    "deletions",
    "failure_of",
    "frames_in",
    "unfailed",
]

FrameLike = Frame | Mapping[str, object] | WireSource
_Pair = tuple[FrameLike, Prepared]

Failure = dict[str, object]
"""`frame` as it was given, `error` in words, and `error_type`, one of validation, conflict,
register and upload."""

_CHUNK = 512
_RECEIPTS = 4_096  # After so many, those of frames that are gone are dropped.


class Expected(NamedTuple):
    """A frame that is stored only if the one that it replaces is still `object_id`."""

    frame: FrameLike
    frame_id: str
    object_id: ObjectId | None


class Receipt(NamedTuple):
    """What a frame object is told when its call is on disk; not before, since that may fail."""

    frame: "weakref.ref[Frame]"
    prepared: Prepared
    object_id: ObjectId
    home: Home

    def hand_over(self, renewed: tuple[ObjectId, list[str]] | None) -> None:
        """Tell the frame, if anybody still holds it; `renewed` where it was stored otherwise."""
        frame = self.frame()
        if frame is None:
            return
        object_id, prepared = self.object_id, self.prepared
        if renewed is not None:
            object_id, roi_ids = renewed
            prepared = replace(prepared, roi_ids=list[str | None](roi_ids))
        settle(frame, prepared, object_id=object_id, home=self.home)


def changed_by_others(frame_id: str) -> FrameError:
    """Return the error for a frame that is not any more what it was edited from."""
    return FrameError(
        f"frame {frame_id!a} was changed by somebody else since it was read; "
        "read it again, then edit that",
        frame_id=frame_id,
    )


@dataclass
class Ingest:
    """The frames of one call: their edits, and what could not be stored."""

    staging: Staging
    base: Snapshot
    roots: Roots
    home: Home
    strict: bool = False
    if_unchanged: bool = False
    derived: Sorter[Derived] | None = None  # Takes the frames whose ROI ids were derived.
    failures: list[Failure] = field(default_factory=list)
    stored: int = 0
    stale: int = 0  # Frames that somebody else changed since they were read.
    repeated: int = 0  # Frames whose ids came before in the same call.
    bytes_max: int | None = None  # A frame of more is a failure.
    dotted: tuple[str, str] | None = None  # The first metadata key with a dot, and its frame's id.
    # With `if_unchanged`: what each frame replaces, to be looked at again where others were first.
    expected: dict[bytes, "Expected"] = field(default_factory=dict)
    receipts: list["Receipt"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.edits = frame_edits(self.staging.scratch)

    def __enter__(self) -> "Ingest":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.edits.close()

    def take(self, frames: Iterable[FrameLike]) -> None:
        """Stage all frames of an iterable. What it raises comes out, with nothing stored."""
        source = frames_in(frames)
        if self.base.count or self.if_unchanged:
            while chunk := list(islice(source, _CHUNK)):
                self._stage(self._against_base(list(self._prepared(chunk))))
        else:
            self._stage(self._prepared(source))

    def sorted(self) -> Iterator[FrameEdit]:
        """Yield the edits by key, the last of those for one frame."""
        source = iter(self.edits)
        held: list[FrameEdit] = []  # The last edit so far: the next one may be for its frame.
        while chunk := list(islice(source, _CHUNK)):
            chunk = held + chunk
            keys = [edit[0] for edit in chunk]
            if not all(map(lt, keys, keys[1:])):
                pairs = zip(chunk, keys[1:], strict=False)
                last = [edit for edit, following in pairs if edit[0] != following]
                self.repeated += len(chunk) - len(last) - 1
                chunk = [*last, chunk[-1]]
            held = [chunk.pop()]
            yield from chunk
        yield from held

    def _prepared(self, frames: Iterable[FrameLike]) -> Iterator[_Pair]:
        """Yield frames that are fit to be stored. None outlives its turn here: frames that do
        make the garbage collector walk them again and again.
        """
        roots, most = self.roots, self.bytes_max
        for frame in frames:
            if type(frame) is dict and "error_type" in frame:
                frame = unfailed(frame)
            try:
                one = prepare(frame, roots=roots)
            except FrameError as error:
                self._fail(frame, error, "validation")
                continue
            if most is not None and len(one.payload) > most:
                said = f"frame {one.frame_id!a} has {len(one.payload)} bytes, of {most} allowed"
                self._fail(frame, FrameError(said, frame_id=one.frame_id), "register")
                continue
            if self.dotted is None:
                self._look_for_dots(frame, one.frame_id)
            yield frame, one

    def _look_for_dots(self, frame: FrameLike, frame_id: str) -> None:
        if type(frame) is dict:
            metas = [frame.get("meta")]
        elif isinstance(frame, SingleFrame):
            metas = [frame._record.meta]
        elif isinstance(frame, FrameGroup):
            metas = [frame._record.meta, *(member._record.meta for member in frame.values())]
        else:
            return  # Some object that says itself as a dict, which was thrown away.
        keys = (dotted_key(meta) for meta in metas if type(meta) is dict)
        key = next((key for key in keys if key is not None), None)
        if key is not None:
            self.dotted = key, frame_id

    def _stage(self, frames: Iterable[_Pair]) -> None:
        take = self.staging.take
        edits: list[FrameEdit] = []
        derived: list[Derived] = []
        for frame, one in frames:
            made = take(one.payload)
            if isinstance(frame, (SingleFrame, FrameGroup)):
                self._note(frame, one, made)
            edits.append((one.key, self.stored, made, one.order_key, one.roi_count))
            if one.derived:
                derived.append((one.key, made, one.given))
            self.stored += 1
            if len(edits) == _CHUNK:
                self._keep(edits, derived)
                edits, derived = [], []
        self._keep(edits, derived)

    def _keep(self, edits: list[FrameEdit], derived: list[Derived]) -> None:
        self.edits.extend(edits)
        if self.derived is not None:
            self.derived.extend(derived)

    def _note(self, frame: Frame, one: Prepared, made: ObjectId) -> None:
        """Remember what a frame object is told once it is stored, if it lives that long."""
        told = replace(one, payload=b"", order_key=b"")
        self.receipts.append(Receipt(weakref.ref(frame), told, made, self.home))
        if len(self.receipts) % _RECEIPTS == 0:
            self.receipts = [one for one in self.receipts if one.frame() is not None]

    def _against_base(self, chunk: list[_Pair]) -> list[_Pair]:
        """Look at what the frames of a chunk replace: for ROI ids, and for edits by others."""
        origins = [getattr(frame, "object_id", None) for frame, _ in chunk]
        keys = sorted(
            {
                one.key
                for (_, one), origin in zip(chunk, origins, strict=True)
                if one.derived or origin is not None or self.if_unchanged
            }
        )
        found = get_many(self.staging.nodes, root(self.base, "frames"), keys) if keys else []
        olds = {key: ObjectId(old) for key, old in zip(keys, found, strict=True) if old is not None}
        if not olds and not self.if_unchanged:
            return chunk
        payloads = self.staging.frames(
            olds[one.key] for _, one in chunk if one.derived and one.key in olds
        )
        kept = []
        for (frame, one), origin in zip(chunk, origins, strict=True):
            old = olds.get(one.key)
            if origin is not None and origin != old and (old is not None or self._is_ours(frame)):
                self.stale += 1
                if self.if_unchanged:
                    self._fail(frame, changed_by_others(one.frame_id), "conflict")
                    continue
            if self.if_unchanged:
                self.expected[one.key] = Expected(frame, one.frame_id, old)
            if old is not None and one.derived:
                one = prepare(frame, roots=self.roots, previous=payloads[old])
            kept.append((frame, one))
        return kept

    def _is_ours(self, frame: FrameLike) -> bool:
        """Return whether a frame was read from this very version, and so deleted since."""
        home = getattr(frame, "_home", None)
        return isinstance(home, Home) and home.version_id == self.home.version_id

    def _fail(self, frame: object, error: FrameError, error_type: str) -> None:
        if self.strict:
            error.frame = frame
            raise error
        self.failures.append(failure_of(frame, error, error_type))


def failure_of(frame: object, error: object, error_type: str) -> Failure:
    """Return what a call answers for a frame that it did not store; `error` is or says why."""
    return {"frame": frame, "error": str(error), "error_type": error_type}


def frames_in(frames: Iterable[FrameLike]) -> Iterator[FrameLike]:
    """Return what goes through frames; UsageError for what is no iterable of them."""
    if isinstance(frames, (str, bytes, Mapping)):
        raise UsageError(f"frames come in an iterable such as a list, not in {a_type(frames)}")
    try:
        return iter(frames)
    except TypeError:
        raise UsageError(
            f"frames come in an iterable such as a list, not as one {type(frames).__name__}"
        ) from None


def unfailed(frame: FrameLike) -> FrameLike:
    """Return the frame of a failure of an earlier call; any other frame as it is."""
    if isinstance(frame, FrameGroup):
        return frame  # A mapping too, whose members may have any names.
    if isinstance(frame, Mapping) and "error_type" in frame and "frame" in frame:
        return cast("FrameLike", frame["frame"])
    return frame


def deletions(keys: Iterable[bytes]) -> list[FrameEdit]:
    """Return the edits that delete the frames of these keys."""
    return [(key, 0, None, b"", 0) for key in sorted(set(keys))]
