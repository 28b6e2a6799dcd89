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
from hyperstore.formats.combine import Wire, mapping, records, sequence
from hyperstore.formats.panoptic_paint import MaskFiles
from hyperstore.formats.pictures import is_url, relative_name
from hyperstore.formats.report import Report
from hyperstore.formats.staging import Staging
from hyperstore.formats.unsaid import note_unsaid
from hyperstore.formats.voc_map import object_of
from hyperstore.formats.voc_masks import CLASS, OBJECT, Masks, Segments
from hyperstore.formats.xmltext import document
from hyperstore.limits import PICTURE_PIXELS_MAX
from hyperstore.media.probe import verify
from hyperstore.media.rawfile import raw_file

__all__ = ["MASKS", "write"]

MASKS = (CLASS, OBJECT)
_ALL = "ImageSets/Main/all.txt"
_OWN = ("sets", "xml")  # Of a record, what is not of its XML.


def write(
    frames: Iterable[Wire],
    folder: Path,
    *,
    fetch: Callable[[str], str],
    pixels_max: int = PICTURE_PIXELS_MAX,
    images: Path | None = None,
    replace: bool = False,
) -> Report:
    """Write a VOC dataset from the frames of a version, and say what was written and what not.

    `fetch` gives the path of a mask's file from its URI; pictures of more than `pixels_max` are
    refused. Pictures of frames made by hand are named
    relative to `images`, or else by their bare names. The folder has to be empty or absent, unless
    `replace` writes among what is there.
    """
    report = Report()
    with Staging.open(folder, replace=replace) as staging:
        files = MaskFiles(fetch, pixels_max)
        export = _Export(staging, files=files, images=images, report=report)
        for frame in frames:
            export.add(frame)
        export.end()
    return report


class _Export:
    def __init__(
        self,
        staging: Staging,
        *,
        files: MaskFiles,
        images: Path | None,
        report: Report,
    ) -> None:
        self._staging = staging
        self._files = files
        self._drawn = Masks(files, report)
        self._images = None if images is None else images.absolute()
        self._report = report
        self._imported = 0
        self._unlisted = 0

    def add(self, frame: Wire) -> None:
        """Write what there is of one frame."""
        place = f"frame {frame.get('id')}"
        found = [mapping(record) for _, record in records(frame.get("_voc"))]
        if len(found) > 1:
            self._report.note("frame of several VOC files, of which the first is written", place)
        source = mapping(next(iter(sequence(frame.get("sources"))), {}))
        record = found[0] if found else self._made(source, place)
        file = self._file(record, source, place, imported=bool(found))
        value = {name: held for name, held in record.items() if name not in _OWN}
        value |= _size(value, source)
        segments = self._drawn.segments(frame, place)
        objects, numbers = self._objects(frame, place, segments)
        if objects:
            value["object"] = objects
        self._report.count("images")
        self._report.count("objects", len(objects))
        self._staging.put(f"Annotations/{file}", document("annotation", value, place=place))
        self._list(file.stem, record, imported=bool(found))
        self._masks(source, file.stem, place, segments)
        if segments is not None and numbers:
            for name, png in self._drawn.pngs(segments, numbers, place).items():
                self._staging.put(f"{name}/{file.stem}.png", png)
                self._report.count("masks")
        note_unsaid(frame, place, self._report, by="VOC")

    def _made(self, source: Wire, place: str) -> Wire:
        """Return what a file says of a picture that came from none."""
        uri = str(source.get("uri") or "")
        name = relative_name(uri.removeprefix("file://"), images=self._images)[0]
        path = PurePosixPath(uri.removeprefix("file://"))
        if is_url(uri) and not uri.startswith("file://"):
            name = uri.rsplit("/", 1)[-1] or uri
        elif self._images is None or not path.is_relative_to(self._images.as_posix()):
            name = path.name
            if self._images is not None:
                self._report.note("picture outside the folder, named by its bare name", place)
        made: Wire = {"filename": name, "source": {"database": "Unknown"}, "segmented": 0}
        made["segmented"] = int(bool(source.get("masks")))
        for side in ("width", "height"):
            if not isinstance(source.get(side), int):
                self._report.note(f"picture of unknown {side}", place)
        return made

    def _file(self, record: Wire, source: Wire, place: str, *, imported: bool) -> PurePosixPath:
        """Return the path of the XML file in `Annotations`, which no other has yet."""
        name = record.get("xml")
        if not isinstance(name, str):
            picture = PurePosixPath(str(record.get("filename") or source.get("uri") or "picture"))
            name = picture.name if imported else str(picture)
            name = str(PurePosixPath(name).with_suffix(".xml"))
        try:
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
        self._imported += imported
        lists = [one for one in sequence(record.get("sets")) if isinstance(one, str)]
        for one in lists:
            name = relative_name(one, images=None)[0]
            self._staging.append(f"ImageSets/{name}.txt", stem)
        if not lists and not imported:
            self._unlisted += 1
            self._staging.append(_ALL, stem)

    def _masks(self, source: Wire, stem: str, place: str, segments: Segments | None) -> None:
        """Copy the masks that VOC has folders for, byte by byte: their palettes are theirs."""
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

    def end(self) -> None:
        """Say of pictures made by hand that they are in no list, where others are in some."""
        labelmap = self._drawn.labelmap()
        if labelmap is not None:
            self._staging.append("labelmap.txt", labelmap)
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
