"""Reading one snapshot: frames by id, in order, by position. The same for any commit and a draft.

Nothing here holds a transaction between two calls: iterators read chunk by chunk, and go on in a
forked child or while others write, on the snapshot with which they began.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from hyperstore.codec import Unfit
from hyperstore.dataset.edit import root
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.staging import Staging
from hyperstore.errors import NotFoundError, UsageError, a_type
from hyperstore.frames import keys
from hyperstore.frames.home import Home
from hyperstore.frames.read import Frame, read_frame
from hyperstore.frames.roots import Roots, absolute_uri
from hyperstore.history.commit import Snapshot
from hyperstore.ids import Kind, NodeId, ObjectId
from hyperstore.storage.reader import Reader
from hyperstore.tree import cursor
from hyperstore.tree.nodes import Nodes

__all__ = ["Frame", "Place", "View"]

Place = int | tuple[str, int] | None
"""Where in the order: a position, or a timestamp in a context; see View.get_iterator."""

_IDS_IN_CHUNK = 1_024
_IDS_IN_BATCH = 256


class View:
    """The frames of a version as they were at one moment, for reading."""

    def __init__(
        self, handle: Handle, snapshot: Snapshot, home: Home, staging: Staging | None = None
    ) -> None:
        """`staging` is that of an open batch, which holds objects that are not stored yet."""
        self._handle = handle
        self._staging = handle.staging() if staging is None else staging
        self._nodes = self._staging.nodes
        self.snapshot = snapshot
        self.home = home

    def __reduce__(self) -> tuple[type["View"], tuple[Handle, Snapshot, Home]]:
        return View, (self._handle, self.snapshot, self.home)

    @property
    def staging(self) -> Staging:
        """Through what its objects are read."""
        return self._staging

    @property
    def handle(self) -> Handle:
        """The store that it reads."""
        return self._handle

    @property
    def roots(self) -> Roots:
        """The folders inside which its sources are stored relative."""
        return self._handle.roots

    def __len__(self) -> int:
        return self.snapshot.count

    def __iter__(self) -> Iterator[Frame]:
        return self.get_iterator()

    def __contains__(self, frame_id: object) -> bool:
        return isinstance(frame_id, str) and self.object_ids([frame_id])[0] is not None

    @property
    def content_id(self) -> str:
        """64 hex digits that are the same wherever the same frames are, in any store."""
        return self.snapshot.roots["frames"].hex()

    def get_metadata(self) -> dict[str, object]:
        """Return the version's metadata as it was then; a copy."""
        return copy.deepcopy(self.snapshot.meta)

    def object_ids(self, frame_ids: Sequence[str]) -> list[ObjectId | None]:
        """Return the object id of each frame, None for those that are not here."""
        for asked in frame_ids:
            _check_frame_id(asked)
        wanted = [keys.frame_key(one) for one in frame_ids]
        order = sorted(set(wanted))
        values = cursor.get_many(self._nodes, root(self.snapshot, "frames"), order)
        found = dict(zip(order, values, strict=True))
        return [None if (one := found[key]) is None else ObjectId(one) for key in wanted]

    def get_frames_by_ids(self, frame_ids: Iterable[str]) -> list[Frame]:
        """Return the frames of these ids in the order asked; unknown ids are passed over."""
        if isinstance(frame_ids, str):
            raise UsageError("frame ids come in a list; for one frame there is get_frame")
        source = iter(frame_ids)
        frames: list[Frame] = []
        while chunk := list(islice(source, _IDS_IN_CHUNK)):
            frames += self._read([one for one in self.object_ids(chunk) if one is not None])
        return frames

    def get_frame(self, frame_id: str) -> Frame:
        """Return one frame; NotFoundError where there is none of that id."""
        if self._staging.is_empty:
            with self._handle.database.reading() as reader:
                return self.frame_in(reader, frame_id)
        found = self.object_ids([frame_id])[0]
        if found is None:
            raise self._no_frame(frame_id)
        return self._read([found])[0]

    def frame_in(self, reader: Reader, frame_id: str) -> Frame:
        """Return one frame by one read for all: its nodes, cold ones too, and its object."""
        _check_frame_id(frame_id)
        nodes = Nodes(_Stored(reader), self._handle.cache)
        found = cursor.get(nodes, root(self.snapshot, "frames"), keys.frame_key(frame_id))
        if found is None:
            raise self._no_frame(frame_id)
        object_id = ObjectId(found)
        payload = reader.get(object_id, Kind.FRAME)
        return read_frame(payload, home=self.home, object_id=object_id, roots=self._handle.roots)

    def _no_frame(self, frame_id: str) -> NotFoundError:
        return NotFoundError(f"no frame {frame_id!a} in {self.home.describe()}")

    def get_iterator(
        self,
        *,
        start: Place = None,
        stop: Place = None,
        context: str | None = None,
        reverse: bool = False,
    ) -> Iterator[Frame]:
        """Yield frames ordered by context_id, then timestamp, then id; lazily, chunk by chunk.

        `context` narrows to one context. `start` is the first that comes and `stop` the first that
        does not: with `context`, timestamps in ms; without, positions counted from 0 (from the end
        where negative), or pairs (context_id, timestamp). `reverse` yields the same frames
        backwards.
        """
        source = self._batches(self._chunks(start, stop, context, reverse=reverse))
        frames = (frame for ids in source for frame in self._read(ids))
        return self._handle.pinned(self.snapshot, frames)

    def entries(self) -> Iterator[tuple[str, ObjectId]]:
        """Yield (frame id, object id) in the order of iteration, without reading frames."""
        found = (
            (keys.frame_id(keys.order_parts(key)[2]), ObjectId(value))
            for chunk in self._chunks(None, None, None, reverse=False)
            for key, value in chunk
        )
        return self._handle.pinned(self.snapshot, found)

    def payloads(self) -> Iterator[tuple[ObjectId, bytes]]:
        """Yield (object id, stored form) of the frames in the order of iteration."""
        found = (
            pair
            for ids in self._batches(self._chunks(None, None, None, reverse=False))
            for pair in zip(ids, self._payloads(ids), strict=True)
        )
        return self._handle.pinned(self.snapshot, found)

    def nth(self, position: int) -> Frame:
        """Return the frame at a position of the order, counted from the end where negative."""
        if isinstance(position, bool) or not isinstance(position, int):
            raise UsageError(f"a position is an int, not {position!a}")
        index = position if position >= 0 else self.snapshot.count + position
        if not 0 <= index < self.snapshot.count:
            raise NotFoundError(f"no frame at {position}: there are {self.snapshot.count}")
        _, value = cursor.nth(self._nodes, root(self.snapshot, "order"), index)
        return self._read([ObjectId(value)])[0]

    def _chunks(
        self, start: Place, stop: Place, context: str | None, *, reverse: bool
    ) -> Iterator[list[tuple[bytes, bytes]]]:
        order = root(self.snapshot, "order")
        if context is not None:
            if not isinstance(context, str):
                raise UsageError(f"a context is a str, not {context!a}")
            context = self.stored_context(context)
        low, high = self._bound(start, context), self._bound(stop, context)
        if context is not None:
            first, last = keys.context_range(context)
            low, high = first if low is None else low, last if high is None else high
        return cursor.scan_leaves(self._nodes, order, start=low, stop=high, reverse=reverse)

    def _batches(self, chunks: Iterator[list[tuple[bytes, bytes]]]) -> Iterator[list[ObjectId]]:
        """Yield the ids of frames in batches that grow, so that the first frame comes at once."""
        batch: list[ObjectId] = []
        size = 1
        for chunk in chunks:
            batch += [ObjectId(value) for _, value in chunk]
            if len(batch) >= size:
                yield batch
                batch = []
                size = min(2 * size, _IDS_IN_BATCH)
        if batch:
            yield batch

    def stored_context(self, context: str) -> str:
        """Return the context as its frames are ordered by it.

        Frames without a context have their source's URI as one, which for a local file is stored
        relative to its root; a context that was given is stored as given, and comes first.
        """
        order = root(self.snapshot, "order")
        begin, end = keys.context_range(context)
        given = cursor.scan(self._nodes, order, start=begin, stop=end)
        if context.startswith(("/", "file:///")) and next(given, None) is None:
            try:
                return self._handle.roots.stored(absolute_uri(context, "context"))
            except Unfit as fault:
                raise UsageError(f"{fault}") from None
        return context

    def _bound(self, place: object, context: str | None) -> bytes | None:
        if place is None:
            return None
        if isinstance(place, tuple):
            if len(place) != 2 or not isinstance(place[0], str) or type(place[1]) is not int:
                raise UsageError(f"a place is a pair (context_id, timestamp in ms), not {place!a}")
            return keys.time_bound(self.stored_context(place[0]), place[1])
        if type(place) is not int:
            raise UsageError(f"a place in the order is an int or a pair, not {place!a}")
        if context is not None:
            return keys.time_bound(context, place)
        index = place if place >= 0 else max(0, self.snapshot.count + place)
        if index >= self.snapshot.count:
            return keys.AFTER_ALL
        return cursor.nth(self._nodes, root(self.snapshot, "order"), index)[0]

    def _payloads(self, ids: Sequence[ObjectId]) -> list[bytes]:
        return self._staging.payloads(ids, Kind.FRAME)

    def _read(self, ids: Sequence[ObjectId]) -> list[Frame]:
        roots, home = self._handle.roots, self.home
        return [
            read_frame(payload, home=home, object_id=object_id, roots=roots)
            for object_id, payload in zip(ids, self._payloads(ids), strict=True)
        ]


def _check_frame_id(frame_id: object) -> None:
    if not isinstance(frame_id, str):
        raise UsageError(f"a frame id is a str, not {a_type(frame_id)}")


class _Stored:
    """Nodes by one open read."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def get(self, node_id: NodeId) -> bytes:
        return self._reader.get(node_id, Kind.NODE)

    def get_many(self, node_ids: Sequence[NodeId]) -> list[bytes]:
        return self._reader.get_many(node_ids, Kind.NODE)

    def put(self, payload: bytes) -> NodeId:
        raise AssertionError(f"{len(payload)} bytes to be written by a read")
