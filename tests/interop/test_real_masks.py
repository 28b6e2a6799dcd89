"""The outlines and masks that people drew for COCO: their areas and pixels against ours."""

import json
from collections.abc import Iterator

import pytest
import shapely
from pycocotools import mask as reference

from hyperstore.frames.boxes import BoundingBox2D
from hyperstore.frames.polygons import ComplexPolygon2D
from tests.support.shared import shared_data

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def drawn(crowd: int) -> Iterator[tuple[dict[str, object], int, int]]:
    """Yield annotations, single objects or crowds, with the height and width of their image."""
    folder = shared_data("coco-mini") / "annotations"
    for path in sorted(folder.glob("instances_*.json")):
        data = json.loads(path.read_bytes())
        sizes = {image["id"]: (image["height"], image["width"]) for image in data["images"]}
        for annotation in data["annotations"]:
            if annotation["iscrowd"] == crowd:
                yield annotation, *sizes[annotation["image_id"]]


def test_polygons_have_the_pixels_of_pycocotools_and_the_area_that_coco_says() -> None:
    """COCO adds up signed areas, so it differs where somebody's outline crosses itself."""
    seen = crossed = 0
    for annotation, height, width in drawn(crowd=0):
        parts = annotation["segmentation"]
        shape = ComplexPolygon2D(parts)  # type: ignore[arg-type]
        theirs = reference.merge(reference.frPyObjects(parts, height, width))
        assert shape.to_rle(width, height)["counts"] == theirs["counts"].decode()
        if shape.area == pytest.approx(annotation["area"], rel=1e-6):
            seen += 1
            continue
        rings = [shapely.Polygon(part) for part in shape.polygons_xy]
        apart = (
            sum(ring.area for ring in rings)
            - shapely.union_all([shapely.make_valid(ring) for ring in rings]).area
        )
        assert apart or not all(map(shapely.is_valid, rings))
        crossed += 1
    assert (seen, crossed) == (1344, 6)


def test_the_box_of_a_polygon_is_the_box_that_coco_says() -> None:
    """Somebody computed both; they agree to the last digits."""
    for annotation, _, _ in drawn(crowd=0):
        parts, box = annotation["segmentation"], annotation["bbox"]
        here = BoundingBox2D(ComplexPolygon2D(parts).get_bounding_box())  # type: ignore[arg-type]
        assert here.bounding_box_xywh == pytest.approx(box, abs=1e-9)


def test_crowds_come_back_from_their_outlines() -> None:
    """Masks with hundreds of parts and holes: the same runs after they were polygons."""
    seen = 0
    for annotation, height, width in drawn(crowd=1):
        theirs = reference.frPyObjects(annotation["segmentation"], height, width)
        outline = ComplexPolygon2D.from_rle(annotation["segmentation"])
        assert outline is not None
        assert outline.to_rle(width, height)["counts"] == theirs["counts"].decode()
        assert outline.area == reference.area(theirs)
        assert outline.get_bounding_box() == reference.toBbox(theirs).tolist()
        seen += 1
    assert seen
