"""What a user could write by hand: packed frames in LMDB, each unpacked and looked at."""

import random
from collections.abc import Callable, Iterable, Iterator
from fnmatch import translate
from itertools import islice
from pathlib import Path
from re import compile as compiled
from typing import Any

import lmdb
import msgpack
from querydata import FIRST, Question

__all__ = ["Contender"]

Frame = dict[str, Any]


def _fits(question: Question) -> Callable[[Frame], bool]:
    value, low, high = question.value, question.low, question.high
    if question.kind == "roi":
        return lambda frame: any(
            value in roi["label"] and roi["confidence"] > low for roi in frame["rois"]
        )
    if question.kind == "label":
        return lambda frame: any(value in roi["label"] for roi in frame["rois"])
    if question.kind == "term":
        return lambda frame: frame["meta"].get("city") == value
    if question.kind == "range":
        return lambda frame: low <= frame["meta"][value] < high
    if question.kind == "exists":
        return lambda frame: value in frame["meta"]
    match = compiled(translate(value)).match
    return lambda frame: any(match(source["uri"]) for source in frame["sources"])


class Contender:
    """Frames under numbers that grow in the order of iteration."""

    walks_all = True

    def __init__(self, folder: Path) -> None:
        self._env = lmdb.open(str(folder), map_size=1 << 40)

    def ingest(self, frames: Iterable[Frame]) -> None:
        with self._env.begin(write=True) as txn:
            for number, frame in enumerate(frames):
                txn.put(number.to_bytes(8, "big"), msgpack.packb(frame), append=True)

    def _frames(self) -> Iterator[Frame]:
        with self._env.begin(buffers=True) as txn:
            for _, packed in txn.cursor():
                yield msgpack.unpackb(packed)

    def ask(self, question: Question) -> tuple[int, list[str]]:
        fits = _fits(question)
        found = [frame["id"] for frame in self._frames() if fits(frame)]
        return len(found), found[:FIRST]

    def walk(self, most: int | None = None) -> int:
        count = 0
        for frame in islice(self._frames(), most):
            count += len(frame["sources"]) > 0 and len(frame["meta"]) > 0
        return count

    def shuffled(self, most: int | None = None) -> int:
        count = 0
        with self._env.begin(buffers=True) as txn:
            numbers = list(range(txn.stat()["entries"]))
            random.Random(7).shuffle(numbers)
            for number in numbers[:most]:
                frame = msgpack.unpackb(txn.get(number.to_bytes(8, "big")))
                count += len(frame["sources"]) > 0 and len(frame["meta"]) > 0
        return count

    def close(self) -> None:
        self._env.close()
