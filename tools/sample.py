"""A small dataset that is drawn, so that every annotation in it is known exactly.

Four cameras look at shapes that cross the picture, each in a lane of its own: a circle, a square
and a triangle; the first camera also sees a crowd of dots. Pictures, COCO files and wire frames all
follow from one list of plain values, which follows from a seed.

    python3 tools/sample.py FOLDER [--seed N]
"""

import argparse
import json
import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

__all__ = ["CATEGORIES", "Picture", "Shape", "coco", "draw", "main", "pictures", "wire"]

WIDTH, HEIGHT = 160, 160
LANE_PIXELS = 40
START_MS = 1_600_000_000_000  # When the first camera starts, since 1970, UTC.
STEP_MS = 40
CATEGORIES = ["circle", "square", "triangle", "crowd"]
CORNERS = ["top", "right", "left"]  # The key points of a triangle.
_COLOURS = {
    "circle": (214, 69, 65),
    "square": (65, 131, 215),
    "triangle": (38, 166, 91),
    "crowd": (244, 179, 80),
}

Json = dict[str, object]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Shape:
    """One drawn thing: its outline in pixels, origin top left, or the dots of a crowd."""

    kind: str
    track: int
    outline: tuple[Point, ...]
    dots: tuple[Point, ...] = ()

    @property
    def box(self) -> list[float]:
        """x, y, width, height in pixels."""
        xs, ys = [x for x, _ in self.outline], [y for _, y in self.outline]
        return [min(xs), min(ys), round(max(xs) - min(xs), 2), round(max(ys) - min(ys), 2)]

    @property
    def area(self) -> float:
        """Square pixels inside the outline."""
        pairs = zip(self.outline, (*self.outline[1:], self.outline[0]), strict=True)
        return round(abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs)) / 2, 4)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of one camera."""

    number: int
    context: str
    timestamp_ms: int
    shapes: tuple[Shape, ...]

    @property
    def file_name(self) -> str:
        return f"{self.context}/{self.number:06d}.png"


def _outline(kind: str, x: float, y: float, size: float) -> tuple[Point, ...]:
    """Return the corners of a shape around a centre; a circle is drawn as 16 straight edges."""
    if kind == "circle":
        turns = [2 * math.pi * step / 16 for step in range(16)]
        points = [(x + size * math.cos(turn), y + size * math.sin(turn)) for turn in turns]
    elif kind == "square":
        points = [
            (x - size, y - size),
            (x + size, y - size),
            (x + size, y + size),
            (x - size, y + size),
        ]
    else:
        points = [(x, y - size), (x + size, y + size), (x - size, y + size)]
    return tuple((round(px, 2), round(py, 2)) for px, py in points)


def _crowd(chance: random.Random) -> Shape:
    """Return a crowd of dots in the lowest lane; its outline is the box around their pixels."""
    middle = HEIGHT - LANE_PIXELS // 2
    dots = tuple(
        (float(chance.randrange(10, WIDTH - 10)), float(middle + chance.randrange(-12, 12)))
        for _ in range(12)
    )
    left, right = min(x for x, _ in dots) - 2, max(x for x, _ in dots) + 3
    top, bottom = min(y for _, y in dots) - 2, max(y for _, y in dots) + 3
    return Shape("crowd", 0, ((left, top), (right, top), (right, bottom), (left, bottom)), dots)


def pictures(*, seed: int = 7, cameras: int = 4, each: int = 12) -> list[Picture]:
    """Return the pictures of all cameras, camera by camera, in order of time."""
    chance = random.Random(seed)
    made: list[Picture] = []
    for camera in range(cameras):
        starts = {kind: chance.uniform(24, 48) for kind in CATEGORIES[:3]}
        speeds = {kind: chance.uniform(2, 7) for kind in CATEGORIES[:3]}
        sizes = {kind: chance.uniform(9, 16) for kind in CATEGORIES[:3]}
        crowd = [_crowd(chance)] if camera == 0 else []
        for step in range(each):
            shapes = [
                Shape(
                    kind,
                    1 + camera * 3 + lane,
                    _outline(
                        kind,
                        starts[kind] + speeds[kind] * step,
                        20 + lane * LANE_PIXELS,
                        sizes[kind],
                    ),
                )
                for lane, kind in enumerate(CATEGORIES[:3])
            ]
            time_ms = START_MS + camera * 7 + step * STEP_MS
            made.append(Picture(len(made) + 1, f"camera-{camera + 1}", time_ms, (*shapes, *crowd)))
    return made


def _paint(picture: Picture) -> Image.Image:
    image = Image.new("RGB", (WIDTH, HEIGHT), (32, 34, 40))
    pen = ImageDraw.Draw(image)
    for shape in picture.shapes:
        if shape.dots:
            _dot(pen, shape, _COLOURS[shape.kind])
        else:
            pen.polygon(shape.outline, fill=_COLOURS[shape.kind])
    return image


def _dot(pen: ImageDraw.ImageDraw, crowd: Shape, fill: object) -> None:
    for x, y in crowd.dots:
        pen.rectangle((x - 2, y - 2, x + 2, y + 2), fill=fill)  # type: ignore[arg-type]


def _run_lengths(crowd: Shape) -> list[int]:
    """Return COCO's uncompressed run lengths: columns first, zeros first."""
    mask = Image.new("L", (WIDTH, HEIGHT), 0)
    _dot(ImageDraw.Draw(mask), crowd, 1)
    turned = mask.transpose(Image.Transpose.TRANSPOSE).tobytes()  # Rows of this are columns.
    counts: list[int] = []
    value, run = 0, 0
    for pixel in turned:
        if pixel != value:
            counts.append(run)
            value, run = pixel, 0
        run += 1
    return [*counts, run]


