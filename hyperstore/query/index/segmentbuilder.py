"""Building segments of the index from the objects, whatever is wrong with some of them.

Objects are read chunk by chunk, each chunk by a read of its own, so that a long build holds no old
state of the store. What is damaged is passed over: whoever needs that frame is told when it is
read.
"""

import gc
import mmap
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from hyperstore.errors import CorruptError
from hyperstore.ids import Kind, ObjectId, new_id
from hyperstore.limits import INDEX_CHUNK_BYTES, ROW_RECORDS_MAX
from hyperstore.query.index.columnbuilder import folded_words
from hyperstore.query.index.extractor import Extractor
from hyperstore.query.index.layout import BLOCK
from hyperstore.query.index.segment import Segment, SegmentWriter
from hyperstore.storage.database import Database
from hyperstore.storage.packing import row_key
from hyperstore.storage.reader import Reader

__all__ = ["Advance", "build_file", "build_in_memory"]

Advance = Callable[[int], None]
"""Told how many sequence numbers were done since the last call."""


def build_file(
    database: Database, folder: Path, low: int, high: int, advance: Advance
) -> tuple[Path, int]:
    """Write the segment of `low` to before `high`, or as far as memory allows, under a new name.

    Return its path and where it ends. OSError as the system says; nothing is left behind then.
    """
    extractor, end = _extracted(database, low, high, advance)
    temporary = folder / f".{new_id()}"
    try:
        with temporary.open("xb") as file:
            extractor.write(SegmentWriter(file), database.store_id, low, end)
        path = folder / f"{low}-{end}.segment"
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    return path, end


def build_in_memory(database: Database, low: int, high: int, advance: Advance) -> Segment:
    """Return a segment that only this process has: its file has no name, or is no file at all."""
    extractor, end = _extracted(database, low, high, advance)
    if len(extractor.frames) > BLOCK // 16:
        with suppress(OSError), tempfile.TemporaryFile() as file:
            _write(extractor, file, database.store_id, low, end)
            return Segment.of(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
        # The disk took only a part of it, and the columns are gone: they are gathered again.
        extractor, end = _extracted(database, low, high, lambda _: None)
    held = BytesIO()
    _write(extractor, held, database.store_id, low, end)
    return Segment.of(held.getbuffer())


def _write(extractor: Extractor, file: BinaryIO, store_id: str, low: int, high: int) -> None:
    with _no_garbage():
        extractor.write(SegmentWriter(file), store_id, low, high)


def _extracted(database: Database, low: int, high: int, advance: Advance) -> tuple[Extractor, int]:
    """Return the frames from `low` to before `high`, and where they end if they are too much."""
    extractor = Extractor(folded_words)
    at = low
    while at < high and not extractor.is_full:
        start = at
        with _no_garbage(), database.reading() as reader:
            at = _chunk(reader, extractor, at, high)
        advance(at - start)
    with database.reading() as reader:
        extractor.written_ms = reader.written_ms(at - 1)
    return extractor, at


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Look for no cycles of garbage meanwhile: none are made, and looking takes a fifth longer."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _chunk(reader: Reader, extractor: Extractor, start: int, high: int) -> int:
    """Take in a chunk of objects; return the number behind it."""
    taken = 0
    try:
        for sequence, oid, kind, payload, _ in reader.scan_objects(start):
            if sequence >= high:
                return high
            if kind == Kind.FRAME:
                extractor.add(sequence, oid, payload)
            start = sequence + 1
            taken += len(payload)
            if taken >= INDEX_CHUNK_BYTES:
                return start
    except CorruptError:
        found, start = _damaged_row(reader, start)
        for sequence, oid, payload in found:
            if sequence < high:
                extractor.add(sequence, oid, payload)
        return min(start, high)
    return high


def _damaged_row(reader: Reader, start: int) -> tuple[list[tuple[int, ObjectId, bytes]], int]:
    """Return the frames of the first row with objects from `start` on, and the number behind it.

    Those that are damaged are left out. A row may begin before `start`.
    """
    after = row_key(max(0, start - ROW_RECORDS_MAX - 1))
    with suppress(CorruptError):
        while (row := reader.survey_row(after, whole=True)) is not None:
            after = row.key
            records = [one for one in row.records if one.sequence >= start]
            number = int.from_bytes(row.key, "big")
            if records or number >= start:
                frames = [
                    (one.sequence, one.oid, one.payload)
                    for one in records
                    if one.payload is not None and one.kind == Kind.FRAME
                ]
                return frames, max([number + 1, *(one.sequence + 1 for one in records)])
    return [], 2**48


assert ROW_RECORDS_MAX < BLOCK
