"""Hugging Face datasets: a memory-mapped Arrow file, filtered by a function over batches."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import datasets
import pyarrow
from datasets.features import Features
from querydata import FIRST, Question

from querying.arrowask import COLUMNS, fitting
from querying.arrowtable import SCHEMA, batches

__all__ = ["Contender"]

Frame = dict[str, Any]
_BATCH = 10_000


class Contender:
    """One dataset on disk, rows in the order of iteration."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "frames.arrow"
        self._set = datasets.Dataset.from_file(str(self._path)) if self._path.exists() else None

    def ingest(self, frames: Iterable[Frame]) -> None:
        schema = Features.from_arrow_schema(SCHEMA).arrow_schema
        path = str(self._path)
        with pyarrow.OSFile(path, "wb") as file, pyarrow.ipc.new_stream(file, schema) as writer:
            for batch in batches(frames):
                writer.write_batch(batch.cast(schema))
        self._set = datasets.Dataset.from_file(str(self._path))

    def ask(self, question: Question) -> tuple[int, list[str]]:
        ids = fitting(question)
        chosen = self._set.select_columns(COLUMNS[question.kind]).with_format("arrow")
        found: list[str] = []
        for table in chosen.iter(_BATCH):
            for batch in table.combine_chunks().to_batches():
                found += ids(batch)
        return len(found), found[:FIRST]

    def walk(self, most: int | None = None) -> int:
        count = 0
        chosen = self._set if most is None else self._set.select(range(most))
        for frame in chosen:
            count += len(frame["sources"]) > 0 and len(frame["meta"]) > 0
        return count

    def shuffled(self, most: int | None = None) -> int:
        count = 0
        chosen = self._set.shuffle(seed=7)
        for frame in chosen if most is None else chosen.select(range(most)):
            count += len(frame["sources"]) > 0 and len(frame["meta"]) > 0
        return count

    def close(self) -> None:
        self._set = None
