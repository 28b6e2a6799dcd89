"""Register nuScenes' moments: six cameras and a lidar, by their names LOG__SENSOR__MICROSECONDS."""

import json
import re
import sys
from collections import defaultdict
from pathlib import Path

import allegroai

NAME = re.compile(r"(?P<log>.+)__(?P<sensor>[A-Z_]+)__(?P<us>\d+)\.(?P<kind>jpg|pcd\.bin)")

moments: dict[str, dict[str, allegroai.SingleFrame]] = defaultdict(dict)
for path in sorted(Path(sys.argv[1]).iterdir()):
    found = NAME.fullmatch(path.name)
    if found is None:
        continue
    frame = allegroai.SingleFrame(source=str(path), timestamp=int(found["us"]) // 1000)
    frame.metadata["microseconds"] = int(found["us"])
    if found["kind"] == "jpg":
        frame.width, frame.height = 1600, 900
    # A sweep of all sensors takes less than a tenth of a second.
    moments[f"{found['log']} {int(found['us']) // 500_000}"][found["sensor"]] = frame

allegroai.DatasetVersion.create_new_dataset("nuscenes", dataset_project="driving")
version = allegroai.DatasetVersion.get_current(dataset_name="nuscenes", dataset_project="driving")
groups = []
for moment, sensors in moments.items():
    group = allegroai.FrameGroup(metadata={"sensors": sorted(sensors)})
    group.update(sensors)
    group.context_id = moment.split()[0]
    groups.append(group)
assert version.add_frames(groups) == []
version.commit_version()

read = allegroai.DatasetVersion.get_single_frame(
    groups[0].id, dataset_name="nuscenes", dataset_project="driving"
)
lidar = Path(read["LIDAR_TOP"].get_local_source(raise_on_error=True))
print(
    json.dumps(
        {
            "groups": len(groups),
            "members": sorted(read),
            "floats": lidar.stat().st_size // 4,
            "cameras": sum(1 for member in read.values() if member.width),
            "spread_ms": max(m.timestamp for m in read.values())
            - min(m.timestamp for m in read.values()),
        }
    )
)
