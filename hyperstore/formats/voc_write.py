"""Frames to a folder of Pascal VOC: one XML file a picture, lists of pictures, masks as they are.

What came from VOC goes back as it was: the same elements in the same order, in the same lists. What
was edited is written as it is now, and what was made by hand with what VOC's readers look for.
Segments of other masks become boxes, and masks as VOC has them (`voc_masks`). Pictures of no list
stand in `ImageSets/Main/all.txt` where no frame came from VOC; elsewhere they are counted. All
files appear together; no name in a frame leads out of the folder.
"""

from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from hyperstore.errors import FormatError, MediaError
from hyperstore.formats.combine import GIVEN_MASKS, Wire, mapping, records, sequence
from hyperstore.formats.newpictures import SAME_NAME, NewPicture, NewPictures, uri_of
from hyperstore.formats.panoptic_paint import MaskFiles
from hyperstore.formats.pictures import relative_name
from hyperstore.formats.report import Report
from hyperstore.formats.staging import Staging
from hyperstore.formats.unsaid import note_unsaid
from hyperstore.formats.voc_labelmap import LABELMAP
from hyperstore.formats.voc_map import object_of
from hyperstore.formats.voc_masks import CLASS, OBJECT, Masks, Segments
from hyperstore.formats.xmltext import document
from hyperstore.limits import PICTURE_PIXELS_MAX
from hyperstore.media.probe import verify
from hyperstore.media.rawfile import raw_file

__all__ = ["LISTED", "MASKS", "write"]

LISTED = "#listed"
"""Where a record keeps what lists and masks name a picture by, if not the bare name of its XML."""
MASKS = (CLASS, OBJECT)
_ALL = "ImageSets/Main/all.txt"
_OWN = ("sets", "xml", LISTED, GIVEN_MASKS)  # Of a record, what is not of its XML.


def write(
    frames: Iterable[Wire],
    folder: Path,
    *,
    fetch: Callable[[str], str],
    pixels_max: int = PICTURE_PIXELS_MAX,
    images: Path | None = None,
    legend: object = None,
    replace: bool = False,
) -> Report:
    """Write a VOC dataset from the frames of a version, and say what was written and what not.

    `fetch` gives the path of a mask's file from its URI; pictures of more than `pixels_max` are
    refused. Pictures of frames made by hand are named relative to `images`, or else by their bare
    names, with as many folders above them as tell them apart. `legend` is what the version's
    metadata says of the colours of masks, its `mask_labels`. The folder has to be empty or absent,
    unless `replace` writes among what is there.
    """
    report = Report()
    with Staging.open(folder, replace=replace) as staging, NewPictures.open(images) as new:
        files = MaskFiles(fetch, pixels_max)
        drawn = Masks(files, report, legend=legend)
        export = _Export(staging, drawn, files=files, new=new, report=report)
        for frame in frames:
            export.add(frame)
        export.add_new()
        export.end()
    return report