def _annotations(made: Iterable[Picture]) -> Iterator[tuple[Shape, Json]]:
    """Yield each shape with its COCO instance; ids count from 1."""
    number = 0
    for picture in made:
        for shape in picture.shapes:
            number += 1
            flat = [each for point in shape.outline for each in point]
            runs = _run_lengths(shape) if shape.dots else []
            mask = {"counts": runs, "size": [HEIGHT, WIDTH]}
            yield (
                shape,
                {
                    "id": number,
                    "image_id": picture.number,
                    "category_id": CATEGORIES.index(shape.kind) + 1,
                    "bbox": shape.box,
                    "area": float(sum(runs[1::2])) if runs else shape.area,
                    "iscrowd": 1 if runs else 0,
                    "segmentation": mask if runs else [flat],
                    "track_id": shape.track,
                },
            )


def coco(made: list[Picture]) -> dict[str, Json]:
    """Return three COCO files by name: instances, key points of triangles, captions."""
    images = [
        {
            "id": picture.number,
            "file_name": picture.file_name,
            "width": WIDTH,
            "height": HEIGHT,
            "context_id": picture.context,
            "timestamp": picture.timestamp_ms,
            "license": 1,
        }
        for picture in made
    ]
    head: Json = {
        "info": {"description": "Shapes that were drawn", "version": "1.0", "year": 2026},
        "licenses": [{"id": 1, "name": "Public domain", "url": ""}],
        "images": images,
    }
    plain: list[Json] = [
        {"id": number + 1, "name": kind, "supercategory": "shape"}
        for number, kind in enumerate(CATEGORIES)
    ]
    cornered = {**plain[2], "keypoints": CORNERS, "skeleton": [[1, 2], [2, 3], [3, 1]]}
    both = list(_annotations(made))
    keypoints = [
        {
            **instance,
            "keypoints": [each for point in shape.outline for each in (*point, 2)],
            "num_keypoints": 3,
        }
        for shape, instance in both
        if shape.kind == "triangle"
    ]
    captions = [
        {"id": 1_000 + picture.number, "image_id": picture.number, "caption": _caption(picture)}
        for picture in made
    ]
    return {
        "instances": {**head, "annotations": [each for _, each in both], "categories": plain},
        "keypoints": {**head, "annotations": keypoints, "categories": [cornered]},
        "captions": {**head, "annotations": captions},
    }


def _caption(picture: Picture) -> str:
    kinds = ", ".join(f"a {shape.kind}" for shape in picture.shapes)
    return f"{kinds.capitalize()} seen by {picture.context}."


def wire(made: Iterable[Picture], images: Path) -> Iterator[Json]:
    """Yield the pictures as wire frames: a polygon for each shape, a box for a crowd."""
    for picture in made:
        rois: list[Json] = []
        for shape in picture.shapes:
            points = [each for point in shape.outline for each in point]
            kind = "b2d" if shape.kind in {"square", "crowd"} else "p2d"
            meta = {"_type": kind, "track": shape.track}
            rois.append(
                {"label": [shape.kind], "poly": points, "sources": ["default"], "meta": meta}
            )
        source = {
            "id": "default",
            "uri": str(images / picture.file_name),
            "content_type": "image/png",
            "width": WIDTH,
            "height": HEIGHT,
            "timestamp": picture.timestamp_ms,
        }
        yield {
            "id": f"{picture.context}-{picture.number:06d}",
            "context_id": picture.context,
            "timestamp": picture.timestamp_ms,
            "sources": [source],
            "rois": rois,
            "meta": {"camera": picture.context},
        }


def draw(folder: Path, made: list[Picture]) -> list[Path]:
    """Write `images/` and `annotations/` under a folder; return the three COCO files."""
    for picture in made:
        path = folder / "images" / picture.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        _paint(picture).save(path)
    (folder / "annotations").mkdir(exist_ok=True)
    files = []
    for name, value in coco(made).items():
        files.append(folder / "annotations" / f"{name}.json")
        files[-1].write_text(json.dumps(value), encoding="utf-8")
    return files


def main() -> None:
    """Draw the dataset where the command line says."""
    parser = argparse.ArgumentParser(description="Draw a small dataset.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    for path in draw(given.folder, pictures(seed=given.seed)):
        print(path)


if __name__ == "__main__":
    main()
