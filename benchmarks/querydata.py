"""The frames of `synthetic.py` with something to look for in them, and what is looked for.

Each question is asked twice: of what about 1 % of the frames have, and of what about 20 % have.
Which frames these are follows from hashes of their numbers, so no run of them lies together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import synthetic

__all__ = ["FIRST", "KINDS", "QUESTIONS", "Question", "frame", "frames"]

Frame = dict[str, Any]

FIRST = 1_000  # Ids that an answer has, beside the count.
_CITIES = ["Paris", "Rome", "Oslo", "Lima", "Cairo", "Quito", "Delhi", "Accra"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for: each contender says it in its own language."""

    kind: str
    value: str
    low: float = 0.0
    high: float = 0.0


QUESTIONS = {
    "roi 1%": Question("roi", "ambulance", 0.8),
    "roi 20%": Question("roi", "pedestrian", 0.8),
    "label 1%": Question("label", "tram"),
    "label 20%": Question("label", "bus"),
    "term 1%": Question("term", "Reykjavik"),
    "term 20%": Question("term", "Berlin"),
    "range 1%": Question("range", "speed", 40.0, 41.0),
    "range 20%": Question("range", "speed", 40.0, 60.0),
    "exists 1%": Question("exists", "note"),
    "exists 20%": Question("exists", "checked"),
    "wildcard 1%": Question("wildcard", "*/cam07?/*"),
    "wildcard 20%": Question("wildcard", "*/cam??e/*"),
}
KINDS = tuple(QUESTIONS)


def frame(number: int, edition: int = 0) -> Frame:
    """Return frame `number`; another edition of it has two regions moved and another speed."""
    made = synthetic.frame(number, edition)
    digits = made["id"]
    parts = [int(digits[at : at + 8], 16) / 2**32 for at in (0, 8, 16, 24)]
    rois, meta = made["rois"], made["meta"]
    if parts[0] < 0.0256:  # Of which 39 % are surer than 0.8.
        rois[0]["label"] = ["ambulance"]
    elif parts[0] < 0.5376:
        rois[1]["label"] = ["pedestrian"]
    if parts[1] < 0.21:
        rois[2]["label"] = ["tram" if parts[1] < 0.01 else "bus"]
    if parts[2] < 0.21:
        meta["city"] = "Reykjavik" if parts[2] < 0.01 else "Berlin"
    else:
        meta["city"] = _CITIES[number % 8]
    meta["speed"] = round(parts[3] * 100 + edition % 7, 3)
    if digits[1] in "0" and digits[3] < "3":
        meta["note"] = "look again"
    if digits[5] < "3":
        meta["checked"] = True
    place = int(digits[7:12], 16)
    camera = f"cam{place % 100:02d}{'abcde'[place // 100 % 5]}"
    made["sources"][0]["uri"] = f"s3://bucket/{camera}/{number:012d}.jpg"
    return made


def frames(count: int, start: int = 0) -> Iterator[Frame]:
    """Yield frames `start` to `start + count`, in the order of iteration."""
    return (frame(number) for number in range(start, start + count))
