"""hyperstore by its native API: one dataset, its draft `Current`, one commit an update."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import hyperstore
from hyperstore import SingleFrame

__all__ = ["Contender"]

Frame = dict[str, Any]


class Contender:
    """The draft of one dataset; opened stores start at it again."""

    def __init__(self, folder: Path) -> None:
        path = folder / ".hyperstore"
        fresh = not path.exists()
        self._store = hyperstore.init(path) if fresh else hyperstore.open(path)
        self._dataset = (
            self._store.create_dataset("bench") if fresh else self._store.dataset("bench")
        )
        self._version = self._dataset.version("Current")

    def ingest(self, frames: Iterable[Frame]) -> None:
        self._version.add_frames(frames, strict=True)
        self._version.commit("Add frames")

    def ingest_derived(self, frames: Iterable[Frame]) -> None:
        self.ingest(frames)

    def ingest_objects(self, frames: Iterable[Frame]) -> None:
        self.ingest(SingleFrame.from_dict(frame) for frame in frames)

    def add_one(self, frame: Frame) -> None:
        self._version.add_frames([frame], strict=True)

    def update(self, frames: Iterable[Frame]) -> None:
        self._version.update_frames(frames, strict=True)
        self._version.commit("Change frames")

    def read_lazy(self) -> int:
        count = 0
        for frame in self._version.get_iterator():
            count += len(frame.sources) and len(frame.metadata) > 0
        return count

    def read_decoded(self) -> int:
        count = 0
        for frame in self._version.get_iterator():
            wire = frame.to_dict()
            count += len(wire["sources"]) and len(wire["meta"]) > 0
        return count

    def get_lazy(self, frame_id: str) -> object:
        (frame,) = self._version.get_frames_by_ids([frame_id])
        return len(frame.sources) and len(frame.metadata) > 0

    def get_decoded(self, frame_id: str) -> object:
        (frame,) = self._version.get_frames_by_ids([frame_id])
        return frame.to_dict()

    def revisions(self) -> list[str]:
        return [commit.id for commit, _ in zip(self._version.log(), range(2), strict=False)]

    def diff(self, old: str, new: str) -> int:
        return sum(1 for _ in self._dataset.diff(old, new))

    def branch(self, name: str) -> None:
        self._dataset.create_version(name, parent=self._version)

    def switch(self, name: str) -> None:
        self._store.switch(self._dataset, name)

    def tag(self, name: str) -> None:
        self._version.tag(name)

    def collect(self) -> None:
        self._store.collect(prune_now=True, compact=True)

    def close(self) -> None:
        self._store.close()
