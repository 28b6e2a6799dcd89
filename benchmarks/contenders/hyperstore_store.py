"""hyperstore by its native API: one dataset, its draft `Current`, one commit an update."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import hyperstore
from hyperstore import SingleFrame
from hyperstore.maintenance.collect import gc

__all__ = ["Contender"]

_RECORD_BYTES = 32 + 1 + 8  # An object's id, kind and check, stored beside its payload.

Frame = dict[str, Any]


class Contender:
    """The draft of one dataset; opened stores start at it again."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / ".hyperstore"
        self._open()

    def _open(self) -> None:
        path = self._path
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
            count += len(frame.source) > 0 and len(frame.metadata) > 0
        return count

    def read_decoded(self) -> int:
        count = 0
        for frame in self._version.get_iterator():
            wire = frame.to_dict()
            count += len(wire["sources"]) and len(wire["meta"]) > 0
        return count

    def get_lazy(self, frame_id: str) -> object:
        frame = self._version.get_frame(frame_id)
        return frame.source, len(frame.metadata)

    def get_decoded(self, frame_id: str) -> object:
        return self._version.get_frame(frame_id).to_dict()

    def mark(self) -> int:
        with self._store.handle.database.reading() as reader:
            return reader.last_sequence()

    def record_bytes(self, mark: int) -> int:
        with self._store.handle.database.reading() as reader:
            records = reader.scan_objects(mark + 1)
            return sum(len(record.payload) + _RECORD_BYTES for record in records)

    def reopen(self) -> None:
        self.close()
        self._open()

    def revisions(self, count: int) -> list[str]:
        return [commit.id for commit in self._version.log()[:count]]

    def diff(self, old: str, new: str) -> int:
        return sum(1 for _ in self._version.diff(old, new))

    def branch(self, name: str) -> None:
        self._dataset.create_version(name, parent=self._version)

    def switch(self, name: str) -> None:
        self._store.set_head(self._dataset.version(name))

    def tag(self, name: str) -> None:
        self._version.tag(name)

    def collect(self) -> None:
        gc(self._store, prune_now=True, compact=True)

    def close(self) -> None:
        self._store.close()
