"""Register pictures whose masks follow from their names, with a legend of what colours mean."""

import json
import sys
from pathlib import Path

from allegroai import DatasetVersion, SingleFrame
from clearml import StorageManager
from PIL import Image

folder = Path(sys.argv[1])
name = "masks"
DatasetVersion.create_new_dataset(dataset_name=name)
version = DatasetVersion.get_current(dataset_name=name)

legend = json.loads(Path(StorageManager.get_local_copy(str(folder / "legend.json"))).read_text())
version.set_masks_labels({tuple(one["colour"]): one["labels"] for one in legend})

frames = []
for picture in sorted(folder.glob("*.png")):
    if picture.stem.endswith("_mask"):
        continue
    frame = SingleFrame(
        source=picture.as_posix(), mask_source=str(folder / f"{picture.stem}_mask.png")
    )
    frame.context_id = "walk"
    frame.timestamp = len(frames) * 40
    for one in legend:
        frame.add_annotation(mask_rgb=one["colour"], labels=one["labels"])
    frames.append(frame)
failures = version.add_frames(frames)
assert failures == [], failures
version.commit_version()

meanings = DatasetVersion.get_current(dataset_name=name).get_masks_labels()
counted: dict[str, int] = {}
for frame in version.get_iterator():
    mask = Image.open(frame.get_local_mask_source(raise_on_error=True)).convert("RGB")
    for count, colour in mask.getcolors(mask.width * mask.height):
        for label in meanings.get(colour, ()):
            counted[label] = counted.get(label, 0) + count
print(json.dumps({"frames": len(frames), "pixels": counted, "ids": [one.id for one in frames]}))
