"""Laws of panoptic COCO in and out, over random segments, fields and pictures."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.formats.combine import Wire
from tests.support.coco import json_values, value_of
from tests.support.panoptic import Ids, PanopticVersion, ids_in, put_panoptic

_EXTRA = st.dictionaries(st.sampled_from(["x", "Ö", "isthing", ""]), json_values, max_size=2)
_CATEGORIES: list[object] = [
    {"id": 2, "name": "cat", "isthing": 1},
    {"id": 7.0, "name": "sky", "isthing": 0, "color": [1, 2, 3]},
    {"id": "k", "name": "cat"},
]


@st.composite
def _files(draw: st.DrawFn) -> tuple[Wire, dict[str, Ids]]:
    images, annotations, pngs = [], [], {}
    for number in range(draw(st.integers(0, 3))):
        width, height = draw(st.integers(1, 6)), draw(st.integers(1, 6))
        names = draw(st.lists(st.integers(1, 2**24 - 1), unique=True, max_size=4))
        cells = st.sampled_from([0, *names])
        rows = st.lists(cells, min_size=width, max_size=width)
        png = f"{draw(st.sampled_from(['', 'sub/', '../']))}{number}.png"
        ids = np.array(draw(st.lists(rows, min_size=height, max_size=height)), dtype=np.int64)
        pngs[png.removeprefix("../")] = ids
        image = {"id": number, "file_name": f"{number}.jpg"}
        if draw(st.booleans()):
            image |= {"width": width, "height": height}
        images.append(image | draw(_EXTRA))
        segments = [_segment(draw, name) for name in names]
        annotation = {"image_id": number, "file_name": png, "segments_info": segments}
        annotations.append(annotation | draw(_EXTRA))
    pngs["none.png"] = np.zeros((1, 1), dtype=np.int64)  # So that the folder is one of PNGs.
    data: Wire = {"images": images, "annotations": annotations, "categories": _CATEGORIES}
    return data | draw(_EXTRA), pngs


def _segment(draw: st.DrawFn, name: int) -> Wire:
    segment: Wire = {"id": name, "category_id": draw(st.sampled_from([2, 7, 7.0, "k"]))}
    optional: dict[str, st.SearchStrategy[object]] = {
        "area": st.one_of(st.integers(0, 9), st.floats(0, 9), st.none()),
        "bbox": st.lists(st.integers(0, 9), min_size=4, max_size=4),
        "iscrowd": st.sampled_from([0, 1, 0.0, None]),
        "score": st.sampled_from([0, 1, 0.5, 1.0, 2, None, True]),
    }
    for field, values in optional.items():
        if draw(st.booleans()):
            segment[field] = draw(values)
    return segment | draw(_EXTRA)


@given(_files())
def test_json_and_pixels_come_back_and_importing_again_changes_nothing(
    file: tuple[Wire, dict[str, Ids]],
) -> None:
    """Also what an export wrote, imported in its turn."""
    data, pngs = file
    with tempfile.TemporaryDirectory() as name:
        folder, version = Path(name), PanopticVersion()
        path = put_panoptic(folder / "in" / "p.json", data, pngs)
        version.read_panoptic(path)
        before = dict(version.frames), version.meta
        version.read_panoptic(path)
        assert (version.frames, version.meta) == before
        for number, given_in in enumerate(("first", "second")):
            found, _ = version.write_panoptic(folder / given_in / "p.json")
            assert value_of(found) == value_of(data)
            del pngs["none.png"]
            for png, ids in pngs.items():
                assert np.array_equal(ids_in(folder / given_in / "p" / png), ids)
            if number == 0 and pngs:
                version = PanopticVersion()
                version.read_panoptic(folder / given_in / "p.json")
            pngs["none.png"] = np.zeros((1, 1), dtype=np.int64)
