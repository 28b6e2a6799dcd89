"""Real datasets through Parquet, Hugging Face and WebDataset, counted by their own libraries."""

import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import hyperstore
from hyperstore import Store
from hyperstore.dataset.view import View
from hyperstore.formats import coco, huggingface, parquet, voc, webdataset
from hyperstore.media.local import local_file
from tests.formats.test_webdataset import by_the_library, stored
from tests.support.shared import shared_data

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
CELLS = {"RBC": 4155, "WBC": 372, "Platelets": 361}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return an empty store."""
    with hyperstore.init(tmp_path_factory.mktemp("real") / "store") as made:
        yield made


@pytest.fixture(scope="module")
def cells(store: Store) -> View:
    """Return blood cells: 364 pictures with boxes, from Pascal VOC."""
    frames = [one.wire for one in voc.read(shared_data("bccd"))]
    made: View = stored(store, iter(frames)).view()
    return made


def _pictures(folder: Path) -> Path:
    """Return where the pictures are."""
    return next(folder.rglob("*.jpg")).parent


@pytest.fixture(scope="module")
def street(store: Store, tmp_path_factory: pytest.TempPathFactory) -> View:
    """Return instances of COCO: 79 pictures with polygons and masks, of which 40 are there."""
    folder = shared_data("coco-mini")
    files = sorted(folder.rglob("instances_val*.json"))
    scratch = tmp_path_factory.mktemp("scratch")
    with coco.read(files, images=_pictures(folder), scratch=scratch) as source:
        made: View = stored(store, (one.wire for one in source.frames())).view()
    return made


def test_parquet_gives_back_real_frames_to_the_byte(
    store: Store, cells: View, street: View, tmp_path: Path
) -> None:
    """And DuckDB counts in it what the dataset's page says."""
    for name, view in (("cells", cells), ("street", street)):
        file = tmp_path / f"{name}.parquet"
        parquet.write(view, file)
        with parquet.read(file) as opened:
            back = stored(store, opened.frames())
        assert back.view().content_id == view.content_id
    with duckdb.connect(":memory:") as held:
        held.execute(f"create view cells as from '{tmp_path}/cells.parquet'")
        count = "select r.label, count(*) from cells, unnest(rois) u(r) group by 1"
        found = held.execute(count).fetchall()
    assert dict(found) == CELLS


def test_datasets_shows_real_pictures_and_classes(cells: View, tmp_path: Path) -> None:
    """As many pictures as there are, each of the size that its frame says."""
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    report = huggingface.write(cells, tmp_path / "hf", fetch=local_file)
    missing = report.notes.get("picture that is not to be had, left out")
    loaded: Any = datasets.load_dataset(str(tmp_path / "hf"), cache_dir=str(tmp_path / "cache"))
    rows = loaded["train"]
    names = rows.features["objects"]["category"].feature
    seen = Counter(names.int2str(one) for row in rows["objects"] for one in row["category"])
    assert seen == CELLS
    here = [row for row in rows if row["image"] is not None]
    assert len(here) == 364 - (missing.count if missing else 0)
    for row in here[:40]:
        assert row["image"].size == (row["width"], row["height"])


def test_webdataset_reads_real_tars_and_they_come_back(
    store: Store, street: View, tmp_path: Path
) -> None:
    """Pictures that are there, frames of those that are not."""
    wires = [frame.to_dict() for frame in street]
    report = webdataset.write(iter(wires), tmp_path / "out", fetch=local_file, shard_frames=30)
    assert report.counts["frames"] == 79
    assert report.counts["tars"] == 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        samples = [
            one for file in sorted((tmp_path / "out").glob("*.tar")) for one in by_the_library(file)
        ]
    assert [sample["json"] for sample in samples] == wires
    for sample in samples:
        source = sample["json"]["sources"][0]
        if "jpg" in sample:
            assert sample["jpg"].size == (source["width"], source["height"])
    assert sum("jpg" in sample for sample in samples) == 40
    assert report.counts["files"] == 40
    back = stored(store, webdataset.read([tmp_path / "out"]).frames())
    assert back.view().content_id == street.content_id
