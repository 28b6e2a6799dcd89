"""Media that are fetched before they are asked for: those of the next frames, and of no more."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias, TypeVar

from hyperstore.errors import HyperstoreError
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.group import FrameGroup
from hyperstore.frames.read import Frame
from hyperstore.limits import AHEAD_THREADS
from hyperstore.media.local import FILE_FAULTS, is_remote

__all__ = ["Fetched", "fetched_ahead", "members_of"]

_Item = TypeVar("_Item")
Fetched: TypeAlias = tuple[_Item, Frame, HyperstoreError | None]
"""What was asked about, its frame, and why a file of it could not be had, if so."""


def fetched_ahead(
    frames: Iterable[tuple[_Item, Frame]], ahead: int, *, masks: bool
) -> Iterator[Fetched[_Item]]:
    """Yield the same frames in order, once their media are in the cache or could not be had.

    Those of the `ahead` frames that come after are being fetched meanwhile. What is local costs a
    look; without anything to fetch there is no thread.
    """
    waiting: deque[tuple[_Item, Frame, Future[None] | None]] = deque()
    pool: ThreadPoolExecutor | None = None
    try:
        for item, frame in frames:
            fetching = None
            if any(_is_remote(one, masks=masks) for one in members_of(frame)):
                if pool is None:
                    pool = ThreadPoolExecutor(AHEAD_THREADS, "hyperstore-ahead")
                fetching = pool.submit(_fetch, frame, masks)
            waiting.append((item, frame, fetching))
            if len(waiting) > ahead:
                yield _settled(*waiting.popleft())
        while waiting:
            yield _settled(*waiting.popleft())
    finally:
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)


def members_of(frame: Frame) -> list[SingleFrame]:
    """Return the frames of a group, or the frame itself."""
    return list(frame.values()) if isinstance(frame, FrameGroup) else [frame]


def _settled(item: _Item, frame: Frame, fetching: Future[None] | None) -> Fetched[_Item]:
    if fetching is None:
        return item, frame, None
    try:
        fetching.result()
    except FILE_FAULTS as fault:
        return item, frame, fault
    return item, frame, None


def _is_remote(frame: SingleFrame, *, masks: bool) -> bool:
    source = frame._record.sources[0]
    uris = [source.uri, *(mask.uri for mask in source.masks or () if masks)]
    return any(uri and is_remote(uri) for uri in uris)


def _fetch(frame: Frame, masks: bool) -> None:
    for one in members_of(frame):
        one.get_local_source(raise_on_error=True)
        if masks:
            one.get_local_masks_source(raise_on_error=True)
