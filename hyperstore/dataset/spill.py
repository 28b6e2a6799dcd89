"""Sorting more rows than memory should hold.

Rows are tuples that sort by their first items. Past a bound they are sorted and written to a
temporary file as a run; reading merges the runs. The file has no name and goes with the process.
"""

import contextlib
import heapq
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Generic, TypeVar

from hyperstore.codec import pack
from hyperstore.storage.translation import disk_errors

__all__ = ["Sorter"]

_ROWS_IN_MEMORY = 65_536
_ROWS_IN_BLOCK = 1_024

Row = TypeVar("Row", bound=tuple[object, ...])


class Sorter(Generic[Row]):
    """Collects rows in any order and gives them back sorted, once or more often."""

    def __init__(self, folder: Path, decode: Callable[[bytes], list[Row]]) -> None:
        self._folder = folder
        self._decode = decode  # Of a list of rows, as `pack` wrote them.
        self._rows: list[Row] = []
        self._file: IO[bytes] | None = None
        self._runs: list[list[tuple[int, int]]] = []  # For each run, its blocks: offset and size.

    def extend(self, rows: Iterable[Row]) -> None:
        """Take more rows; those of one call should be few thousand."""
        self._rows.extend(rows)
        if len(self._rows) >= _ROWS_IN_MEMORY:
            self._spill()

    def __iter__(self) -> Iterator[Row]:
        """Yield all rows in order."""
        self._rows.sort()
        if not self._runs:
            return iter(self._rows)
        return heapq.merge(*(self._read(run) for run in self._runs), self._rows)

    def close(self) -> None:
        """Give up the rows and the file."""
        self._rows = []
        self._runs = []
        if self._file is not None:
            with contextlib.suppress(OSError):  # What the disk refused is not wanted any more.
                self._file.close()
            self._file = None

    def _spill(self) -> None:
        self._rows.sort()
        with disk_errors(self._folder):
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - see close
            blocks = []
            for start in range(0, len(self._rows), _ROWS_IN_BLOCK):
                block = pack(self._rows[start : start + _ROWS_IN_BLOCK])
                blocks.append((self._file.tell(), len(block)))
                self._file.write(block)
            self._file.flush()  # Not when it is closed, where nobody would hear of a full disk.
        self._runs.append(blocks)
        self._rows = []

    def _read(self, run: list[tuple[int, int]]) -> Iterator[Row]:
        assert self._file is not None
        for offset, size in run:
            with disk_errors(self._folder):
                self._file.seek(offset)  # Other runs read the same file in between.
                block = self._file.read(size)
            yield from self._decode(block)
