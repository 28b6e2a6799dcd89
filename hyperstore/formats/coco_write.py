"""Frames to a COCO file: streamed, in memory that does not grow, whole or not at all.

What came from the file chosen goes back as it was, or as somebody left it. What was made by hand
is written too: frames as images, ROIs of the file's task as annotations, with ids after the
largest of the file (so they wait in a side file until all ids have been seen) and names that tell
their pictures apart (`newpictures`). What COCO cannot say is counted in the report.

Images stand in the order of their frames, annotations in that of their images and there as they
stood in the file; what was made by hand follows. All other lists are as they came.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from hyperstore.formats.coco_categories import Categories, key_of
from hyperstore.formats.coco_choice import Choice, choose, join, refuse_masks
from hyperstore.formats.coco_map import annotation_of
from hyperstore.formats.coco_standard import CAPTION, kind_of, labels_of, task_of
from hyperstore.formats.combine import Wire, identity, mapping, records, sequence
from hyperstore.formats.newpictures import SAME_NAME, NewPicture, NewPictures, uri_of
from hyperstore.formats.panoptic_map import mask_id
from hyperstore.formats.pictures import is_url
from hyperstore.formats.report import Report
from hyperstore.formats.shapes import bounds, is_turned, numbers
from hyperstore.formats.target import Target
from hyperstore.formats.unsaid import TURNED, note_unsaid

__all__ = ["Export", "Whole", "write"]

_OWN_META = frozenset({"_type", "_id", CAPTION})


Whole = Callable[[Wire, Wire, str | None], Wire | None]
"""From a frame, its image, and the key of the file that it came from (None where its image is
new): the one annotation that a format has for an image, should there be one."""


def write(
    frames: Iterable[Wire],
    version_meta: Mapping[str, object],
    file: Path,
    *,
    of: str | None = None,
    images: Path | None = None,
) -> Report:
    """Write one COCO file from the frames of a version, and say what was written and what not.

    `of` names a task or a file of the version; it may be left out where all files are of one task.
    A file gives back its own frames; a task those of all its files and of none. Pictures of frames
    made by hand are named relative to `images`, or else to the folder of the file; those elsewhere
    by their bare names, with as many folders above them as tell them apart.
    """
    report = Report()
    choice = choose(version_meta, of)
    refuse_masks(choice)
    categories = join(choice, version_meta, report)
    with Target.open(file) as target, NewPictures.open(images or file.parent) as new:
        export = Export(target, choice, categories, new=new, report=report)
        export.begin()
        for frame in frames:
            export.add(frame)
        export.add_new()
        export.end()
    return report


class Export:
    """One COCO file that is being written: `begin`, `add` each frame, `add_new`, then `end`."""

    def __init__(
        self,
        target: Target,
        choice: Choice,
        categories: Categories,
        *,
        new: NewPictures,
        report: Report,
        whole: Whole | None = None,
    ) -> None:
        self._target = target
        self._whole = whole
        self._choice = choice
        self._categories = categories
        self._new = new
        self._report = report
        self._annotations = target.side()
        self._waiting = target.side()
        self._last_image = self._last_annotation = 0
        self._images = sqlite3.connect("")  # A private file that SQLite removes.
        self._images.execute("CREATE TABLE seen (key TEXT PRIMARY KEY) WITHOUT ROWID")

    def begin(self) -> None:
        self._target.write("{")
        fields = self._choice.fields if self._choice.keys else {"info": {}, "licenses": []}
        for name, value in fields.items():
            if name != "categories":
                self._target.write(f"{_json(name)}: {_json(value)},\n")
        self._target.write('"images": [')

    def add(self, frame: Wire) -> None:
        found = [pair for pair in records(frame.get("_coco")) if pair[0] in self._choice.keys]
        if self._choice.is_joined:
            found = found[:1]
        if any(self._is_copy(record) for _, record in found):
            self._report.note("copied frame, exported under a new image id", str(frame.get("id")))
            self._new.put(frame, copied=True)
        elif found:
            self._add_known(frame, [(file, mapping(record)) for file, record in found])
        elif self._belongs(frame):
            self._new.put(frame)
        else:
            self._report.count("frames of other files, left out")

    def _is_copy(self, record: object) -> bool:
        """Whether an image of that id was written already: somebody copied the frame."""
        if self._choice.is_joined:
            return False
        key = key_of(mapping(record).get("id"))
        known = self._images.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount == 0
        return known or key is None

    def _belongs(self, frame: Wire) -> bool:
        """Whether a frame that is in none of the files is exported with them."""
        if not self._choice.whole:
            return False
        if not any(file in self._choice.known for file, _ in records(frame.get("_coco"))):
            return True
        return any(
            self._origin(mapping(roi)) is None and self._choice.takes(task_of(mapping(roi)))
            for roi in sequence(frame.get("rois"))
        )

    def _add_known(self, frame: Wire, found: list[tuple[str, Wire]]) -> None:
        place = f"frame {frame.get('id')}"
        for _, record in found:
            self._report.count("images")
            self._new.give(record.get("file_name"), frame)
            if self._choice.is_joined:
                record = record | {"id": self._last_image + 1}
            self._last_image = _larger(self._last_image, record.get("id"))
            self._write_item(None, "images", record)
        image_id = self._last_image if self._choice.is_joined else found[0][1].get("id")
        if self._whole is not None:
            self._put_whole(self._whole(frame, found[0][1], found[0][0]), image_id)
            note_unsaid(frame, place, self._report, by="COCO")
            return
        for item in sequence(mapping(frame.get("_coco")).get("kept")):
            if mapping(item).get("file") in self._choice.keys:
                self._put(dict(mapping(mapping(item).get("annotation"))), image_id)
        self._rois(frame, place, image_id=image_id, copied=False)

    def add_new(self) -> None:
        """Write the frames that came from no file, now that their pictures have names."""
        for picture in self._new.named():
            place = f"frame {picture.frame.get('id')}"
            self._last_image += 1
            image = self._picture(picture, place) | {"id": self._last_image}
            self._report.count("images")
            self._write_item(None, "images", image)
            if self._whole is not None:
                self._put_whole(self._whole(picture.frame, image, None), self._last_image)
                note_unsaid(picture.frame, place, self._report, by="COCO")
            else:
                self._rois(picture.frame, place, image_id=self._last_image, copied=picture.copied)

    def _rois(self, frame: Wire, place: str, *, image_id: object, copied: bool) -> None:
        sources = [mapping(item).get("id") for item in sequence(frame.get("sources"))]
        seen: set[object] = set()
        for index, item in enumerate(sequence(frame.get("rois"))):
            roi, where = mapping(item), f"{place}: rois[{index}]"
            origin = self._origin(roi)
            named = identity(roi, "_coco")
            if origin is not None and origin not in self._choice.keys:
                continue  # Another file gives it back.
            on = sequence(roi.get("sources"))
            if on and sources and sources[0] not in on:
                self._report.note("ROI on a source other than the first, left out", where)
                continue
            new = origin is None or named in seen or copied
            if origin is None and not self._choice.takes(task_of(roi)):
                self._report.note(f"ROI that belongs to the task {task_of(roi)}, left out", where)
                continue
            seen.add(named)
            self._roi(roi, where, image_id=image_id, new=new, imported=origin is not None)
        note_unsaid(frame, place, self._report, by="COCO")
        given = {mask_id(file) for file in self._choice.known}  # `export panoptic` gives them back.
        for source in sequence(frame.get("sources")):
            masks = sequence(mapping(source).get("masks"))
            if any(mapping(mask).get("id") not in given for mask in masks):
                self._report.note("frame whose masks COCO has no place for", place)
                break

    def _roi(self, roi: Wire, where: str, *, image_id: object, new: bool, imported: bool) -> None:
        labels = labels_of(roi)
        self._label(roi, labels, imported=imported)
        annotation = annotation_of(
            roi, self._categories, image_id=image_id, report=self._report, place=where
        )
        if annotation is None:
            self._report.note(f"ROI of kind {kind_of(roi)}, which COCO cannot say", where)
            return
        if len(labels) > 1:
            self._report.note("ROI with several labels, of which one is written", where)
        if not _OWN_META.issuperset(mapping(roi.get("meta"))):
            self._report.note("ROI whose metadata COCO has no place for", where)
        if not imported and kind_of(roi) == "elp":
            self._report.note("ellipse written as a polygon", where)
        if not imported and kind_of(roi) == "b2d" and annotation.get("segmentation"):
            self._report.note("rotated box written as a polygon", where)
        poly = numbers(roi.get("poly")) or []
        if kind_of(roi) == "b2d" and is_turned(poly) and annotation.get("bbox") == bounds(poly):
            self._report.note(TURNED, where)
        if new:
            annotation["id"] = None
            annotation["image_id"] = image_id
        self._put(annotation, image_id, new=new)

    def _label(self, roi: Wire, labels: list[str], *, imported: bool) -> None:
        """Make a category where the ROI's label has none and needs one."""
        is_caption = labels[:1] == [CAPTION] and (imported or self._choice.task == "captions")
        if labels and not is_caption and all(self._categories.id_of(x) is None for x in labels):
            self._categories.add(labels[0])
            self._report.note("category added for a label that the file has not", labels[0])

    def _put(self, annotation: Wire, image_id: object, *, new: bool = False) -> None:
        """Write an annotation, or let it wait for ids that are not known yet."""
        self._report.count("annotations")
        if self._choice.is_joined:
            self._last_annotation += 1
            annotation |= {"id": self._last_annotation, "image_id": image_id}
        elif new:
            self._target.write_side(self._waiting, _json(annotation) + "\n")
            return
        self._last_annotation = _larger(self._last_annotation, annotation.get("id"))
        self._write_item(self._annotations, "annotations", annotation)

    def _put_whole(self, annotation: Wire | None, image_id: object) -> None:
        """Write the one annotation of an image, which has no id of its own."""
        if annotation is None:
            return
        self._report.count("annotations")
        if self._choice.is_joined or "image_id" not in annotation:
            annotation = annotation | {"image_id": image_id}
        self._write_item(self._annotations, "annotations", annotation)

    def _origin(self, roi: Wire) -> str | None:
        """Return the key of the file of this version that the ROI came from."""
        named = identity(roi, "_coco")
        return named[0] if named is not None and named[0] in self._choice.known else None

    def _picture(self, new: NewPicture, place: str) -> Wire:
        """Return the image of a frame that was made by hand, without its id."""
        source = mapping(next(iter(sequence(new.frame.get("sources"))), {}))
        uri = uri_of(new.frame)
        image: Wire = {"file_name": new.name}
        if is_url(uri) and not uri.startswith("file://"):
            image["coco_url"] = uri
        elif not new.is_inside:
            self._report.note("picture outside the folder, named by the end of its path", place)
        if new.is_wider:
            self._report.note(SAME_NAME, place)
        for side in ("width", "height"):
            if isinstance(source.get(side), int):
                image[side] = source[side]
            else:
                self._report.note(f"image without a {side}", place)
        return image

    def _write_item(self, side: BinaryIO | None, name: str, item: Wire) -> None:
        count = self._report.counts.get(f"{name} written", 0)
        self._report.counts[f"{name} written"] = count + 1
        text = (",\n" if count else "\n") + _json(item)
        if side is None:
            self._target.write(text)
        else:
            self._target.write_side(side, text)

    def end(self) -> None:
        """Give ids to what waits, then write the annotations and the categories."""
        for line in self._target.lines(self._waiting):
            self._last_annotation += 1
            annotation = json.loads(line) | {"id": self._last_annotation}
            self._write_item(self._annotations, "annotations", annotation)
        self._images.close()
        self._target.write("\n]")
        written = self._report.counts.pop("annotations written", 0)
        self._report.counts.pop("images written", 0)
        if written or "annotations" not in self._choice.absent:
            self._target.write(',\n"annotations": [')
            self._target.append(self._annotations)
            self._target.write("\n]")
        self._write_categories()
        self._target.write("}\n")

    def _write_categories(self) -> None:
        listed = sequence(self._choice.fields.get("categories")) + list(self._categories.added)
        needed = not self._choice.keys and self._choice.task != "captions"
        if listed or needed or "categories" in self._choice.fields:
            shown = listed if listed else self._choice.fields.get("categories", [])
            self._target.write(f',\n"categories": {_json(shown)}')
        self._report.count("categories", len(listed))


def _larger(last: int, value: object) -> int:
    return max(last, value) if type(value) is int else last


def _json(value: object) -> str:
    return json.dumps(value, allow_nan=False)
