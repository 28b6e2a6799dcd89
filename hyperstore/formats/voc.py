"""Pascal VOC to frames: one XML file a picture, one `b2d` an object.

What ours has no place for is kept in `_voc`: of the picture everything beside its objects, `sets`,
the lists of `ImageSets` that name it, and `xml`, the name of its file where that does not follow
from the picture's; of an object what `voc_map` says. An object without a box is kept, and counted.
PNGs of `SegmentationClass` and `SegmentationObject` become masks of these ids, and what
`labelmap.txt` says of colours the version's legend of the first. Lists and PNGs name a picture by
the path of its XML file in `Annotations`, or else by the bare name of that.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from hyperstore.errors import FormatError, NotFoundError
from hyperstore.formats.combine import GIVEN_MASKS, Partial, Wire, described, file_key, file_name
from hyperstore.formats.pictures import frame_id, place_of, relative_name
from hyperstore.formats.report import Report
from hyperstore.formats.voc_labelmap import combine_legend, read_labelmaps
from hyperstore.formats.voc_map import flagged, number_of, roi_of
from hyperstore.formats.voc_masks import CLASS
from hyperstore.formats.voc_write import LISTED, MASKS, write
from hyperstore.formats.xmltree import Element, parse
from hyperstore.limits import XML_BYTES_MAX
from hyperstore.media.headers import header_of

__all__ = ["combine_version", "legend_in", "read", "write"]


def read(
    path: Path,
    *,
    images: Path | None = None,
    report: Report | None = None,
    seen: dict[str, Path] | None = None,
) -> Iterator[Partial]:
    """Yield what each XML file says, in order of names; reads one file at a time.

    `path` is a dataset (with `Annotations/`), a folder of XML files, or one of them; `images` the
    folder of pictures, `JPEGImages` beside the annotations where it is not given. Pictures need not
    exist. Two files that name one picture are refused; `seen` remembers those of other calls.
    """
    report = Report() if report is None else report
    folder, files = _files(path)
    beside = folder if folder.name != "Annotations" else folder.parent
    pictures = images or next(
        (
            place
            for place in (beside / "JPEGImages", folder.parent / "JPEGImages")
            if place.is_dir()
        ),
        folder,
    )
    sets = _sets(beside / "ImageSets", report)
    seen = {} if seen is None else seen
    known = {name for file in files for name in (file.stem, _listed(file, folder))}
    for name in sorted(sets.keys() - known) if path.is_dir() else ():
        where = f"{name} in {sets[name][0]}"
        report.note("name in ImageSets that has no XML file, left out", where)
    for file in files:
        partial = _partial(file, folder, images=pictures, sets=sets, report=report)
        if partial.id in seen:
            raise FormatError(f"{file} and {seen[partial.id]} name one picture")
        seen[partial.id] = file
        report.count("images")
        yield partial


def legend_in(paths: Iterable[Path], report: Report) -> list[Wire]:
    """Return what the `labelmap.txt` of datasets say of the colours of `SegmentationClass`."""
    folders = [path for path in paths if (path / "Annotations").is_dir()]
    return read_labelmaps(folders, report)


def combine_version(existing: Mapping[str, object] | None, legend: list[Wire]) -> Wire:
    """Return the version's metadata with that legend, where it has none for these masks."""
    return combine_legend(existing or {}, legend, mask=CLASS)


def _files(path: Path) -> tuple[Path, list[Path]]:
    """Return the folder of annotations, and its XML files by name."""
    if path.is_file():
        return path.parent, [path]
    if not path.is_dir():
        raise NotFoundError(f"no folder or file {path}")
    folder = path / "Annotations" if (path / "Annotations").is_dir() else path
    found = [
        Path(place) / name
        for place, _, names in os.walk(folder)
        for name in names
        if name.lower().endswith(".xml")
    ]
    if not found:
        raise NotFoundError(f"{folder} holds no XML files")
    return folder, sorted(found)


def _sets(folder: Path, report: Report) -> dict[str, list[str]]:
    """Return picture name -> the lists that name it; lists with a mark a picture are left out."""
    sets: dict[str, list[str]] = {}
    for file in sorted(folder.glob("*/*.txt")):
        try:
            with file.open(encoding="utf-8") as stream:
                text = stream.read(XML_BYTES_MAX)
        except (OSError, UnicodeDecodeError):
            report.note("list of ImageSets that cannot be read", str(file))
            continue
        lines = [line for line in text.split("\n") if not line.startswith("#")]
        if any(len(line.split()) > 1 for line in lines):
            report.note("list of one class, left out (it follows from the objects)", str(file))
            continue
        for line in lines:
            if line.strip():
                sets.setdefault(line.strip(), []).append(f"{file.parent.name}/{file.stem}")
    return sets


