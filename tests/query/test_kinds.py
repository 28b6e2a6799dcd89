"""The kind of an ROI is one, whoever is asked: of those, too, that say nothing of it."""

from collections import Counter
from pathlib import Path

import pytest

import hyperstore
from hyperstore import DatasetVersion, DataView, SingleFrame, Store
from hyperstore.ids import checksum
from hyperstore.query.index import upkeep
from hyperstore.query.index.segmentfiles import index_folder
from hyperstore.query.statistics.counting import Tally

BOX = [1, 1, 9, 1, 9, 5, 1, 5]
ROIS: list[dict[str, object]] = [
    {"poly": [1, 1, 20, 2, 30, 33]},
    {"poly": BOX},
    {"poly": BOX, "mask": {"id": "seg", "value": [1, 2]}},
    {"mask": {"id": "seg", "value": [1, 2]}},
    {},
    {"poly": BOX, "meta": {"_type": "b2d"}},
    {"poly": [5, 5, 2, 1, 0], "meta": {"_type": "elp"}},
    {"meta": {"_type": "own kind"}},
    {"poly": BOX, "meta": {"_type": None}},
]
KINDS = ["p2d", "p2d", "p2d", "mask", "im", "b2d", "elp", "own kind", "p2d"]


@pytest.fixture
def draft(store: Store) -> DatasetVersion:
    """Return a draft with a frame for each of these ROIs, in this order."""
    return fill(store)


def fill(store: Store) -> DatasetVersion:
    version = store.create_dataset("shapes").version()
    source = {"id": "default", "uri": "a.png", "masks": [{"id": "seg", "uri": "m.png"}]}
    version.add_frames(
        {"id": f"f{at}", "timestamp": at, "sources": [source], "rois": [{"label": ["x"], **roi}]}
        for at, roi in enumerate(ROIS)
    )
    return version


def found(store: Store, asked: str) -> list[str]:
    """Return the frames with an ROI that fits."""
    view = DataView(store=store, output_rois="only_filtered")
    frames = list(view.add_query("shapes", roi_query=asked))
    shown = [len(one.annotations) for one in frames if isinstance(one, SingleFrame)]
    assert shown == [1] * len(frames)  # As each frame tells by itself.
    return [one.id for one in frames]


def has(kind: str) -> list[str]:
    return [f"f{at}" for at, one in enumerate(KINDS) if one == kind]


@pytest.mark.parametrize("kind", sorted(set(KINDS)))
def test_a_kind_is_found_where_nothing_says_it(
    store: Store, draft: DatasetVersion, kind: str
) -> None:
    """An ROI that a program gives as a dict says hardly ever what it is."""
    assert found(store, f'kind:"{kind}"') == has(kind)


def test_every_roi_has_a_kind(store: Store, draft: DatasetVersion) -> None:
    """A shape without a name is a polygon; no shape at all is a label of the frame."""
    assert len(found(store, "_exists_:kind")) == len(ROIS)
    assert found(store, "NOT kind:p2d") == [f"f{at}" for at in (3, 4, 5, 6, 7)]


def test_statistics_count_the_kinds_that_queries_find(store: Store, draft: DatasetVersion) -> None:
    """Whoever asks for what statistics showed gets so many."""
    tally = Tally()
    for _, payload in draft.view().payloads():
        tally.add(payload)
    assert tally.result(store.handle.roots).kinds == Counter(KINDS)


@pytest.mark.parametrize("columns", [["kind"], ["kind", "poly"]])
def test_tables_have_the_kinds_that_queries_find(
    store: Store, draft: DatasetVersion, columns: list[str]
) -> None:
    """Read by the quick way, and by that of all columns."""
    pytest.importorskip("pyarrow")
    table = DataView(store=store).add_query("shapes").to_arrow("rois", columns=columns)
    assert table.column("kind").to_pylist() == KINDS


def test_the_kinds_are_those_of_the_objects(draft: DatasetVersion) -> None:
    """Which people hold when they wonder what to ask for."""
    made = [one.annotations[0] for one in draft if isinstance(one, SingleFrame)]
    names = {"Polygon2D": "p2d", "BoundingBox2D": "b2d", "Mask": "mask", "Ellipse2D": "elp"}
    names |= {"ImageAnnotation": "im", "Annotation": "own kind"}
    assert [names[type(one).__name__] for one in made] == KINDS


def test_an_index_of_another_meaning_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Segments of before have no kind of ROIs that say none, and would answer so for good."""
    monkeypatch.setattr(upkeep, "INDEX_TAIL", 1)  # Let so few frames be worth a file.
    with hyperstore.init(tmp_path / "store") as store:
        fill(store)
        assert found(store, "kind:im") == has("im")
        [path] = index_folder(store.handle.folder).glob("*.segment")
    whole = path.read_bytes()
    head = whole[:6] + b"3" + whole[7:32]
    assert head != whole[:32]
    path.write_bytes(head + checksum(head) + whole[40:])
    with hyperstore.open(tmp_path / "store") as store:
        assert found(store, "kind:im") == has("im")
    assert path.read_bytes() == whole
