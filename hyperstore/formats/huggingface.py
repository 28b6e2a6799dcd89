"""Frames as a dataset of Hugging Face: Parquet files with pictures in them, for `load_dataset`.

A row is a frame: `image` (bytes, or an address alone), `objects` with a list each of `id`, `bbox`
(x, y, width, height in source pixels, origin top-left), `category` (a ClassLabel), `area` and
`confidence`, `labels` of the whole picture, then id, context_id, timestamp, width, height, uri and
meta_json. With `whole` there is `wire` too, the frame as it is, so that nothing is lost on the way
back; else what has no place is counted: polygons become boxes, masks and further sources go.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from hyperstore.errors import UsageError
from hyperstore.formats.beside import put_about
from hyperstore.formats.combine import Wire
from hyperstore.formats.hffeatures import KEY, features_for
from hyperstore.formats.huggingface_read import HuggingFaceFrames, read
from hyperstore.formats.parquet import HOW, told, translated, wire_text
from hyperstore.formats.report import Report
from hyperstore.formats.staging import Staging
from hyperstore.frames.records import RoiRecord, SourceRecord, WholeRecord
from hyperstore.limits import (
    PARQUET_FILE_BYTES,
    PARQUET_PICTURES,
    PARQUET_PICTURES_BYTES,
    SHARD_MEMBER_BYTES_MAX,
)
from hyperstore.media.local import FILE_FAULTS
from hyperstore.media.rawfile import raw_file
from hyperstore.media.uri import file_name
from hyperstore.media.video import is_video
from hyperstore.query.tables import arrow
from hyperstore.query.tabular.batches import Frames, batches_of
from hyperstore.query.tabular.boxes import area_of, bounds_of
from hyperstore.query.tabular.metadata import json_text

__all__ = ["HuggingFaceFrames", "read", "write"]

_CARD = """---
configs:
- config_name: default
  data_files:
  - split: {split}
    path: data/{split}-*.parquet
