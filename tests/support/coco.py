"""COCO files for tests: strategies of whole files, a plain writer, and a version that is a dict."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hypothesis import strategies as st

from hyperstore import codec
from hyperstore.formats import coco
from hyperstore.formats.combine import Wire
from hyperstore.formats.report import Report

__all__ = ["DictVersion", "coco_files", "json_values", "put", "value_of"]

_UNORDERED = ("images", "annotations")


def value_of(data: object) -> str:
    """Return text that is equal for equal COCO values.

    Objects have no order, and images and annotations not that of the file: an export puts them in
    the order of frames. All other lists have (categories, licenses, points, segments).
    `json.dumps` writes 1 and 1.0 apart, so a change of type shows; -0.0 counts as 0.0.
    """
    plain = _positive(data)
    if isinstance(plain, dict):
        for name in _UNORDERED:
            if isinstance(plain.get(name), list):
                plain[name] = sorted(json.dumps(item, sort_keys=True) for item in plain[name])
    return json.dumps(plain, sort_keys=True)


def _positive(value: object) -> object:
    if isinstance(value, float):
        return value + 0.0
    if isinstance(value, list):
        return [_positive(item) for item in value]
    if isinstance(value, dict):
        return {name: _positive(item) for name, item in value.items()}
    return value


def put(path: Path, data: object) -> Path:
    """Write a JSON file as other programs do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
    return path


class DictVersion:
    """What a version does for the formats, by two dicts; every value goes through the codec."""

    def __init__(self) -> None:
        self.frames: dict[str, Wire] = {}
        self.meta: Wire = {}

    def read(self, *files: Path, images: Path | None = None) -> Report:
        with coco.read(files, images=images) as source:
            for partial in source.frames():
                self.put(coco.combine(self.frames.get(partial.id), partial))
            self.meta = _stored(coco.combine_version(self.meta, source))
            return source.report

    def put(self, frame: Wire) -> None:
        """Store a frame, giving ids to the ROIs that have none."""
        stored = _stored(frame)
        rois = stored.get("rois", [])
        assert isinstance(rois, list)
        taken = {roi["id"] for roi in rois if "id" in roi}
        fresh = (f"r{number}" for number in range(len(rois) * 2) if f"r{number}" not in taken)
        for roi in rois:
            roi.setdefault("id", None)
            roi["id"] = roi["id"] or next(fresh)
        self.frames[str(stored["id"])] = stored

    def write(self, path: Path, *, of: str | None = None) -> tuple[dict[str, object], Report]:
        report = coco.write(self.sorted(), self.meta, path, of=of)
        data = json.loads(path.read_text())
        assert isinstance(data, dict)
        return data, report

    def sorted(self) -> Iterable[Wire]:
        return (self.frames[name] for name in sorted(self.frames))


def _stored(value: Mapping[str, object]) -> Wire:
    found = codec.decode(codec.encode(value, what="test"), what="test")
    assert isinstance(found, dict)
    return {**found}


_numbers = st.one_of(
    st.integers(-(2**40), 2**40),
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 2)),
    st.floats(allow_nan=False, allow_infinity=False),
)
_text = st.text(st.characters(codec="utf-8"), max_size=6)
_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    _text,
)
json_values = st.recursive(
    _scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_text, inner, max_size=3)),
    max_leaves=6,
)
_extra = st.dictionaries(st.sampled_from(["x", "attributes", "ignore", "Ö", ""]), json_values)
_coords = st.one_of(st.integers(-5, 700), st.integers(0, 70000).map(lambda value: value / 100))
_parts = st.lists(
    st.integers(1, 5).flatmap(lambda n: st.lists(_coords, min_size=2 * n, max_size=2 * n)),
    max_size=3,
)
_masks: st.SearchStrategy[object] = st.one_of(
    st.just({"size": [2, 3], "counts": [1, 2, 3]}),
    st.just({"counts": "013", "size": [2, 2]}),
    st.just({"counts": [5], "size": [1, 1]}),  # Adds up to nothing.
    st.just({}),
)
_points = st.lists(st.tuples(_coords, _coords, st.sampled_from([0, 1, 2, 2.0])), max_size=4).map(
    lambda points: [value for point in points for value in point]
)


@st.composite
def _annotations(draw: st.DrawFn, images: Sequence[object], categories: Sequence[object]) -> Wire:
    found: Wire = {"image_id": draw(st.sampled_from(images))}
    optional: dict[str, st.SearchStrategy[object]] = {
        "id": st.one_of(st.integers(1, 6), st.sampled_from([2.0, "7", None, 2**40])),
        "segmentation": st.one_of(st.none(), _parts, _masks, st.lists(_numbers, max_size=7)),
        "bbox": st.one_of(
            st.none(),
            st.just([]),
            st.lists(_coords, min_size=4, max_size=4),
            st.lists(_numbers, min_size=3, max_size=5),
        ),
        "area": st.one_of(st.none(), _numbers, _text),
        "iscrowd": st.sampled_from([0, 1, 0.0, None, True]),
        "keypoints": st.one_of(st.none(), _points, st.lists(_numbers, max_size=4)),
        "num_keypoints": st.one_of(st.none(), st.integers(0, 4)),
        "score": st.one_of(st.none(), st.sampled_from([0, 1, 0.5, 2, -1.0, True])),
        "caption": st.one_of(st.none(), _text),
    }
    for name, values in optional.items():
        if draw(st.booleans()):
            found[name] = draw(values)
    if draw(st.integers(0, 5)) and categories:
        found["category_id"] = draw(st.sampled_from(categories))
    return found | draw(_extra)


@st.composite
def coco_files(draw: st.DrawFn, names: Sequence[str] = ("a.jpg", "b.jpg", "s/a.jpg")) -> Wire:
    """Draw a COCO file that is right as a whole, with every oddity that its parts may have."""
    ids: list[object] = draw(
        st.lists(st.sampled_from([1, 2, 3, "1", 2**53, -4]), unique=True, max_size=4)
    )
    sides = st.sampled_from([480, 640, 0, 33.0, None])
    images = [
        {"id": image, "file_name": draw(st.sampled_from(names)), "width": draw(sides)}
        | draw(_extra)
        for image in ids
    ]
    known: list[object] = draw(
        st.lists(st.sampled_from([1, 2, 90, "k", 7.0]), unique_by=str, max_size=4)
    )
    labels = st.sampled_from(["cat", "dog", "caption", "", None])
    categories = [{"id": item, "name": draw(labels)} | draw(_extra) for item in known]
    data: Wire = {"images": images} | draw(
        st.dictionaries(st.sampled_from(["info", "licenses", "type", "x"]), json_values)
    )
    if draw(st.booleans()) or known:
        data["categories"] = categories
    if draw(st.integers(0, 5)) and ids:
        data["annotations"] = draw(st.lists(_annotations(ids, known), max_size=6))
    elif draw(st.booleans()):
        data["annotations"] = []
    return data
