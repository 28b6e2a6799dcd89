"""COCO-like wire frames of about 1.7 kB with 7 regions each, made from their number alone.

Frame `i` is the same in every process, so nothing has to be kept or shipped. Making a frame costs
time that belongs to nobody's store: `Timed` makes frames in chunks and keeps its own time apart.
"""

import hashlib
import random
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

__all__ = ["Frame", "Timed", "changed", "derived", "frame", "frame_id", "frames", "picks"]

Frame = dict[str, Any]

ROIS = 7
CHUNK_FRAMES = 500  # About 4 MB of live Python objects.
_RANDOM = random.Random(20261122)
_POOL = [round(_RANDOM.uniform(0, 640), 2) for _ in range(8191)]
_LABELS = ["person", "car", "dog", "chair", "bottle", "traffic light", "bird", "dining table"]


def _hexes(number: int) -> str:
    """Return 256 random-looking hex digits: eight ids of 32."""
    name = number.to_bytes(8, "big")
    return hashlib.blake2b(b"a" + name).hexdigest() + hashlib.blake2b(b"b" + name).hexdigest()


def frame_id(number: int) -> str:
    """Return the id of frame `number`."""
    return _hexes(number)[:32]


def frame(number: int, edition: int = 0) -> Frame:
    """Return frame `number`; another edition of it has its first two regions moved."""
    hexes = _hexes(number)
    uri = f"s3://bucket/coco/train2017/{number:012d}.jpg"
    rois: list[Frame] = []
    for place in range(ROIS):
        moved = edition * 97 if place < 2 else 0
        at = (number * 61 + place * 257 + moved) % 8000
        rois.append(
            {
                "id": hexes[32 * place + 32 : 32 * place + 64],
                "label": [_LABELS[(number + place) % 8]],
                "poly": _POOL[at : at + 8],
                "confidence": 0.5 + ((number * 7 + place) % 64) / 128,
                "sources": ["default"],
                "meta": {"_type": "b2d", "iscrowd": 0, "area": _POOL[at + 9]},
            }
        )
    return {
        "id": hexes[:32],
        "context_id": uri,
        "timestamp": 0,
        "sources": [
            {
                "id": "default",
                "uri": uri,
                "content_type": "image/jpeg",
                "width": 640,
                "height": 480,
                "timestamp": 0,
            }
        ],
        "rois": rois,
        "meta": {"split": "train", "license": number % 8, "night": number % 5 == 0},
    }


def frames(count: int, start: int = 0) -> Iterator[Frame]:
    """Yield frames `start` to `start + count`."""
    return (frame(number) for number in range(start, start + count))


def derived(count: int) -> Iterator[Frame]:
    """Yield the same frames with no id of their own, nor of their regions."""
    for each in frames(count):
        del each["id"]
        for roi in each["rois"]:
            del roi["id"]
        yield each


def picks(count: int, size: int, edition: int) -> list[int]:
    """Return `count` distinct frame numbers below `size`, others for each edition."""
    return random.Random(edition * 1_000_003 + size).sample(range(size), count)


def changed(count: int, size: int, edition: int) -> list[Frame]:
    """Return `count` frames of a store of `size`, each changed as an annotator would."""
    return [frame(number, edition) for number in picks(count, size, edition)]


class Timed:
    """An iterable that hands on frames made in chunks, and knows the time it took to make them."""

    def __init__(self, made: Iterable[Frame]) -> None:
        self._made = iter(made)
        self.wall_s = 0.0
        self.cpu_s = 0.0
        self.count = 0

    def __iter__(self) -> Iterator[Frame]:
        while chunk := self._chunk():
            self.count += len(chunk)
            chunk.reverse()
            while chunk:
                yield chunk.pop()  # The consumer holds the only reference, as from a real reader.

    def _chunk(self) -> list[Frame]:
        wall, cpu = time.perf_counter(), time.process_time()
        chunk = list(islice(self._made, CHUNK_FRAMES))
        self.wall_s += time.perf_counter() - wall
        self.cpu_s += time.process_time() - cpu
        return chunk
