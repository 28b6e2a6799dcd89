"""The frames that some questions find in some versions: counted, ordered, read by position.

A frame of a dataset is there once, whatever versions have it and whatever parts find it: it belongs
to the first part that does. Two objects of one id are two frames. The order is that of one
version over all of them: context, time, id.

Nothing is found before something is asked, and nothing is ordered before a position is. What is
found stays as it was then: a selection is of snapshots, and from the first question on holds them
against garbage collection as long as it lives. It pickles with what it found, so that a worker
process reads at once; there it holds them from its first read on.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from heapq import merge
from itertools import accumulate, chain, compress, count, islice, repeat
from operator import sub

from pyroaring import BitMap

from hyperstore.dataset.handle import Handle
from hyperstore.dataset.view import Frame
from hyperstore.errors import (
    CorruptError,
    DiskFullError,
    MissingObjectError,
    RefusedError,
    UsageError,
)
from hyperstore.frames.keys import moment_of
from hyperstore.frames.read import read_frame
from hyperstore.ids import Kind, ObjectId
from hyperstore.query.checks import ALL_IN_FRAME, FRAME_PER_ROI, checked_output, checked_weight
from hyperstore.query.index.frameindex import FrameIndex
from hyperstore.query.selection.attribution import (
    frame_id_of,
    stretches_of,
    walked_entries,
    walked_moments,
)
from hyperstore.query.selection.fingerprint import fingerprint_of
from hyperstore.query.selection.mergedorder import Run, Stretch, in_order, keyed
from hyperstore.query.selection.positions import Order, ordered
from hyperstore.query.versionsets.parts import (
    EVERY_FRAME,
    Found,
    Part,
    check_there,
    find,
    held_ids,
    roi_counts,
)
from hyperstore.query.versionsets.versionset import renew_version_set
from hyperstore.storage.pins import Pin

__all__ = ["Part", "Selection"]

_HEAD = 4_096  # Frames that are read without ordering all.
_BATCH = 512


class Selection:
    """Frames by position, from 0. See the module; `iteration/iterator.py` goes through it."""

    def __init__(
        self,
        handle: Handle,
        parts: Sequence[Part],
        *,
        output_rois: str = ALL_IN_FRAME,
        found: Sequence[Found] | None = None,
    ) -> None:
        """Take each question with its view. `found` is what they have, where that is known."""
        for part in parts:
            checked_weight(part.weight)
        self.handle = handle
        self.parts = tuple(parts)
        self.output_rois = checked_output(output_rois)
        for part in parts:
            if not part.view.staging.is_empty:
                part.view.staging.flush()  # Of an open batch: what has no number yet gets one.
        self._groups = [part.view.home.dataset_id for part in self.parts]
        self._pin: Pin | None = None
        self._holds = False  # Or would, where nobody may write.
        self._found = None if found is None else list(found)
        self._order: Order | None = None
        self._owners: list[list[tuple[int, BitMap]]] = []  # Of each dataset: parts with frames.

    def __reduce__(self) -> tuple[Callable[..., "Selection"], tuple[object, ...]]:
        found = None if self._found is None else tuple(self._found)
        store = self.handle.database.store_id
        versions = {part.view.snapshot.roots["order"] for part in self.parts}
        order = self._order if len(versions) > 1 else None  # That of one is read in no time.
        return _unpickled, (self.handle, self.parts, self.output_rois, store, found, order)

    def __repr__(self) -> str:
        return f"<Selection of {len(self.parts)} parts>"

    # What is found.

    @property
    def found(self) -> list[Found]:
        """What each part has, as sets of sequence numbers; shared, so nobody changes them."""
        if self._found is None:
            self.hold()
            try:
                self._found = self._searched()
            except MissingObjectError:  # Of a frame that was lost and came back, or is not here.
                self._renew_sets()
                self._found = self._searched()
        return self._found

    def _searched(self) -> list[Found]:
        seen: dict[tuple[int, str], BitMap] = {}
        made = []
        for part, dataset in zip(self.parts, self._groups, strict=True):
            one = find(self.handle, part)
            if part.query is not None:
                before = seen.get((part.query, dataset), BitMap())
                one = Found(one.frames - before, one.removed - before)
                seen[part.query, dataset] = before | one.frames | one.removed
            made.append(one)
        return made

    @property
    def counts(self) -> list[int]:
        """How many frames each part has, those that others have too included."""
        return [len(one.frames) + len(one.removed) for one in self.found]

    @property
    def sizes(self) -> list[int]:
        """How many positions each part has: frames, or by `frame_per_roi` ROIs that fit."""
        if self.output_rois != FRAME_PER_ROI:
            return self.counts
        return [len(self.positions_of_part(part)) for part in range(len(self.parts))]

    @property
    def frame_count(self) -> int:
        """How many different frames there are."""
        wanted: dict[str, BitMap] = {}
        for group, one in zip(self._groups, self.found, strict=True):
            wanted[group] = wanted.get(group, BitMap()) | one.frames | one.removed
        return sum(len(one) for one in wanted.values())

    def __len__(self) -> int:
        """How many positions there are: frames, or by `frame_per_roi` ROIs that fit."""
        if self.output_rois != FRAME_PER_ROI:
            return self.frame_count
        ends = self._ordered().ends
        return ends[-1] if ends else 0

    @property
    def weights(self) -> list[float]:
        """The share of each part in what is drawn with repetition."""
        return [part.weight for part in self.parts]

    @property
    def is_plain(self) -> bool:
        """Whether all frames are of one part, and whole."""
        return len(self.parts) == 1 and self.output_rois != FRAME_PER_ROI

    @property
    def fingerprint(self) -> str:
        """32 hex digits that are the same for the same questions to the same frames."""
        return fingerprint_of(self.parts, self.output_rois)

    def hold(self) -> None:
        """Hold the snapshots against garbage collection, as long as the selection lives.

        Where the folder does not take the pin's file, who may write there may also collect.
        """
        if not self._holds:
            self._holds = True
            ids = [one for part in self.parts for one in held_ids(part)]
            with suppress(RefusedError, DiskFullError):
                self._pin = self.handle.database.pin(dict.fromkeys(ids))

    def copied(self, parts: Sequence[Part] | None = None) -> "Selection":
        """Return another one with all that is found, which holds nothing until it reads.

        `parts` are the same ones, of other weights.
        """
        parts = self.parts if parts is None else parts
        made = Selection(self.handle, parts, output_rois=self.output_rois, found=self._found)
        made._order, made._owners = self._order, self._owners
        return made

    # The order.

    def stretches(self) -> list[Stretch]:
        """Return what each version gives to it, in no order among them."""
        self.hold()
        return stretches_of(self.handle, self.parts, self.found)

    def _runs(self) -> Iterator[Run]:
        return in_order(self.handle, self.stretches())

    def _ordered(self) -> Order:
        if self._order is None:
            made = ordered(self._runs(), several=len(set(self._groups)) > 1)
            if self.output_rois == FRAME_PER_ROI:
                made = made._replace(ends=self._ends(made))
            self._order = made
        return self._order

    def _ends(self, order: Order) -> "array[int]":
        """Return how many positions there are up to each frame, this one included."""
        counts = array("I", bytes(4 * len(order.numbers)))
        places: list[list[int]] = [[] for _ in self.parts]
        for place in range(len(counts)):
            places[self._part_at(order, place)].append(place)
        for part, mine in zip(self.parts, places, strict=True):
            asked = array("I", map(order.numbers.__getitem__, mine))
            for place, rois in zip(mine, roi_counts(self.handle, part, asked), strict=True):
                counts[place] = rois
        return array("Q", accumulate(counts))

    @property
    def numbers(self) -> "array[int]":
        """The sequence numbers of all frames in order, each once; shared, so nobody changes it."""
        return self._ordered().numbers

    def _part_at(self, order: Order, place: int) -> int:
        number = order.numbers[place]
        group = order.groups[place] if order.groups is not None else 0
        return self._part_of(number, group)

    def _part_of(self, number: int, group: int) -> int:
        if len(self.parts) == 1:
            return 0
        if not self._owners:
            groups = {one: at for at, one in enumerate(dict.fromkeys(self._groups))}
            owners: list[list[tuple[int, BitMap]]] = [[] for _ in groups]
            for at, (dataset, one) in enumerate(zip(self._groups, self.found, strict=True)):
                whole = one.frames | one.removed if one.removed else one.frames
                owners[groups[dataset]].append((at, whole))
            self._owners = owners
        return next(at for at, held in self._owners[group] if number in held)

    def place_of(self, position: int) -> tuple[int, int | None]:
        """Return which frame is at a position, and which of its ROIs that fit; None for all."""
        return self._ordered().place_of(position)

    def parts_of(self, positions: Sequence[int]) -> list[int]:
        """Return for each position the first part that has its frame."""
        order = self._ordered()
        return [self._part_at(order, self.place_of(position)[0]) for position in positions]

    def positions_of_part(self, part: int, *, first_only: bool = False) -> Sequence[int]:
        """Return the positions that a part has; `first_only`: and that no part before it has."""
        order, one = self._ordered(), self.found[part]
        group = list(dict.fromkeys(self._groups)).index(self._groups[part])
        wanted = one.frames | one.removed
        if first_only:
            for dataset, before in zip(self._groups[:part], self.found, strict=False):
                if dataset == self._groups[part]:
                    wanted = wanted - before.frames - before.removed
        places: Iterable[int] = compress(count(), map(wanted.__contains__, order.numbers))
        if order.groups is not None:
            places = [place for place in places if order.groups[place] == group]
        if order.ends is None:
            return array("I", places)
        ends = order.ends
        spans = (range(ends[place - 1] if place else 0, ends[place]) for place in places)
        return array("I", chain.from_iterable(spans))

    def moments(self) -> Iterator[tuple[bytes, int]]:
        """Return context and timestamp of each position; a context as bytes that sort like it."""
        stretches = [one for one in self.stretches() if one.wanted]
        if len(stretches) == 1 and stretches[0].snapshot is not None:
            found = walked_moments(stretches[0])
        else:
            streams = [keyed(one, at) for at, one in enumerate(stretches)]
            found = (moment_of(key) for key, _, _ in merge(*streams))
        ends = self._ordered().ends
        if ends is None:
            return found
        counts = map(sub, ends, chain((0,), ends))
        return chain.from_iterable(map(repeat, found, counts))

    # Reading.

    def frame_ids(self, start: int = 0, stop: int | None = None) -> list[str]:
        """Return the ids of frames in order, each once; the first ones without ordering all."""
        if start < 0 or (stop is not None and stop < start):
            raise UsageError(f"no frames lie from {start} to {stop}")
        if self._order is None and stop is not None and stop <= _HEAD:
            numbers = array("I")
            for run in self._runs():
                numbers += run.numbers[: stop - len(numbers)]
                if len(numbers) >= stop:
                    break
            numbers = numbers[start:]
        elif stop is None or stop - start > _HEAD:
            return [frame_id for frame_id, _ in islice(self.entries(), start, stop)]
        else:
            numbers = self._ordered().numbers[start:stop]
        if any(part.condition != EVERY_FRAME for part in self.parts):
            return FrameIndex.of(self.handle).frame_ids(numbers)  # It is there, and takes a third.
        return [frame_id_of(payload) for _, payload in self._payloads(numbers)]

    def entries(self) -> Iterator[tuple[str, ObjectId]]:
        """Yield (frame id, object id) in order, each frame once."""
        stretches = [one for one in self.stretches() if one.wanted]
        if len(stretches) == 1 and stretches[0].snapshot is not None:
            yield from walked_entries(stretches[0])
            return
        numbers = self._ordered().numbers
        for start in range(0, len(numbers), _BATCH):
            for object_id, payload in self._payloads(numbers[start : start + _BATCH]):
                yield frame_id_of(payload), object_id

    def read(self, positions: Sequence[int]) -> list[Frame]:
        """Return the frames at positions, in the order asked; in one read of the store."""
        if not positions:
            return []
        self._check(min(positions), max(positions))
        order = self._ordered()
        places: Sequence[int] = positions
        if order.ends is not None:
            places = [self.place_of(position)[0] for position in positions]
        for last in (False, True):
            try:
                payloads = self._payloads(order.picked(places))
                break
            except (MissingObjectError, CorruptError):
                if last:
                    raise
                order = self._renewed()
        roots = self.handle.roots
        if len(self.parts) == 1:
            home = self.parts[0].view.home
            return [
                read_frame(payload, home=home, object_id=object_id, roots=roots)
                for object_id, payload in payloads
            ]
        return self._at_home(payloads, [self._part_at(order, place) for place in places])

    def read_numbers(self, frames: Sequence[tuple[int, int]]) -> list[tuple[Frame, int]]:
        """Return frames, each with its part, by number and group as `stretches` has them."""
        payloads = self._payloads([number for number, _ in frames])
        parts = [self._part_of(*one) for one in frames]
        return list(zip(self._at_home(payloads, parts), parts, strict=True))

    def _at_home(
        self, payloads: Sequence[tuple[ObjectId, bytes]], parts: Sequence[int]
    ) -> list[Frame]:
        roots = self.handle.roots
        homes = [self.parts[part].view.home for part in parts]
        return [
            read_frame(payload, home=home, object_id=object_id, roots=roots)
            for home, (object_id, payload) in zip(homes, payloads, strict=True)
        ]

    def _check(self, *positions: int) -> None:
        order = self._ordered()
        size = len(order.numbers) if order.ends is None else len(self)
        for position in positions:
            if not 0 <= position < size:
                raise UsageError(f"no frame at {position}: there are {size}")

    def _payloads(self, numbers: Sequence[int]) -> list[tuple[ObjectId, bytes]]:
        self.hold()
        with self.handle.database.reading() as reader:
            return reader.payloads_at(numbers, Kind.FRAME)

    def _renewed(self) -> Order:
        """Find all again: a frame that was lost and came back has another number."""
        before = len(self._ordered().numbers)
        self._renew_sets()
        self._found, self._order, self._owners = None, None, []
        order = self._ordered()
        if len(order.numbers) != before:
            raise CorruptError("what a selection found is no longer what it was; run fsck")
        return order

    def _renew_sets(self) -> None:
        """Make the sets of the versions anew; what cannot be is an error, and changes nothing."""
        for part in self.parts:
            renew_version_set(self.handle, part.view.snapshot)


def _unpickled(
    handle: Handle,
    parts: Sequence[Part],
    output_rois: str,
    store: str,
    found: Sequence[Found] | None,
    order: Order | None,
) -> Selection:
    """Return a selection again; numbers of another store mean nothing here."""
    if handle.database.store_id != store:
        check_there(handle, parts, store)
        return Selection(handle, parts, output_rois=output_rois)
    made = Selection(handle, parts, output_rois=output_rois, found=found)
    made._order = order
    return made
