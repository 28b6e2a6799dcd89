"""Programs with data views, as they are written for `allegroai` and `clearml`, run unchanged."""

from pathlib import Path
from typing import Any

import hyperstore
from hyperstore.dataset.runs import list_runs
from tests.support.programs import run_program, write_program

REGISTER = """
    from allegroai import Dataset, DatasetVersion, SingleFrame
    version = Dataset.create(dataset_name="cars").get_version()
    frames = []
    for at in range(6):
        frame = SingleFrame(source=f"s3://bucket/{at}.jpg", context_id="road", timestamp=at)
        frame.add_annotation(box2d_xywh=(1, 2, 3, 4), labels=["Car" if at % 2 else "occluded"])
        frames.append(frame)
    version.add_frames(frames)
    version.publish_version()
"""
TRAIN = """
    from allegroai import DataView, IterationOrder, Task

    task = Task.init(project_name="lab", task_name="train")
    config = task.connect({"seed": 7})
    dataview = DataView(iteration_order=IterationOrder.random, iteration_infinite=True)
    dataview.set_iteration_parameters(random_seed=config["seed"], maximum_number_of_frames=8)
    dataview.add_query(dataset_name="cars", version_name="Current", roi_query="Car", weight=1)
    dataview.add_query(
        dataset_name="cars", version_name="Current", roi_query="label.keyword:\\"occluded\\""
    )
    dataview.add_mapping_rule(
        dataset_name="cars", version_name="Current", from_labels=["Car"], to_label="vehicle"
    )
    dataview.set_labels({"vehicle": 1, "ignore": -1})
    count, by_query = dataview.get_count()
    print(count, by_query, dataview.get_count()[0])
    iterator = dataview.get_iterator()
    first = next(iterator)
    seen = [first, *iterator]
    print(len(seen), sorted({roi.label_enum for frame in seen for roi in frame.annotations}))
    for one in dataview.to_list()[:1]:
        print(one.origin["dataset_name"])
    print(sorted(task.get_dataviews()))
"""
NEWER = """
    from clearml import DataView, HyperDatasetManagement, Task

    task = Task.init("lab", "newer")
    dataset = HyperDatasetManagement.get(dataset_name="cars", version_name="Current")
    view = DataView(name="night", iteration_order="random", iteration_random_seed=3)
    view.add_query(
        dataset_id=dataset.dataset_id,
        version_id=dataset.version_id,
        label_rules=[{"label": "Car"}],
    )
    print(view.get_count(), len(list(view.get_iterator(projection=["id"]))))
    print(sorted(type(entry).__name__ for entry in view))
    print(sorted(task.get_dataviews()))
"""


def test_programs_of_both_ages_run_as_they_are(tmp_path: Path) -> None:
    """And their runs say which frames they saw."""
    assert run_program(tmp_path, write_program(tmp_path, REGISTER, "register.py").name).code == 0
    done = run_program(tmp_path, write_program(tmp_path, TRAIN, "train.py").name)
    assert done.err.count("Traceback") == 0, done.err
    assert done.out.splitlines() == [
        "6 [3, 3] 6",
        "8 [-1, 1]",
        "cars",
        "['dataview_1']",
    ]
    done = run_program(tmp_path, write_program(tmp_path, NEWER, "newer.py").name)
    assert done.err.count("Traceback") == 0, done.err
    assert done.out.splitlines() == ["3 3", "['DataEntry', 'DataEntry', 'DataEntry']", "['night']"]
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        version = store.dataset("cars").version()
        views: Any = [run.extra["dataviews"] for run in list_runs(store.handle)]
        contents = {
            one["content"] for said in views for view in said.values() for one in view["versions"]
        }
        assert contents == {version.content_id}
