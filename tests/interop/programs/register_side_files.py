"""Register pictures with the boxes and facts that lie beside them: images/X.png, labels/X.json."""

import argparse
import json
from pathlib import Path

from allegroai import Dataset, DatasetVersion, SingleFrame
from clearml import Task


def read_frame(picture: Path, side: Path) -> SingleFrame:
    """Make the frame of one picture and its side file."""
    said = json.loads(side.read_text(encoding="utf-8"))
    frame = SingleFrame(source=str(picture), width=said["width"], height=said["height"])
    frame.metadata["weather"] = said["weather"]
    for one in said["objects"]:
        frame.add_annotation(
            box2d_xywh=one["box"],
            labels=[one["label"]],
            confidence=one.get("confidence"),
            metadata={"occluded": one["occluded"]},
        )
    return frame


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dataset", default="side files")
    task = Task.init(project_name="street", task_name="register", task_type="data_processing")
    given = parser.parse_args()
    task.connect(given)

    dataset = DatasetVersion.create_new_dataset(given.dataset, description="With side files")
    version = DatasetVersion.get_current(dataset_name=given.dataset)
    frames = [
        read_frame(picture, given.folder / "labels" / f"{picture.stem}.json")
        for picture in sorted((given.folder / "images").glob("*.png"))
    ]
    failed = version.add_frames(frames)
    for failure in failed:
        print("failed:", failure["error_type"], failure["error"])
    draft = DatasetVersion.create_snapshot(dataset_name=given.dataset, publish_name="first")
    task.get_logger().report_scalar("frames", "registered", value=len(frames), iteration=0)

    first = DatasetVersion.get_version(dataset_name=given.dataset, version_name="first")
    boxes = sum(len(frame.annotations) for frame in first.get_iterator())
    print(json.dumps({"frames": len(frames), "boxes": boxes, "draft": draft.version_name}))
    assert Dataset.get(dataset_name=given.dataset).id == dataset.id


if __name__ == "__main__":
    main()
