"""Facts of many files at once: remembered where a file is unchanged, else read by threads.

Hashing and reading wait for the disk and let others run, and a header costs little, so threads do
what processes would, without a script's having to be one that processes can import.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from hyperstore.formats.folderindex import Index
from hyperstore.formats.folderwalk import Found
from hyperstore.limits import FOLDER_BATCH, FOLDER_SAVE_S, FOLDER_THREADS
from hyperstore.media.facts import Facts, file_facts, picture_facts, video_facts
from hyperstore.media.headers import VIDEO_TYPES

__all__ = ["PICTURES", "Reading", "read_facts"]

PICTURES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


class Reading(NamedTuple):
    """A file with its facts; `is_new` where its bytes were read now."""

    found: Found
    facts: Facts
    is_new: bool


def read_facts(
    folder: Path,
    files: Iterable[Found],
    index: Index,
    *,
    verify: bool = False,
    decode: bool = False,
) -> Iterator[Reading]:
    """Yield each file with its facts, in order. `verify` believes nothing that is remembered."""
    source = iter(files)
    waiting: deque[tuple[list[Found], int, Future[list[Facts | None]]]] = deque()
    with ThreadPoolExecutor(FOLDER_THREADS) as pool:
        try:
            while True:
                while len(waiting) < 2 * FOLDER_THREADS:
                    batch = list(islice(source, FOLDER_BATCH))
                    if not batch:
                        break
                    todo = [verify or decode or not _is_known(index, one) for one in batch]
                    paths = [
                        folder / one.path if unread else None
                        for one, unread in zip(batch, todo, strict=True)
                    ]
                    began = time.time_ns()
                    if any(todo):
                        waiting.append((batch, began, pool.submit(_facts, paths, decode)))
                    else:
                        waiting.append((batch, began, _nothing(len(batch))))
                if not waiting:
                    return
                yield from _noted(waiting.popleft(), index)
        finally:
            pool.shutdown(cancel_futures=True)


def _noted(
    batch: tuple[list[Found], int, Future[list[Facts | None]]], index: Index
) -> Iterator[Reading]:
    for found, facts in zip(batch[0], batch[2].result(), strict=True):
        if facts is None:
            yield Reading(found, index.rows[found.path].facts, is_new=False)
        else:
            index.learn(found, facts, began_ns=batch[1])
            yield Reading(found, facts, is_new=True)
    index.save_now_and_then(FOLDER_SAVE_S)


def _is_known(index: Index, found: Found) -> bool:
    known = index.rows.get(found.path)
    return known is not None and known.is_of(found)


def _nothing(count: int) -> Future[list[Facts | None]]:
    future: Future[list[Facts | None]] = Future()
    future.set_result([None] * count)
    return future


def _facts(paths: Iterable[Path | None], decode: bool) -> list[Facts | None]:
    return [None if path is None else _read(path, decode=decode) for path in paths]


def _read(path: Path, *, decode: bool) -> Facts:
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        return picture_facts(path, whole=decode)
    if suffix in VIDEO_TYPES:
        return video_facts(path, suffix)
    return file_facts(path)
