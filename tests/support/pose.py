"""Twenty thousand real pictures' key points, made from YOLO-pose text into one COCO file.

The archive has one text file a picture: a line a person, with class, box (centre and size) and 17
key points, all as shares of the picture. It names no sizes, so every picture is given one of a few.
Usable from benchmarks as well: `python -m tests.support.pose ARCHIVE FILE`.
"""

import json
import sys
import tarfile
from pathlib import Path

__all__ = ["write_pose_file"]

_SIZES = ((640, 480), (480, 640), (640, 427), (500, 375))
_POINTS = 17
_VALUES = 1 + 4 + 3 * _POINTS


def write_pose_file(archive: Path, file: Path) -> tuple[int, int]:
    """Write the COCO file; answers how many images and annotations it has."""
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    with tarfile.open(archive) as bundle:
        for member in bundle:
            text = bundle.extractfile(member)
            if text is None:
                continue
            stem = Path(member.name).stem
            width, height = _SIZES[int(stem) % len(_SIZES)]
            image = {"id": int(stem), "file_name": f"{stem}.jpg", "width": width, "height": height}
            images.append(image)
            for line in text.read().decode().splitlines():
                person = _person([float(value) for value in line.split()], width, height)
                annotations.append({"id": len(annotations) + 1, "image_id": int(stem), **person})
    names = [f"point {number}" for number in range(1, _POINTS + 1)]
    person_category = {"id": 1, "name": "person", "keypoints": names, "skeleton": [[1, 2]]}
    data = {"images": images, "annotations": annotations, "categories": [person_category]}
    file.write_text(json.dumps(data))
    return len(images), len(annotations)


def _person(values: list[float], width: int, height: int) -> dict[str, object]:
    assert len(values) == _VALUES
    x, y, across, along = values[1:5]
    box = [(x - across / 2) * width, (y - along / 2) * height, across * width, along * height]
    points: list[int] = []
    for at in range(5, _VALUES, 3):
        points += (round(values[at] * width), round(values[at + 1] * height), int(values[at + 2]))
    return {
        "category_id": 1,
        "bbox": [round(value, 2) for value in box],
        "area": round(box[2] * box[3] / 2, 4),
        "iscrowd": 0,
        "keypoints": points,
        "num_keypoints": sum(flag > 0 for flag in points[2::3]),
    }


if __name__ == "__main__":
    print(write_pose_file(Path(sys.argv[1]), Path(sys.argv[2])))
