"""Bringing an index up to the objects of now: from the folder's files, then from the objects.

What came since the last file was written stays in memory until it is worth a file, so that a query
after each small edit writes nothing. Where files cannot be written at all, everything does.
"""

import errno
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from hyperstore.dataset.handle import Handle
from hyperstore.errors import warn
from hyperstore.limits import INDEX_MEMORY_SEGMENTS, INDEX_TAIL
from hyperstore.query.index.segment import Segment
from hyperstore.query.index.segmentbuilder import build_file, build_in_memory
from hyperstore.query.index.segmentfiles import (
    LOCK_FILE,
    Span,
    gaps,
    index_folder,
    merged_spans,
    open_segments,
    sweep,
)
from hyperstore.storage.host import file_lock

__all__ = ["CatchUp", "Progress"]

Progress = Callable[[int, int], None]
"""Told how many objects were looked at, of how many that there are to look at."""


class CatchUp:
    """One catching up, to before the sequence number `end`; `refused` are files not to be used."""

    def __init__(
        self,
        handle: Handle,
        end: int,
        progress: Progress | None,
        can_write: bool,
        refused: Collection[Path],
    ) -> None:
        self.handle = handle
        self.end = end
        self.progress = progress
        self.can_write = can_write
        self.refused = refused
        self.built = 0  # Objects that were looked at.
        self._total = 0

    def run(self, known: Iterable[Segment]) -> tuple[Segment, ...]:
        """Return the segments that together cover all numbers; `known` are those of before."""
        known = tuple(known)
        files = self._opened(known)
        missing = gaps(files, self.end)
        self._total = _length(missing)
        if self.can_write and self._total >= INDEX_TAIL:
            try:
                files = self._written(known)
            except OSError as fault:
                self._cannot_write(fault)
                files = self._opened(known)
        # Those in memory alone; what was in a file that is gone cannot be read any more.
        own = [one for one in known if one.path is None and not _covered(one, files)]
        missing = gaps(_sorted([*files, *own]), self.end)
        self._total = max(self._total, self.built + _length(missing))
        for span in missing:
            low, high = span
            if len(own) >= INDEX_MEMORY_SEGMENTS:
                low, high = merged_spans(own, span)
            own = [one for one in own if not low <= one.low < high]
            while low < high:
                segment = build_in_memory(self.handle.database, low, high, self._advance)
                own.append(segment)
                low = segment.high
        return tuple(_sorted([*files, *own]))

    def _opened(self, known: Iterable[Segment]) -> list[Segment]:
        database = self.handle.database
        with database.reading() as reader:
            return open_segments(
                index_folder(self.handle.folder),
                reader,
                database.store_id,
                tuple(known),
                self.refused,
            )

    def _written(self, known: tuple[Segment, ...]) -> list[Segment]:
        """Return the files once all that is missing has been written."""
        folder = index_folder(self.handle.folder)
        folder.mkdir(parents=True, exist_ok=True)
        with file_lock(folder / LOCK_FILE, wait=True):
            files = self._opened(known)  # Somebody else may have written meanwhile.
            for span in gaps(files, self.end):
                low, high = merged_spans(files, span)
                while low < high:
                    _, low = build_file(self.handle.database, folder, low, high, self._advance)
                files = self._opened([*known, *files])
            sweep(folder, files)
        return files

    def _cannot_write(self, fault: OSError) -> None:
        if fault.errno == errno.ENOENT:
            return  # Somebody took the folder away; the next query makes it again.
        self.can_write = False
        warn(
            f"{index_folder(self.handle.folder)}: the index of frames cannot be kept "
            f"({fault.strerror}); it is built in memory, and again by each process"
        )

    def _advance(self, done: int) -> None:
        self.built += done
        if self.progress is not None:
            self.progress(min(self.built, self._total), self._total)


def _length(spans: Iterable[Span]) -> int:
    return sum(high - low for low, high in spans)


def _sorted(segments: Iterable[Segment]) -> list[Segment]:
    return sorted(segments, key=lambda one: (one.low, -one.high))


def _covered(segment: Segment, files: Iterable[Segment]) -> bool:
    """Tell whether files say all that a segment in memory does."""
    return all(
        low >= segment.high or high <= segment.low for low, high in gaps(files, segment.high)
    )
