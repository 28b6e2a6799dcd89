"""Frames of a view as dicts: what the wire has of them, and what only a view knows.

Beside what a version's own dicts have these say `rule_name` and `label_rule_counts`, the query
that found the frame and how many ROIs fit each of its rules; of each ROI `label_num`;
`labels_size`; and `new_ver`, the frame of the same id in the version that the query asks to be
merged with.
"""

from collections.abc import Sequence

from hyperstore.dataset.draft import Place
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.lastchange import SavedTimes
from hyperstore.dataset.projection import Projection
from hyperstore.dataset.view import Frame, View
from hyperstore.frames.labelled import number_of_labels
from hyperstore.frames.records import RoiRecord, WholeRecord
from hyperstore.frames.reshape import stored_rois
from hyperstore.history.branches import head_of
from hyperstore.ids import CommitId, ObjectId
from hyperstore.query.language.condition import Condition, RoiCondition
from hyperstore.query.language.match import matching_rois
from hyperstore.query.views.queries import Query
from hyperstore.query.views.shape import Shape

__all__ = ["Dicts"]

_Wire = dict[str, object]


class Dicts:
    """What makes dicts of frames; picklable, and used in the place of a shape."""

    def __init__(
        self,
        handle: Handle,
        shape: Shape,
        projection: Sequence[str] | None,
        views: Sequence[View],
        queries: Sequence[tuple[str, Query]],
        newer: Sequence[View | None],
    ) -> None:
        """`views`, `queries` (with what they are called) and `newer` are of each part."""
        self._handle = handle
        self._shape = shape
        self._projection = projection
        self._views = list(views)
        self._queries = list(queries)
        self._newer = list(newer)
        self._chosen: Projection | None = Projection(projection or ())  # A bad path shows now.
        self._times: dict[int, SavedTimes] = {}

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_chosen": None, "_times": {}}

    def __call__(self, frame: Frame, part: int = 0, roi: int | None = None) -> _Wire:
        """Return a frame as a dict, or those parts of it that are asked for."""
        rules = self._queries[part][1].condition().rois
        counts = _counts(rules, stored_rois(frame), self._shape) if rules else {}
        wire = self._shape(frame, part, roi).to_dict()
        wire.setdefault("context_id", frame.context_id)
        wire.setdefault("timestamp", frame.timestamp or 0)
        home = frame.home
        if home is not None:
            wire["dataset"] = {"id": home.dataset_id, "version": home.version_id}
        wire["num_frames"] = 1
        wire["rule_name"] = self._queries[part][0]
        if counts:
            wire["label_rule_counts"] = counts
        self._number(wire)
        newer = self._newer[part]
        if newer is not None:
            self._add_newer(wire, newer, frame)
        chosen = self._chosen
        if chosen is None:
            chosen = self._chosen = Projection(self._projection or ())
        if chosen.wants_saved:
            self._add_times(wire, frame.id, part)
        return wire if self._projection is None else chosen.apply(wire)

    def _number(self, wire: _Wire) -> None:
        rois, labels = wire.get("rois"), self._shape.labels
        names: set[str] = set()
        for roi in rois if isinstance(rois, list) else ():
            names.update(roi["label"])
            if labels is not None:
                roi["label_num"] = number_of_labels(roi["label"], labels)
        wire["labels_size"] = len(names)

    def _add_newer(self, wire: _Wire, newer: View, frame: Frame) -> None:
        object_id = newer.object_ids([frame.id])[0]
        if object_id is not None and object_id != frame.object_id:
            wire["new_ver"] = newer.get_frame(frame.id).to_dict()

    def _add_times(self, wire: _Wire, frame_id: str, part: int) -> None:
        times = self._times.get(part)
        if times is None:
            times = self._times[part] = _saved_times(self._handle, self._views[part])
        saved = times.of([frame_id])[0]
        wire["saved"] = wire["updated"] = None if saved is None else saved.time_ms
        where = None if saved is None else saved.version_id
        wire["saved_in_version"] = wire["updated_in_version"] = where


def _saved_times(handle: Handle, view: View) -> SavedTimes:
    home = view.home
    if home.commit is not None:
        head: CommitId | None = CommitId(ObjectId(bytes.fromhex(home.commit)))
    else:
        with handle.database.reading() as reader:
            head = head_of(reader, home.dataset_id, home.version_id)
    return SavedTimes(handle, Place(home.dataset_id, home.version_id), view.snapshot, head)


def _counts(rules: Sequence[RoiCondition], rois: list[RoiRecord], shape: Shape) -> dict[str, int]:
    """Return for each rule, by its number, how many ROIs fit it."""
    record = WholeRecord(rois=rois, sources=[])
    counts: dict[str, int] = {}
    for at, rule in enumerate(rules):
        asked = RoiCondition(rule.node, confidence=rule.confidence)
        counts[str(at)] = len(matching_rois(Condition(rois=(asked,)), record, shape.roots))
    return counts
