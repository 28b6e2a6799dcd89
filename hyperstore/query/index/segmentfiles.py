"""The files of the index: which there are, which of them can be used, and which are made.

Segments are named by their spans and lie in `cache/index/`. None reaches over the end of a block
of 65,536 sequence numbers. Files come and go under whoever reads, who then looks what is there.
Whoever builds holds a lock, and looks again what is there once it has it.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from hyperstore.errors import CorruptError, MissingObjectError
from hyperstore.limits import INDEX_MERGE
from hyperstore.query.index.layout import BLOCK
from hyperstore.query.index.segment import Segment
from hyperstore.storage.reader import Reader

__all__ = [
    "LOCK_FILE",
    "Span",
    "drop",
    "gaps",
    "index_folder",
    "merged_spans",
    "open_segments",
    "sweep",
]

LOCK_FILE = "build.lock"
Span = tuple[int, int]
_NAME = re.compile(r"([1-9][0-9]{0,14})-([1-9][0-9]{0,14})\.segment\Z")


def index_folder(store: Path) -> Path:
    """Return where the index of a store lies."""
    return store / "cache" / "index"


def open_segments(
    folder: Path,
    reader: Reader,
    store_id: str,
    known: Sequence[Segment],
    refused: Collection[Path] = (),
) -> list[Segment]:
    """Return the usable segments, by rising numbers, none within another one.

    Those of `known` are used again. Files that are damaged, cut, of another store, or of another
    life of this store are taken away; those in `refused` could not be, and are passed over.
    """
    by_path = {segment.path: segment for segment in known}
    found: list[Segment] = []
    for low, high, path in _listed(folder):
        if found and high <= found[-1].high:
            continue  # Left behind by a merge.
        if path in refused:
            continue
        segment = by_path.get(path)
        if segment is None:
            try:
                segment = _checked(path, (low, high), reader, store_id)
            except CorruptError:
                drop(path)
                continue
            except OSError:
                continue
        found.append(segment)
    return found


def _checked(path: Path, span: Span, reader: Reader, store_id: str) -> Segment:
    """Return a segment; CorruptError for one that was made of other objects than are here.

    A store that was restored from a copy gives the same numbers to other objects.
    """
    segment = Segment.open(path)
    if (segment.low, segment.high) != span:
        raise CorruptError("a segment of the index has the name of another one")
    if segment.directory.store_id != store_id:
        raise CorruptError("a segment of the index is of another store")
    if segment.high > reader.last_sequence() + 1:
        raise CorruptError("a segment of the index is of a later state of the store")
    if reader.written_ms(segment.high - 1) > segment.directory.written_ms:
        # Or its rows were joined with later ones, which costs no more than to build it anew.
        raise CorruptError("a segment of the index is of numbers that were given again since")
    anchors = segment.directory.anchors
    for number, oid in anchors:
        found = None
        with suppress(MissingObjectError, CorruptError):
            found = reader.payloads_at([number])[0][0]
        if found == oid:
            return segment
        if found is not None:
            raise CorruptError("a segment of the index is of another life of the store")
    if anchors:
        # All were collected: what is left of the segment is worth building anew.
        raise CorruptError("a segment of the index is of frames that are gone")
    return segment


def drop(path: Path) -> bool:
    """Take a file away, if the system lets us; say whether it is gone."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _listed(folder: Path) -> list[tuple[int, int, Path]]:
    """Return the spans and files of the folder; of those that begin alike the longest is first."""
    found = []
    with suppress(OSError):
        for path in folder.iterdir():
            match = _NAME.match(path.name)
            if match is not None:
                found.append((int(match[1]), int(match[2]), path))
    return sorted(found, key=lambda one: (one[0], -one[1]))


def sweep(folder: Path, used: Iterable[Segment]) -> None:
    """Take away what merges and killed builders left. The lock is held."""
    kept = {segment.path for segment in used}
    with suppress(OSError):
        for path in folder.iterdir():
            if path not in kept and path.name != LOCK_FILE:
                drop(path)


def gaps(segments: Iterable[Segment], end: int) -> list[Span]:
    """Return the spans below `end` that no segment covers, cut where blocks end."""
    found: list[Span] = []
    at = 1
    for segment in segments:
        if at < segment.low:
            found.append((at, segment.low))
        at = max(at, segment.high)
    if at < end:
        found.append((at, end))
    cut: list[Span] = []
    for low, high in found:
        while low < high:
            stop = min(high, (low // BLOCK + 1) * BLOCK)
            cut.append((low, stop))
            low = stop
    return cut


def merged_spans(segments: Sequence[Segment], span: Span) -> Span:
    """Return a span with the small segments directly before it in its block.

    Each is taken along that is not much longer than what comes behind it: so a frame is indexed a
    number of times that grows with the logarithm of the size of a block.
    """
    low, high = span
    for segment in reversed(segments):
        if segment.high > low:
            continue
        if (
            segment.high < low
            or segment.low // BLOCK != low // BLOCK
            or segment.high - segment.low > INDEX_MERGE * (high - low)
            or segment.is_large
        ):
            break
        low = segment.low
    return low, high
