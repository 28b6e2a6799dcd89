"""Frames to a panoptic COCO file and its PNGs: streamed, and shown when all of it is written.

What came from a panoptic file goes back as it was: equal JSON, and PNGs equal pixel by pixel. What
was edited or made by hand is painted anew (`panoptic_paint` says in what order). A version without
a panoptic file of its own gives the outlines of its other files, or of none.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

from hyperstore.errors import FormatError, UsageError
from hyperstore.formats.coco_categories import Categories
from hyperstore.formats.coco_choice import Choice, choose, join
from hyperstore.formats.coco_standard import labels_of
from hyperstore.formats.coco_write import Export
from hyperstore.formats.combine import Wire, identity, mapping, sequence
from hyperstore.formats.legend import legend_items
from hyperstore.formats.newpictures import NewPictures
from hyperstore.formats.panoptic_map import SEGMENT_ID_MAX, mask_id, segment_of
from hyperstore.formats.panoptic_paint import Item, MaskFiles, paint
from hyperstore.formats.pictures import relative_name
from hyperstore.formats.report import Report
from hyperstore.formats.staging import Staging
from hyperstore.formats.target import Target
from hyperstore.formats.voc_masks import OBJECT
from hyperstore.ids import key_hash
from hyperstore.limits import PICTURE_PIXELS_MAX

__all__ = ["write"]


def write(
    frames: Iterable[Wire],
    version_meta: Mapping[str, object],
    file: Path,
    *,
    fetch: Callable[[str], str],
    pixels_max: int = PICTURE_PIXELS_MAX,
    masks: Path | None = None,
    of: str | None = None,
    images: Path | None = None,
    replace: bool = False,
) -> Report:
    """Write one panoptic file, and the folder of its PNGs; say what was written and what not.

    `fetch` gives the path of a mask's file from its URI; pictures of more than `pixels_max` are
    refused. `masks` is by default the folder beside
    the file that is named as the file is without its `.json`; it has to be empty or absent, unless
    `replace` writes among what is there. `of` and `images` are as in `coco_write.write`.
    """
    report = Report()
    choice = _choice(version_meta, of)
    categories = join(choice, version_meta, report)
    folder = file.with_suffix("") if masks is None else masks
    if folder == file:
        raise UsageError(f"{file} has no ending .json; name the folder of PNGs: --masks DIR")
    with (
        Target.open(file) as target,
        Staging.open(folder, replace=replace) as staging,
        NewPictures.open(images or file.parent) as new,
    ):
        files = MaskFiles(fetch, pixels_max)
        legend = version_meta.get("mask_labels")
        segments = _Segments(staging, choice, categories, files=files, legend=legend, report=report)
        export = Export(
            target, choice, categories, new=new, report=report, whole=segments.annotation
        )
        export.begin()
        for frame in frames:
            export.add(frame)
        export.add_new()
        segments.complete_categories()
        export.end()
    return report


def _choice(version_meta: Mapping[str, object], of: str | None) -> Choice:
    files = mapping(mapping(version_meta.get("_coco")).get("files")).values()
    if of is None and any(mapping(item).get("masks") is True for item in files):
        of = "panoptic"
    choice = choose(version_meta, of)
    if choice.task == "panoptic" and choice.keys and len(choice.masked) < len(choice.keys):
        raise UsageError(
            "a panoptic file of this version was imported without its PNGs; `export coco` gives it"
            " back, or `import panoptic` reads it with them"
        )
    return choice


class _Segments:
    def __init__(
        self,
        staging: Staging,
        choice: Choice,
        categories: Categories,
        *,
        files: MaskFiles,
        legend: object,
        report: Report,
    ) -> None:
        self._staging = staging
        self._choice = choice
        self._categories = categories
        self._files = files
        self._legend = legend
        self._report = report
        self._things: set[str] = set()  # Labels that outlines have.

    def annotation(self, frame: Wire, image: Wire, file: str | None) -> Wire | None:
        """Write the PNG of a frame, and return its annotation, without the image's id."""
        place = f"frame {frame.get('id')}"
        kept, mask = _kept(frame, file)
        if "segments_info" in kept:
            self._report.note("annotation that came without its PNG, written without it", place)
            return kept
        items = self._items(frame, place, file)
        source = mapping(next(iter(sequence(frame.get("sources"))), {}))
        own = {mask_id(key) for key in self._choice.known}  # Their colours are ids, of ROIs.
        explained = legend_items(source, items, self._legend, place=place, without={*own, OBJECT})
        painting = None
        if items or explained or kept:
            painting = paint(
                frame, [*items, *explained], mask=mask, files=self._files, report=self._report,
                place=place,
            )  # fmt: skip
        shown = [] if painting is None else [item.mask for item, _ in painting.segments]
        self._note_masks(source, items, {*own, *shown}, place)
        if painting is None or not (painting.segments or kept):
            return None
        for item, _ in painting.segments:
            if item.is_legend:
                self._label(item.roi, item.place)
        self._report.count("segments", len(painting.segments))
        name = str(kept.get("file_name") or self._new_name(image))
        self._staging.put(_inside(name, place), painting.canvas.png())
        segments = [
            segment_of(item.roi, item.id, shape, self._categories)
            for item, shape in painting.segments
        ]
        return {"file_name": name} | kept | {"segments_info": segments}

    def _items(self, frame: Wire, place: str, file: str | None) -> list[Item]:
        """Return the ROIs that this export gives back; those of other files come with theirs."""
        sources = [mapping(source).get("id") for source in sequence(frame.get("sources"))]
        items: list[Item] = []
        for index, value in enumerate(sequence(frame.get("rois"))):
            roi, where = mapping(value), f"{place}: rois[{index}]"
            origin, name = self._origin(roi)
            if origin is not None and origin not in self._choice.keys:
                continue
            if origin is not None and file is not None and origin != file:
                self._report.note("segment of another file about the picture, left out", where)
                continue
            on = sequence(roi.get("sources"))
            if on and sources and sources[0] not in on:
                self._report.note("ROI on a source other than the first, left out", where)
                continue
            if not self._label(roi, where):
                continue
            is_ours = origin is not None and type(name) is int and 0 < name <= SEGMENT_ID_MAX
            is_ours = is_ours and origin in self._choice.masked
            items.append(Item(roi, where, name if is_ours and type(name) is int else None))
        return items

    def _note_masks(self, source: Wire, items: list[Item], known: set[str], place: str) -> None:
        """Note the masks of which nobody says what they show."""
        known |= {str(mapping(item.roi.get("mask")).get("id")) for item in items}
        for mask in sequence(source.get("masks")):
            if mapping(mask).get("id") not in known:
                self._report.note("mask that no segment shows, left out", place)

    def _origin(self, roi: Wire) -> tuple[str | None, object]:
        named = identity(roi, "_coco")
        if named is None or named[0] not in self._choice.known:
            return None, None
        return named[0], mapping(roi.get("_coco")).get("id")

    def _label(self, roi: Wire, where: str) -> bool:
        """Make a category where the ROI's label has none."""
        labels = labels_of(roi)
        if not labels:
            self._report.note("ROI without a label, left out", where)
            return False
        if len(labels) > 1:
            self._report.note("ROI with several labels, of which one is written", where)
        if roi.get("poly"):
            self._things.update(labels)
        meta = mapping(roi.get("meta"))
        if not {"_type", "_id"}.issuperset(meta):
            self._report.note("ROI whose metadata COCO has no place for", where)
        if all(self._categories.id_of(label) is None for label in labels):
            self._categories.add(labels[0])
            self._report.note("category added for a label that the file has not", labels[0])
        return True

    def _new_name(self, image: Wire) -> str:
        """Return a name for the PNG of a picture that came with none."""
        picture = PurePosixPath(relative_name(str(image.get("file_name")), images=None)[0])
        stem = str(picture.parent / (picture.stem if picture.suffix else picture.name))
        name, number = f"{stem}.png", 1
        while self._staging.has(name):
            number += 1
            name = f"{stem}-{number}.png"
        return name

    def complete_categories(self) -> None:
        """Say of categories that had no need of it whether they are things, and in what colour."""
        listed = sequence(self._choice.fields.get("categories"))
        made = [] if self._choice.masked else [mapping(item) for item in listed]
        for category in (*made, *self._categories.added):
            name = str(category.get("name"))
            is_thing = name in self._things or category not in self._categories.added
            category.setdefault("isthing", int(is_thing))
            mixed = key_hash(name.encode(), 0)
            category.setdefault("color", [mixed & 255, mixed >> 8 & 255, mixed >> 16 & 255])


def _kept(frame: Wire, file: str | None) -> tuple[Wire, str]:
    """Return what the frame's annotation in a file had beside its segments, and its mask's id."""
    for item in sequence(mapping(frame.get("_coco")).get("kept")):
        annotation = mapping(mapping(item).get("annotation"))
        if file is not None and mapping(item).get("file") == file and "file_name" in annotation:
            return dict(annotation), str(mapping(item).get("mask", ""))
    return {}, ""


def _inside(name: str, place: str) -> str:
    try:
        return relative_name(name, images=None)[0]
    except FormatError as fault:
        raise FormatError(f"{place}: {fault}") from None