---
"""


def write(
    frames: Frames,
    folder: Path,
    *,
    fetch: Callable[[str], str],
    meta: Mapping[str, object] | None = None,
    embed: bool = True,
    whole: bool = False,
    split: str = "train",
    file_bytes: int = PARQUET_FILE_BYTES,
    replace: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Report:
    """Write data/SPLIT-00000.parquet and so on into a folder, and say what is left out.

    `fetch` gives the path of a URI's file. With `embed` its bytes are written, else the path alone.
    A file ends when it has `file_bytes` of pictures. Frames are gone through twice: the classes are
    known only when all have been seen.
    """
    if not split.isascii() or not split.replace("_", "").isalnum():
        raise UsageError(f"a split is letters, digits and _, not {split[:80]!a}")
    report = Report()
    labels = _labels_of(frames)
    with Staging.open(folder, replace=replace) as staging:
        with translated(str(folder), "cannot be written"):
            files = _Files(staging, labels, fetch, report, split, file_bytes)
            files.embed, files.whole = embed, whole
            with files.open:
                for batch in told(batches_of(frames, rois=True), frames, progress):
                    for record in batch.records:
                        assert isinstance(record, WholeRecord)
                        files.add(record)
                files.end()
        staging.put("README.md", _CARD.format(split=split).encode())
        put_about(staging, meta)
    report.count("categories", len(labels))
    return report


def _labels_of(frames: Frames) -> list[str]:
    found: set[str] = set()
    for batch in batches_of(frames, rois=True):
        for record in batch.records:
            assert isinstance(record, WholeRecord)
            found.update(roi.label[0] for roi in record.rois or () if roi.label)
    return sorted(found)


class _Files:
    """The Parquet files, one after the other, and the rows that wait to be written together."""

    def __init__(
        self,
        staging: Staging,
        labels: list[str],
        fetch: Callable[[str], str],
        report: Report,
        split: str,
        most: int,
    ) -> None:
        self._pa, self._pq = arrow(), arrow("pyarrow.parquet")
        self._staging = staging
        self._numbers = {label: at for at, label in enumerate(labels)}
        self._labels = labels
        self._fetch = fetch
        self._report = report
        self._split = split
        self._most = most
        self.embed, self.whole = True, False
        self.open = ExitStack()
        self._writer: object = None
        self._number = 0
        self._rows: list[Wire] = []
        self._waiting = self._written = 0  # Bytes of pictures.

    def add(self, record: WholeRecord) -> None:
        place = f"frame {record.id}"
        row = self._row(record, place)
        self._rows.append(row)
        image = row["image"]
        data = image.get("bytes") if isinstance(image, dict) else None
        self._waiting += len(data) if isinstance(data, bytes) else 0
        self._report.count("frames")
        if len(self._rows) >= PARQUET_PICTURES or self._waiting >= PARQUET_PICTURES_BYTES:
            self._flush()
            if self._written >= self._most:
                self._close()

    def end(self) -> None:
        """Write what waits; without a frame, a file that has the columns."""
        if self._rows or self._number == 0:
            self._flush()
        self._close()

    def _flush(self) -> None:
        schema = self._schema()
        if self._writer is None:
            name = f"data/{self._split}-{self._number:05}.parquet"
            stream = self.open.enter_context(self._staging.created(name))
            writer = self._pq.ParquetWriter(stream, schema, **HOW)
            self._writer = self.open.enter_context(writer)
            self._number += 1
            self._report.count("files")
        table = self._pa.Table.from_pylist(self._rows, schema=schema)
        self._writer.write_table(table)  # type: ignore[attr-defined]
        self._written += self._waiting
        self._rows, self._waiting = [], 0

    def _close(self) -> None:
        self.open.close()
        self._writer, self._written = None, 0

    def _schema(self) -> object:
        pa = self._pa
        objects = pa.struct([
            ("id", pa.list_(pa.string())),
            ("bbox", pa.list_(pa.list_(pa.float64(), 4))),
            ("category", pa.list_(pa.int64())),
            ("area", pa.list_(pa.float64())),
            ("confidence", pa.list_(pa.float64())),
        ])  # fmt: skip
        fields = [
            ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            ("id", pa.string()),
            ("context_id", pa.string()),
            ("timestamp", pa.int64()),
            ("width", pa.int64()),
            ("height", pa.int64()),
            ("objects", objects),
            ("labels", pa.list_(pa.int64())),
            ("uri", pa.string()),
            ("meta_json", pa.string()),
        ]
        if self.whole:
            fields.append(("wire", pa.string()))
        features = features_for(self._labels, whole=self.whole)
        return pa.schema(fields, metadata={KEY: features})

    def _row(self, record: WholeRecord, place: str) -> Wire:
        source = record.sources[0]
        row: Wire = {
            "image": self._image(source, place),
            "id": record.id,
            "context_id": record.context_id,
            "timestamp": record.timestamp,
            "width": source.width,
            "height": source.height,
            "uri": source.uri,
            "meta_json": None if record.meta is None else json_text(record.meta),
        }
        row |= self._objects(record, source.id, place)
        if self.whole:
            return row | {"wire": wire_text(record)}
        if len(record.sources) > 1:
            self._report.note("frame of several sources, of which the first is written", place)
        if source.masks:
            self._report.note("frame whose masks have no place", place)
        if record.extra or record.meta_blob or record.blob is not None:
            self._report.note("frame with fields that have no place", place)
        return row

    def _image(self, source: SourceRecord, place: str) -> Wire | None:
        if is_video(source.uri, source.content_type):
            self._report.note("video, of which no picture is written", place)
            return None
        try:
            path = self._fetch(source.uri)
            if not self.embed:
                return {"bytes": None, "path": path}
            with raw_file(path) as raw:
                if raw.size > SHARD_MEMBER_BYTES_MAX:
                    self._report.note("picture that is too long, left out", place)
                    return None
                data = raw.stream.read()
                raw.check_same()
        except FILE_FAULTS as fault:
            self._report.note("picture that is not to be had, left out", f"{place}: {fault}")
            return None
        return {"bytes": data, "path": file_name(source.uri)}

    def _objects(self, record: WholeRecord, source: str, place: str) -> Wire:
        objects: dict[str, list[object]] = {
            name: [] for name in ("id", "bbox", "category", "area", "confidence")
        }
        labels: list[int] = []
        for at, roi in enumerate(record.rois or ()):
            where = f"{place}: rois[{at}]"
            if roi.sources and source not in roi.sources:
                self._note("ROI on a source other than the first, left out", where)
                continue
            box = bounds_of(roi)
            label = self._numbers[roi.label[0]]
            if len(roi.label) > 1:
                self._note("ROI with several labels, of which the first is written", where)
            if roi.meta or roi.extra:
                self._note("ROI whose metadata has no place", where)
            if box is not None:
                if roi.kind != "b2d":
                    self._note("shape written as the box around it", where)
                objects["id"].append(roi.id)
                objects["bbox"].append(box)
                objects["category"].append(label)
                objects["area"].append(area_of(roi))
                objects["confidence"].append(roi.confidence)
            elif _is_plain(roi):
                labels.append(label)
            else:
                self._note(f"ROI of kind {roi.kind}, left out", where)
        return {"objects": objects, "labels": labels}

    def _note(self, what: str, where: str) -> None:
        if not self.whole:
            self._report.note(what, where)


def _is_plain(roi: RoiRecord) -> bool:
    """Whether an ROI labels the picture as a whole."""
    return roi.poly is None and roi.mask is None
