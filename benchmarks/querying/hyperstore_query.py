"""hyperstore: one dataset, its draft `Current` committed; questions as the command asks them."""

import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import querydata
from querydata import FIRST, Question

import hyperstore
from hyperstore.dataset.view import View
from hyperstore.query.language.condition import Condition, RoiCondition, Scope
from hyperstore.query.language.parser import parse, roi_node
from hyperstore.query.selection.selection import Part, Selection

__all__ = ["Contender"]

Frame = dict[str, Any]
_SEED = 7


def _condition(question: Question) -> Condition:
    value = question.value
    if question.kind == "roi":
        asked = f'label.keyword:"{value}" AND confidence:>{question.low}'
        return Condition(rois=(RoiCondition(roi_node(asked)),))
    if question.kind == "label":
        return Condition(rois=(RoiCondition(roi_node(value)),))
    if question.kind == "wildcard":
        return Condition(source=parse(f"uri:{value}", Scope.SOURCE))
    lucene = {
        "term": f'meta.city.keyword:"{value}"',
        "range": f"meta.{value}:[{question.low} TO {question.high}}}",
        "exists": f"_exists_:meta.{value}",
    }[question.kind]
    return Condition(frame=parse(lucene, Scope.FRAME))


class Contender:
    """The draft of one dataset, with its index in the store's cache."""

    walks_all = True

    def __init__(self, folder: Path) -> None:
        self._path = folder / ".hyperstore"
        fresh = not self._path.exists()
        self._store = hyperstore.init(self._path) if fresh else hyperstore.open(self._path)
        self._dataset = (
            self._store.create_dataset("bench") if fresh else self._store.dataset("bench")
        )
        self._version = self._dataset.version("Current")

    def ingest(self, frames: Iterable[Frame]) -> None:
        self._version.add_frames(frames, strict=True)
        self._version.commit("Add frames")

    def ask(self, question: Question, view: View | None = None) -> tuple[int, list[str]]:
        part = Part(self._version.view() if view is None else view, _condition(question))
        selection = Selection(self._store.handle, [part])
        count = len(selection)
        return count, selection.frame_ids(0, min(FIRST, count))

    def index_bytes(self) -> int:
        """Return what lies in the cache that queries use."""
        folder = self._path / "cache"
        return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())

    def child(self, count: int, size: int) -> View:
        """Return the frames of a version that is so many changed frames away."""
        version = self._dataset.create_version("child", parent=self._version)
        step = size // count
        version.update_frames(
            (querydata.frame(number, 1) for number in range(0, count * step, step)), strict=True
        )
        version.commit("Change frames")
        return version.view()

    def dataview(self, order: str = "sequential") -> Any:
        from hyperstore.query.dataview import DataView  # Not before: a question needs none.

        made = DataView(iteration_order=order, iteration_random_seed=_SEED, store=self._store)
        made.add_query(dataset_name="bench", version_name="Current")
        return made

    def walk(self, most: int | None = None, order: str = "sequential") -> int:
        count = 0
        for frame in islice(self.dataview(order).get_iterator(), most):
            count += len(frame.source) > 0 and len(frame.metadata) > 0
        return count

    def shuffled(self, most: int | None = None) -> int:
        return self.walk(most, "random")

    def first_shuffled(self) -> str:
        return str(next(self.dataview("random").get_iterator()).id)

    def resume(self, size: int) -> dict[str, float]:
        """Go on at half of an epoch in a new iterator; see that it gives what the old one does."""
        old = self.dataview("random").get_iterator()
        old.set_initial_iteration(size // 2)
        state = old.state_dict()
        start, cpu = time.perf_counter(), time.process_time()
        new = self.dataview("random").get_iterator()
        new.load_state_dict(state)
        first = next(new).id
        figures = {
            "resume_s": time.perf_counter() - start,
            "resume_cpu_s": time.process_time() - cpu,
        }
        assert [first, *(frame.id for frame in islice(new, 99))] == [
            frame.id for frame in islice(old, 100)
        ]
        return figures

    def lock(self) -> dict[str, float]:
        """Make a lock of the whole view, and compare the view with it."""
        from hyperstore.query.dataview import DataView

        start, cpu = time.perf_counter(), time.process_time()
        made = self.dataview().lock()
        between, middle = time.perf_counter(), time.process_time()
        DataView.from_lock(made, store=self._store)
        return {
            "make_s": between - start,
            "make_cpu_s": middle - cpu,
            "verify_s": time.perf_counter() - between,
            "verify_cpu_s": time.process_time() - middle,
        }

    def close(self) -> None:
        self._store.close()
