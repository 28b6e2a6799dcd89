"""A store of small pictures to be loaded, and what plain Python expects of its order."""

from pathlib import Path
from typing import Any

from PIL import Image

import hyperstore
from hyperstore import DatasetVersion, DataView, SingleFrame, Store

__all__ = ["COUNT", "ids", "labelled", "numbered", "pictured", "viewing"]

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


def viewing(version: DatasetVersion, **iteration: Any) -> DataView:
    """Return a view of all frames of a version, to be gone through like this."""
    view = DataView(store=version._handle)
    view.add_query(dataset_id=version.dataset_id, version_id=version.version_id)
    view.set_iteration_parameters(**iteration)
    return view


def labelled(version: DatasetVersion, **iteration: Any) -> DataView:
    """Return the same with numbers for the labels of `pictured`."""
    view = viewing(version, **iteration)
    view.set_labels({"even": 0, "odd": 1})
    return view