class _Export:
    def __init__(
        self,
        staging: Staging,
        drawn: Masks,
        *,
        files: MaskFiles,
        new: NewPictures,
        report: Report,
    ) -> None:
        self._staging = staging
        self._files = files
        self._drawn = drawn
        self._new = new
        self._report = report
        self._imported = 0
        self._unlisted = 0

    def add(self, frame: Wire) -> None:
        """Write a frame that came from VOC, and put any other aside."""
        found = [mapping(record) for _, record in records(frame.get("_voc"))]
        if not found:
            self._new.put(frame)
            return
        if len(found) > 1:
            place = f"frame {frame.get('id')}"
            self._report.note("frame of several VOC files, of which the first is written", place)
        self._new.give(found[0].get("filename"), frame)
        self._imported += 1
        self._write(frame, found[0], imported=True)

    def add_new(self) -> None:
        """Write the frames that were put aside, now that their pictures have names."""
        for picture in self._new.named():
            self._write(picture.frame, self._made(picture), imported=False)

    def _write(self, frame: Wire, record: Wire, *, imported: bool) -> None:
        place = f"frame {frame.get('id')}"
        source = mapping(next(iter(sequence(frame.get("sources"))), {}))
        file = self._file(record, frame, place, imported=imported)
        stem = self._stem(record, file, place, imported=imported)
        value = {name: held for name, held in record.items() if name not in _OWN}
        value |= _size(value, source)
        segments = self._drawn.segments(frame, place)
        objects, numbers = self._objects(frame, place, segments)
        copied = self._copy_masks(source, stem, place, segments)
        pngs = {} if segments is None else self._drawn.pngs(segments, numbers, place)
        for name, png in pngs.items():
            self._staging.put(f"{name}/{stem}.png", png)
            self._report.count("masks")
        if pngs or not imported:  # What came in says of its own masks what it likes.
            value["segmented"] = int(bool(pngs or copied))
        if objects:
            value["object"] = objects
        self._report.count("images")
        self._report.count("objects", len(objects))
        text = document("annotation", value, place=place, report=self._report)
        self._staging.put(f"Annotations/{file}", text)
        self._list(stem, record, imported=imported)
        note_unsaid(frame, place, self._report, by="VOC")

    def _made(self, new: NewPicture) -> Wire:
        """Return what a file says of a picture that came from none."""
        place = f"frame {new.frame.get('id')}"
        if self._new.has_folder and not new.is_inside:
            self._report.note("picture outside the folder, named by the end of its path", place)
        if new.is_wider:
            self._report.note(SAME_NAME, place)
        source = mapping(next(iter(sequence(new.frame.get("sources"))), {}))
        for side in ("width", "height"):
            if not isinstance(source.get(side), int):
                self._report.note(f"picture of unknown {side}", place)
        return {"filename": new.name, "source": {"database": "Unknown"}}

    def _file(self, record: Wire, frame: Wire, place: str, *, imported: bool) -> PurePosixPath:
        """Return the path of the XML file in `Annotations`, which no other has yet."""
        name = record.get("xml")
        try:
            if not isinstance(name, str):
                named = str(record.get("filename") or uri_of(frame) or "picture")
                picture = PurePosixPath(relative_name(named, images=None)[0])
                picture = PurePosixPath(picture.name) if imported else picture
                name = str(picture.with_suffix(".xml"))
            wanted = PurePosixPath(relative_name(name, images=None)[0])
        except FormatError as fault:
            raise FormatError(f"{place}: {fault}") from None
        if wanted.suffix.lower() != ".xml":
            wanted = wanted.with_name(f"{wanted.name}.xml")
        file, number = wanted, 1
        while self._staging.has(f"Annotations/{file}"):
            number += 1
            file = wanted.with_stem(f"{wanted.stem}-{number}")
        if number > 1:
            self._report.note("picture whose name another has too, its file renamed", place)
        return file

    def _stem(self, record: Wire, file: PurePosixPath, place: str, *, imported: bool) -> str:
        """Return what lists and masks name the picture by: where its XML is, if not as it came."""
        listed = record.get(LISTED)
        if not isinstance(listed, str):
            return file.stem if imported else file.with_suffix("").as_posix()
        try:
            return relative_name(listed, images=None)[0]
        except FormatError as fault:
            raise FormatError(f"{place}: {fault}") from None

    def _objects(
        self, frame: Wire, place: str, segments: Segments | None
    ) -> tuple[list[object], dict[int, int]]:
        """Return the objects in the order of the ROIs, those without a box where they stood.

        Also the number in the XML of each segment, by the index of its ROI.
        """
        numbers: dict[int, int] = {}
        sources = [mapping(source).get("id") for source in sequence(frame.get("sources"))]
        boxless = [mapping(item) for item in sequence(mapping(frame.get("_voc")).get("kept"))]
        boxless.sort(key=_at)
        objects: list[object] = []
        for index, item in enumerate(sequence(frame.get("rois"))):
            roi, where = mapping(item), f"{place}: rois[{index}]"
            number = mapping(roi.get("_voc")).get("id")
            while boxless and isinstance(number, int) and _at(boxless[0]) < number:
                objects.append(boxless.pop(0).get("annotation"))
            on = sequence(roi.get("sources"))
            if on and sources and sources[0] not in on:
                self._report.note("ROI on a source other than the first, left out", where)
                continue
            box = None if segments is None else segments.boxes.get(index)
            said = object_of(roi if box is None else box, report=self._report, place=where)
            if said is not None:
                objects.append(said)
                if box is not None:
                    numbers[index] = len(objects)
        return [*objects, *(item.get("annotation") for item in boxless)], numbers

    def _list(self, stem: str, record: Wire, *, imported: bool) -> None:
        """Put the picture into its lists."""
        lists = [one for one in sequence(record.get("sets")) if isinstance(one, str)]
        for one in lists:
            name = relative_name(one, images=None)[0]
            self._staging.append(f"ImageSets/{name}.txt", stem)
        if not lists and not imported:
            self._unlisted += 1
            self._staging.append(_ALL, stem)

    def _copy_masks(self, source: Wire, stem: str, place: str, segments: Segments | None) -> int:
        """Copy the masks that VOC has folders for, byte by byte: their palettes are theirs.

        Answers how many.
        """
        copied = 0
        for item in sequence(source.get("masks")):
            mask = mapping(item)
            name, uri = mask.get("id"), str(mask.get("uri"))
            if segments is not None and name in segments.masks:
                continue
            if name not in MASKS:
                self._report.note("mask that VOC has no place for, left out", place)
                continue
            path = self._files.fetch(uri)
            found = verify(path, pixels_max=self._files.pixels_max)
            if found.fault is not None:
                raise MediaError(f"{place}: the mask {name}: {found.fault}")
            if found.content_type != "image/png":
                self._report.note("mask that is no PNG, left out", f"{place}: {path}")
                continue
            if self._staging.has(f"{name}/{stem}.png"):
                self._report.note("mask of a picture whose name another has too, left out", place)
                continue
            with raw_file(path) as raw:
                self._staging.copy(f"{name}/{stem}.png", raw.stream)
                raw.check_same()
            self._report.count("masks")
            copied += 1
            self._drawn.copied |= name == CLASS
        return copied

    def end(self) -> None:
        """Say of pictures made by hand that they are in no list, where others are in some."""
        labelmap = self._drawn.labelmap()
        if labelmap is not None:
            self._staging.append(LABELMAP, labelmap)
        if self._imported and self._unlisted:
            self._staging.remove(_ALL)
            self._report.note("picture in none of the lists of ImageSets", number=self._unlisted)


def _size(record: Wire, source: Wire) -> Wire:
    """Return the element of the size where the frame knows better than what was read."""
    size = record.get("size")
    held = size if isinstance(size, dict) else {}
    sides: Wire = {}
    for side in ("width", "height"):
        known, said = source.get(side), held.get(side)
        if isinstance(known, int) and not _is_number(said, known):
            sides[side] = known
    return {"size": held | sides} if sides and not isinstance(size, list) else {}


def _is_number(text: object, number: int) -> bool:
    try:
        return isinstance(text, str) and float(text) == number
    except ValueError:
        return False


def _at(kept: Wire) -> int:
    at = kept.get("at")
    return at if isinstance(at, int) else 0