def _partial(
    file: Path, folder: Path, *, images: Path, sets: dict[str, list[str]], report: Report
) -> Partial:
    root = parse(file)
    if root.name != "annotation":
        raise FormatError(f"{file}: line {root.line}: <{root.name}> is no VOC annotation")
    named = root.child("filename")
    name = named.text if named is not None and named.text else f"{file.stem}.jpg"
    relative, led_out = relative_name(name, images=images)
    if led_out:
        report.note(
            "picture whose name leads out of its folder; its place was taken inside", str(file)
        )
    key = file_key(file_name(file))
    record = root.value(without=frozenset({"object"}))
    record = flagged(record if isinstance(record, dict) else {"#text": record} if record else {})
    own = file.relative_to(folder).as_posix()
    if named is None or own != f"{PurePosixPath(name).stem}.xml":
        record["xml"] = own
    listed = _listed(file, folder)
    if listed in sets or file.stem in sets:
        record["sets"] = sets.get(listed) or sets[file.stem]
    rois: list[object] = []
    kept: list[object] = []
    objects = [child for child in root.children if child.name == "object"]
    for number, item in enumerate(objects, 1):
        report.count("objects")
        roi = roi_of(item, file, number, key)
        if roi is None:
            kept.append({"file": key, "annotation": item.value(), "at": number})
            report.note("object without a box, kept as it is", f"{file}: line {item.line}")
        else:
            rois.append(roi)
    source: Wire = {"id": "default", "uri": place_of(relative, images=images)}
    source |= _size(root, file, report)
    masks = _masks(file, folder, source, report)
    if masks:
        source["masks"] = masks
        record[GIVEN_MASKS] = [mask["id"] for mask in masks]
    if listed != file.stem and (listed in sets or _is_nested(masks, listed)):
        record[LISTED] = listed
    wire: Wire = {"id": frame_id(relative), "sources": [source]}
    wire["_voc"] = described([(key, record)], kept)
    if rois:
        wire["rois"] = rois
    return Partial(str(wire["id"]), wire, "_voc", (key,), str(file))


def _listed(file: Path, folder: Path) -> str:
    """Return the path of an XML file in its folder, without the ending."""
    return file.relative_to(folder).with_suffix("").as_posix()


def _is_nested(masks: list[Wire], listed: str) -> bool:
    return any(str(mask["uri"]).endswith(f"/{mask['id']}/{listed}.png") for mask in masks)


def _size(root: Element, file: Path, report: Report) -> Wire:
    """Return what is known of the picture's size; 0 is what some tools write for unknown."""
    sides: Wire = {}
    size = root.child("size")
    for side in ("width", "height"):
        element = None if size is None else size.child(side)
        value = 0 if element is None else number_of(element, file)
        if value > 0 and value == int(value):
            sides[side] = int(value)
        else:
            report.note(f"picture of unknown {side}", str(file))
    return sides


def _masks(file: Path, folder: Path, source: Wire, report: Report) -> list[Wire]:
    """Return the PNGs beside the annotations that are named like the file."""
    masks: list[Wire] = []
    for name in MASKS:
        place = Path(os.path.abspath(folder.parent / name))  # noqa: PTH100 - links stay as they are.
        names = (f"{_listed(file, folder)}.png", f"{file.stem}.png")
        png = next((one for one in map(place.joinpath, names) if one.is_file()), None)
        if folder.name != "Annotations" or png is None:
            continue
        found = header_of(str(png), str(png))
        if found.width is None:
            raise FormatError(f"{file}: its mask cannot be read: {png} is broken, or no picture")
        for side, size in (("width", found.width), ("height", found.height)):
            if source.get(side, size) != size:
                raise FormatError(
                    f"{png} has a {side} of {size} pixels, but {file} says {source[side]}"
                )
        report.count("masks")
        sides: Wire = {"width": found.width, "height": found.height}
        masks.append({"id": name, "uri": str(png)} | sides)
    return masks
