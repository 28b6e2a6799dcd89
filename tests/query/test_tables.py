"""Tables of frames: the same as a slow walk over `to_dict`, for any frames and any reader."""

import json
import math
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hyperstore
from hyperstore import DatasetVersion, NotFoundError, Store, UsageError
from hyperstore.dataset.view import View
from hyperstore.ids import new_id
from hyperstore.limits import TABLE_BATCH_FRAMES
from hyperstore.query.dataview import DataView
from hyperstore.query.language.condition import Condition
from hyperstore.query.selection.selection import Part, Selection
from hyperstore.query.tables import Scan, to_arrow, to_batches, to_pandas, to_polars
from hyperstore.query.tabular.columns import TABLES
from tests.support.frames import wire, wires
from tests.support.slow_tables import meta_values, slow_rows
from tests.support.strategies import wire_frames

Row = dict[str, Any]


@pytest.fixture
def draft(store: Store) -> DatasetVersion:
    """Return the empty draft of a new dataset."""
    return store.create_dataset("cells").version()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store for the frames of many examples, each in a dataset of its own."""
    with hyperstore.init(tmp_path_factory.mktemp("many") / "store") as made:
        yield made


def filled(store: Store, frames: list[Row]) -> View:
    """Return the view of a new draft that holds these frames."""
    draft = store.create_dataset(new_id()).version()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of keys that hold a dot.
        assert draft.add_frames(one | {"id": f"f{at}"} for at, one in enumerate(frames)) == []
    return draft.view()


def fixed(table: pa.Table) -> list[Row]:
    """Return the rows without the columns that metadata made, what is JSON read."""
    rows: list[Row] = table.to_pylist()
    return [
        {
            name: json.loads(held) if name.endswith("_json") and held is not None else held
            for name, held in row.items()
            if not name.startswith("meta.")
        }
        for row in rows
    ]


def close(one: object, other: object) -> bool:
    """Whether two values are one but for the last digits of numbers that were computed."""
    if isinstance(one, float) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-6)
    return one == other


COMPUTED = {"bbox_x", "bbox_y", "bbox_w", "bbox_h", "area"}


@given(frames=st.lists(wire_frames(), max_size=4))
def test_tables_are_what_a_walk_over_the_frames_finds(frames: list[Row], many: Store) -> None:
    """Every column of every table, of whatever a frame may be."""
    view = filled(many, frames)
    for name in TABLES:
        made, wanted = fixed(to_arrow(view, name)), slow_rows(view, name)
        assert len(made) == len(wanted)
        for row, slow in zip(made, wanted, strict=True):
            assert row.keys() == slow.keys()
            for key in row:
                if key in COMPUTED:
                    span = max((abs(one) for one in row.get("poly") or [0]), default=0)
                    exact = close(row[key], slow[key])
                    assert exact or abs(row[key] - slow[key]) <= span * 1e-6, key
                elif key == "json":
                    assert json.loads(row[key]) == json.loads(slow[key])
                else:
                    assert row[key] == slow[key], key


@given(frames=st.lists(wire_frames(), max_size=4))
def test_frames_as_objects_give_the_tables_of_their_version(frames: list[Row], many: Store) -> None:
    """A DataView hands out frames, which may have been mapped; a view hands out bytes."""
    view = filled(many, frames)
    for name in TABLES:
        assert to_arrow(list(view), name).equals(to_arrow(view, name))


@given(metas=st.lists(st.fixed_dictionaries({}, optional={
    "a": st.integers(-(2**63), 2**64 - 1) | st.none(),
    "b": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9),
    "c": st.booleans() | st.none(),
    "d": st.text(max_size=3) | st.lists(st.integers(-9, 9), max_size=2),
    "e": st.fixed_dictionaries({}, optional={"f": st.text(max_size=3), "A": st.booleans()}),
    "g": st.text(max_size=3) | st.fixed_dictionaries({"f": st.integers(0, 3)}),
}), max_size=5))  # fmt: skip
def test_metadata_of_one_type_has_typed_columns_and_all_else_is_json(
    metas: list[Row], many: Store
) -> None:
    """A column never changes a value: what no type holds exactly is text that says it."""
    view = filled(many, [wire(f"f{at}", **meta) for at, meta in enumerate(metas)])
    made = to_arrow(view)
    names = [name for name in made.schema.names if name.startswith("meta.")]
    wires_ = [frame.to_dict() for frame in view]
    for name in names:
        column = made.column(name)
        for held, frame in zip(column.to_pylist(), wires_, strict=True):
            value = meta_values(frame).get(name.removeprefix("meta."))
            if held is None:
                assert value is None or value == {} or isinstance(frame["meta"].get("g"), dict)  # type: ignore[attr-defined]
            elif column.type == pa.string() and not isinstance(value, str):
                top = frame["meta"][name.split(".")[1]]  # type: ignore[index]
                assert json.loads(held) in (value, top)
            elif column.type == pa.string() and held != value:
                assert json.loads(held) == value
            else:
                assert held == value
                assert type(held) is type(value) or column.type == pa.float64()
    present = {path for frame in wires_ for path in meta_values(frame)}
    assert {f"meta.{path}" for path in present} >= set(names) - {"meta.g", "meta.e"}


def test_a_column_is_the_same_alone_and_among_others(draft: DatasetVersion) -> None:
    """What is decoded of a frame depends on which columns are asked for."""
    draft.add_frames(wire(f"f{at}", labels=["a", "b"][: at % 3], speed=at) for at in range(7))
    view = draft.view()
    for name in TABLES:
        whole = to_arrow(view, name)
        for column in whole.schema.names:
            assert to_arrow(view, name, columns=[column]).column(0).equals(whole.column(column))


def test_columns_are_made_in_the_order_asked_and_no_others(draft: DatasetVersion) -> None:
    """A projection is what makes a wide table cheap."""
    draft.add_frames(wires(3))
    made = to_arrow(draft.view(), columns=["meta.number", "id", "roi_count"])
    assert made.to_pylist() == [
        {"meta.number": row["number"], "id": row["id"], "roi_count": 1}
        for row in ({"id": frame.id, "number": frame.metadata["number"]} for frame in draft)
    ]


def test_metadata_may_be_one_struct_column(draft: DatasetVersion) -> None:
    """As SQL and Parquet have it: `meta.splits.set` is a field of a field."""
    draft.add_frames([wire("a", splits={"set": "train"}, speed=3), wire("b")])
    view = draft.view()
    made = to_arrow(view, nested=True, columns=["id", "meta"])
    assert made.to_pylist() == [
        {"id": "a", "meta": {"speed": 3, "splits": {"set": "train"}}},
        {"id": "b", "meta": {"speed": None, "splits": {"set": None}}},
    ]
    below = to_arrow(view, nested=True, columns=["meta.splits"])
    assert below.to_pylist()[0] == {"meta": {"splits": {"set": "train"}}}


def test_a_version_without_frames_has_tables_without_rows(draft: DatasetVersion) -> None:
    """A script that reads columns works on the first day too."""
    for name, table in TABLES.items():
        made = to_arrow(draft.view(), name)
        assert made.num_rows == 0
        assert made.schema.names == [column.name for column in table.columns]


def test_batches_are_bounded_and_are_read_again_from_the_first(draft: DatasetVersion) -> None:
    """Whoever takes Arrow streams, such as DuckDB, may ask for one twice."""
    draft.add_frames(wires(2_500))
    sizes = [batch.num_rows for batch in to_batches(draft.view())]
    assert (sum(sizes), max(sizes)) == (2_500, TABLE_BATCH_FRAMES)
    scan = Scan(draft.view(), columns=["id"])
    for _ in range(2):
        assert pa.table(scan).num_rows == 2_500


def test_reading_goes_on_upon_the_frames_with_which_it_began(draft: DatasetVersion) -> None:
    """A view is one moment; a draft that changes meanwhile changes no table."""
    draft.add_frames(wires(1_500))
    reader = to_batches(draft.view(), columns=["id"])
    first = reader.read_next_batch()
    draft.delete_frames([frame.id for frame in draft])
    assert first.num_rows + reader.read_all().num_rows == 1_500


def test_pandas_and_polars_hold_the_same_values(draft: DatasetVersion) -> None:
    """Whole numbers stay whole where some are missing: 2**53 + 1 is no float."""
    for library in ("pandas", "polars"):
        pytest.importorskip(library)
    draft.add_frames([wire("a", big=2**53 + 1, ok=True), wire("b")])
    view = draft.view()
    for made in (to_pandas(view), to_polars(view)):
        columns: Any = made
        assert [columns["meta.big"][0], columns["meta.ok"][0]] == [2**53 + 1, True]
        assert list(columns["labels"][0]) == ["cell"]
        assert list(columns["id"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("missing", "command"),
    [
        ("pyarrow", "pip install 'hyperstore[arrow]'"),
        ("pandas", "pip install pandas"),
        ("polars", "pip install polars"),
    ],
)
def test_a_missing_library_is_one_error_that_says_how_to_install_it(
    draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch, missing: str, command: str
) -> None:
    """The core install has none of them."""
    monkeypatch.setitem(sys.modules, missing, None)
    make = {"pyarrow": to_arrow, "pandas": to_pandas, "polars": to_polars}[missing]
    with pytest.raises(UsageError) as caught:
        make(draft.view())
    assert command in str(caught.value)


def test_unknown_tables_and_columns_are_told_with_what_there_is(draft: DatasetVersion) -> None:
    """A misspelt name is found at once."""
    draft.add_frames(wires(1))
    with pytest.raises(UsageError, match="frames, rois, sources, labels, metadata"):
        to_arrow(draft.view(), "roi")
    with pytest.raises(NotFoundError, match=r"meta\.number"):
        to_arrow(draft.view(), columns=["meta.numbr"])
    with pytest.raises(UsageError, match="list"):
        to_arrow(draft.view(), columns="id")
    with pytest.raises(UsageError, match="an int"):
        to_arrow([1])  # type: ignore[list-item]


def test_keys_that_no_column_can_have_stay_in_the_json(draft: DatasetVersion) -> None:
    """A NUL, no letter, hundreds of keys too many: a table is made all the same."""
    many = {f"k{at:04}": at for at in range(600)}
    draft.add_frames([wire("a") | {"meta": {"z": 1, "Z": 2, "n\0": 3, "": 4, **many}}])
    made = to_arrow(draft.view())
    names = [name for name in made.schema.names if name.startswith("meta.")]
    assert len(names) == 512
    assert made.column("meta.Z")[0].as_py() == 2
    assert [made.column(name)[0].as_py() for name in names[1:]] == [*range(511)]
    assert json.loads(made.column("meta_json")[0].as_py()) == {
        "z": 1,
        "Z": 2,
        "n\0": 3,
        "": 4,
        **many,
    }


def test_keys_that_lead_to_one_name_share_a_column_with_all_values(draft: DatasetVersion) -> None:
    """What `meta.a.b` finds in a query is what the column of that name holds."""
    metas = [{"a": {"b": 1}}, {"a.b": 2}, {"a": {"b": None}, "a.b": 3.5}, {"a": {"b": 4}, "a.b": 5}]
    with pytest.warns(UserWarning, match="dot"):
        draft.add_frames(wire(f"f{at}") | {"meta": meta} for at, meta in enumerate(metas))
    assert to_arrow(draft.view()).column("meta.a.b").to_pylist() == [1.0, 2.0, 3.5, 4.0]
    nested = to_arrow(draft.view(), nested=True).column("meta").to_pylist()
    assert [one["a"]["b"] for one in nested] == [1.0, 2.0, 3.5, 4.0]


def test_keys_that_differ_by_case_keep_their_values(draft: DatasetVersion) -> None:
    """Apart where columns have names of their own; as one in a struct, which SQL reads."""
    metas = [{"speed": 1, "a": {"X": 1}}, {"Speed": 2, "A": {"y": "z"}}, {"SPEED": "x", "A": {}}]
    draft.add_frames(wire(f"f{at}") | {"meta": meta} for at, meta in enumerate(metas))
    made = to_arrow(draft.view())
    assert made.column("meta.speed").to_pylist() == [1, None, None]
    assert made.column("meta.Speed").to_pylist() == [None, 2, None]
    assert made.column("meta.SPEED").to_pylist() == [None, None, "x"]
    nested = to_arrow(draft.view(), nested=True).column("meta").to_pylist()
    assert [one["SPEED"] for one in nested] == ["1", "2", '"x"']
    assert [one["A"] for one in nested] == [
        {"X": 1, "y": None},
        {"X": None, "y": "z"},
        {"X": None, "y": None},
    ]


def test_a_scan_remembers_what_stopped_it(draft: DatasetVersion) -> None:
    """A reader in C is told the text of an error, and the caller wants the error."""

    def frames() -> Iterator[hyperstore.SingleFrame]:
        yield next(iter(draft))  # type: ignore[misc]
        raise NotFoundError("gone")

    draft.add_frames(wires(1))
    scan = Scan(frames(), columns=["id"])
    with pytest.raises(NotFoundError, match="gone"):
        scan.reader().read_all()
    assert isinstance(scan.error, NotFoundError)


@pytest.mark.parametrize("order", ["sequential", "random"])
def test_a_dataview_is_a_table_of_what_it_gives_out(store: Store, order: str) -> None:
    """In its order, within its limit, under its labels, and only the ROIs that it hands out."""
    draft = store.create_dataset("cells").version()
    draft.add_frames(
        wire(f"f{at:02}", timestamp=at, labels=["dog", "cat"][: 1 + at % 2]) for at in range(40)
    )
    view = DataView(
        iteration_order=order, maximum_number_of_frames=7, output_rois="only_filtered", store=store
    )
    view.add_query(dataset_name="cells", version_name="Current", roi_query="cat")
    view.add_mapping_rule(from_labels=["cat"], to_label="animal")
    frames = list(view)
    assert len(frames) == 7
    assert to_arrow(frames, "rois").equals(view.to_arrow("rois"))
    assert view.to_arrow().column("id").to_pylist() == [frame.id for frame in frames]
    assert set(view.to_arrow("rois").column("label").to_pylist()) == {"animal"}
    assert view.to_batches(columns=["id"]).read_all().num_rows == 7
    for made in (view.to_pandas("rois", columns=["label"]), view.to_polars("rois")):
        columns: Any = made
        assert list(columns["label"]) == ["animal"] * 7


def test_a_selection_is_a_table_of_its_frames(store: Store, draft: DatasetVersion) -> None:
    """By position, in reads of many frames."""
    draft.add_frames(wires(1_100))
    view = draft.view()
    selection = Selection(store.handle, [Part(view, Condition())])
    assert to_arrow(selection).equals(to_arrow(view))
    assert to_arrow(selection, "rois").equals(to_arrow(view, "rois"))
