"""A store of small pictures to be loaded, and what plain Python expects of its order."""

from pathlib import Path

from PIL import Image

import hyperstore
from hyperstore import DatasetVersion, SingleFrame, Store

__all__ = ["COUNT", "ids", "numbered", "pictured"]

COUNT = 37
"""Frames: a number that neither 2, 3 nor 8 divides."""


def numbered(number: int) -> str:
    """Return the id of a frame."""
    return f"f{number:03}"


def ids(count: int = COUNT) -> list[str]:
    """Return the ids of all frames in order."""
    return [numbered(number) for number in range(count)]


def pictured(folder: Path, count: int = COUNT) -> tuple[Store, DatasetVersion]:
    """Return an open store with a version of pictures, whose red is the number of the frame."""
    (folder / "pictures").mkdir(parents=True)
    frames = []
    for number in range(count):
        path = folder / "pictures" / f"{number:03}.png"
        Image.new("RGB", (8 + number % 5, 6), (number, 0, 0)).save(path)
        frame = SingleFrame(id=numbered(number), source=path, context_id="c", timestamp=number)
        frame.add_annotation(
            box2d_xywh=[0, 0, number + 1, 3], labels=["even" if number % 2 == 0 else "odd"]
        )
        frames.append(frame)
    store = hyperstore.init(folder / "store")
    version = store.create_dataset("pictures").version()
    assert version.add_frames(frames) == []
    return store, version
