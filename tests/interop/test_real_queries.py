"""The counts of real datasets, as they come out of queries: by ROIs, by frames, by label."""

from pathlib import Path

import pytest

import hyperstore
from hyperstore import DataView
from hyperstore.dataset.store import Store
from tests.support.shared import shared_data
from tests.support.unchanged import run_well


def rois(store: Store, dataset: str, **said: object) -> tuple[int, int]:
    """Return how many frames fit, and how many ROIs of theirs."""
    view = DataView(output_rois="frame_per_roi", store=store)
    view.add_query(dataset, "Current", **said)  # type: ignore[arg-type]
    return int(view.get_count()), len(view)


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose store holds the blood cells."""
    folder = tmp_path_factory.mktemp("cells")
    data = shared_data("bccd")
    run_well(folder, "init")
    run_well(folder, "import", "voc", data, "--dataset", "cells", "-m", "Import")
    return folder / ".hyperstore"


def test_blood_cells_are_counted_by_queries(cells: Path) -> None:
    """4,155 red ones, 372 white ones, 361 platelets, in 364 pictures."""
    with hyperstore.open(cells) as store:
        assert rois(store, "cells", frame_query="*") == (364, 4888)
        found = {label: rois(store, "cells", roi_query=label) for label in ("RBC", "WBC")}
        assert {label: count for label, (_, count) in found.items()} == {"RBC": 4155, "WBC": 372}
        assert rois(store, "cells", roi_query="label:platelets")[1] == 361
        assert rois(store, "cells", roi_query="NOT label.keyword:RBC")[1] == 372 + 361
        by_hand = [
            sum("RBC" in roi.labels for roi in frame.annotations)
            for frame in store.dataset("cells").version()
            if isinstance(frame, hyperstore.SingleFrame)
        ]
        crowded = sum(count >= 20 for count in by_hand)
        view = DataView(store=store).add_query("cells", roi_query="RBC", count_range=[20, -1])
        assert int(view.get_count()) == crowded > 0


@pytest.mark.parametrize(("part", "images", "instances"), [("val", 79, 624), ("train", 80, 739)])
def test_coco_is_counted_by_queries(tmp_path: Path, part: str, images: int, instances: int) -> None:
    """79 pictures with 624 instances, 80 with 739."""
    data = shared_data("coco-mini")
    file = data / "annotations" / f"instances_{part}2017.json"
    run_well(tmp_path, "init")
    run_well(tmp_path, "import", "coco", file, "--dataset", "coco", "-m", "Import")
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        empty = DataView(store=store).add_query("coco", filter_by_roi="no_rois").get_count()
        frames, found = rois(store, "coco", roi_query="_exists_:label")
        assert (frames + int(empty), found) == (images, instances)


def test_one_truth_of_eight_formats_is_counted_by_queries(tmp_path: Path) -> None:
    """100 pictures with 273 boxes of 20 classes, by COCO and by VOC."""
    data = shared_data("eight-formats")
    run_well(tmp_path, "init")
    run_well(
        tmp_path,
        "import",
        "voc",
        data / "gts" / "pascalvoc_format",
        "--dataset",
        "voc",
        "-m",
        "Import",
    )
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        assert rois(store, "voc", frame_query="*") == (100, 273)
        view = DataView(store=store).add_query("voc")
        assert len(view.roi_stats()) == 20
        assert sum(view.roi_stats().values()) == 273
