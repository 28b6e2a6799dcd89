"""Register KITTI's stereo pairs: a group of two cameras, boxes on the left one, calibration."""

import json
import sys
from pathlib import Path

from allegroai import DatasetVersion, FrameGroup, SingleFrame
from allegroai.dataframe import BoundingBox2D


def calibration(path: Path) -> dict[str, list[float]]:
    """Read matrices by name."""
    lines = (line.partition(":") for line in path.read_text().splitlines() if ":" in line)
    return {name: [float(one) for one in numbers.split()] for name, _, numbers in lines}


def boxes(path: Path) -> list[BoundingBox2D]:
    """Read what is labelled on the left picture."""
    found = []
    for number, line in enumerate(path.read_text().splitlines()):
        kind, truncated, occluded, alpha, *numbers = line.split()
        left, top, right, bottom, *spatial = map(float, numbers)
        metadata: dict[str, object] = {"truncated": float(truncated), "occluded": int(occluded)}
        if kind != "DontCare":
            metadata |= {"alpha": float(alpha), "dimensions": spatial[:3], "location": spatial[3:6]}
        box = [left, top, right - left, bottom - top]
        found.append(BoundingBox2D(box, id=number, labels=[kind], metadata=metadata))
    return found


root = Path(sys.argv[1])
DatasetVersion.create_new_dataset("kitti")
version = DatasetVersion.get_current(dataset_name="kitti")
with version.get_bulk_context(flush_threshold=100) as bulk:
    for left in sorted((root / "image_2").glob("*.png")):
        pair = FrameGroup(
            left=SingleFrame(
                source=str(left), annotations=boxes(root / "label_2" / f"{left.stem}.txt")
            ),
            right=SingleFrame(source=str(root / "image_3" / left.name)),
            metadata={"number": int(left.stem)},
        )
        pair.timestamp = int(left.stem) * 100
        pair["left"].metadata["P"] = calibration(root / "calib" / f"{left.stem}.txt")["P2"]
        pair["right"].metadata["P"] = calibration(root / "calib" / f"{left.stem}.txt")["P3"]
        bulk.add_frame(pair)
version.commit_version()

seen = []
for group in version.get_iterator():
    assert isinstance(group, FrameGroup)
    assert list(group) == ["left", "right"]
    labels = [one.labels[0] for one in group["left"].annotations]
    seen.append(
        {
            "number": group.metadata["number"],
            "labels": labels,
            "baseline": group["left"].metadata["P"][3] - group["right"].metadata["P"][3],
            "right": len(group["right"].annotations),
        }
    )
print(json.dumps(seen))
