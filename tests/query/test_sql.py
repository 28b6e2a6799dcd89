"""SQL over frames: DuckDB's own answers over whole tables, and nothing but answers."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hyperstore
from hyperstore import (
    DatasetVersion,
    DiskFullError,
    HyperstoreError,
    NotFoundError,
    QueryError,
    Store,
    UsageError,
)
from hyperstore.dataset.view import Frame
from hyperstore.query import sql
from hyperstore.query.sql import Sql, check_statement
from hyperstore.query.tables import to_arrow
from hyperstore.query.tabular.columns import TABLES
from tests.query.test_tables import filled
from tests.support.frames import wire, wires
from tests.support.shared import shared_data
from tests.support.slow_tables import slow_rows
from tests.support.strategies import wire_frames

Row = tuple[object, ...]


@pytest.fixture(scope="module")
def draft(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatasetVersion]:
    """Return a draft of 60 frames with metadata of several types."""
    frames = [
        wire(
            f"f{at:02}",
            context=f"clip{at % 4}",
            timestamp=at * 40,
            labels=["cell", "dust"][: at % 3],
            x=float(at),
            speed=at % 7 if at % 5 else None,
            splits={"set": "train" if at % 10 else "val"},
            mixed=at if at % 2 else "text",
        )
        for at in range(60)
    ]
    with hyperstore.init(tmp_path_factory.mktemp("sql") / "store") as store:
        made = store.create_dataset("cells").version()
        made.add_frames(frames)
        yield made


def ask(draft: DatasetVersion, statement: str) -> list[Row]:
    """Return the rows that a statement finds."""
    with Sql(draft.view()) as database:
        return list(database.run(statement)[1])


def by_duckdb(draft: DatasetVersion, statement: str) -> list[Row]:
    """Return what DuckDB finds in whole tables, without any bounds."""
    with duckdb.connect(":memory:") as held:
        for name in TABLES:
            held.register(name, to_arrow(draft.view(), name, nested=True))
        rows: list[Row] = held.execute(statement).fetchall()
        return rows


STATEMENTS = [
    "select count(*) from frames",
    "select * from frames order by position",
    "from rois order by frame_position, position",
    "select id, meta.speed from frames where meta.speed > 3 order by id",
    "select meta.splits.set s, count(*) from frames group by s order by s",
    "select meta['speed'] from frames order by position",
    "select META.SPEED, f.Meta.Mixed from Frames f order by position",
    "select meta from frames order by position",
    "select f from frames f order by position",
    "select label, count(*), avg(bbox_x) from rois group by label order by label",
    "select f.id, r.label from frames f join rois r on r.frame_id = f.id order by all",
    "select * from frames natural join (select id from frames where roi_count = 1) order by id",
    "select id from frames join sources using (id)",
    "with a as (select id, timestamp from frames) "
    "select x.id from a x join a y on x.timestamp = y.timestamp + 40 order by 1",
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 5) select * from n",
    "select (select count(*) from rois r where r.frame_id = f.id) from frames f order by f.id",
    "select id from frames f where exists (from labels where frame_id = f.id and label = 'dust') "
    "order by id",
    "select path, type, count(*) from metadata group by all order by all",
    "select columns('.*_count') from frames order by position",
    "select * exclude (object_id) from frames order by position limit 5",
    "select a, b from frames as f(a, b) order by a",
    "describe frames",
    "select id, row_number() over (partition by context_id order by timestamp) n "
    "from frames order by id",
    "select unnest(labels) one, count(*) from frames group by one order by one",
    "select * from range(3)",
    "values (1), (2)",
    "select id from frames union all select frame_id from labels order by 1",
    "select list(id order by id) from frames where id similar to 'f0[0-3]'",
    "select json_extract_string(meta_json, '$.mixed') from frames order by position",
    "table labels order by all",
    "select meta.mixed from frames where roi_count in (select position from rois) order by id",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_answers_are_those_of_duckdb_over_whole_tables(
    draft: DatasetVersion, statement: str
) -> None:
    """Only what a statement names is made, and that changes no answer."""
    assert ask(draft, statement) == by_duckdb(draft, statement)


@settings(max_examples=min(50, settings().max_examples))  # Each opens two databases.
@given(
    columns=st.lists(
        st.sampled_from(
            ["id", "context_id", "timestamp", "roi_count", "labels", "meta.speed", "meta"]
        ),
        min_size=1,
        max_size=4,
    ),
    low=st.integers(-1, 8),
    label=st.sampled_from(["cell", "dust", "none"]),
    grouped=st.booleans(),
)
def test_any_columns_may_be_chosen(
    draft: DatasetVersion, columns: list[str], low: int, label: str, grouped: bool
) -> None:
    """Whatever is left out of a table, what is in it stays the same."""
    where = f"meta.speed >= {low} or list_contains(labels, '{label}')"
    chosen = f"{columns[0]} as one, count(*)" if grouped else ", ".join(columns)
    end = "group by one order by one" if grouped else "order by position"
    statement = f"select {chosen} from frames where {where} {end}"
    assert ask(draft, statement) == by_duckdb(draft, statement)


HOSTILE = [
    "copy frames to '{0}/out.csv'",
    "copy (select 1) to '{0}/out.csv'",
    "export database '{0}'",
    "attach '{0}/other.db'",
    "create table x as select 1",
    "insert into frames values (1)",
    "delete from frames",
    "drop table frames",
    "install httpfs",
    "load httpfs",
    "set memory_limit = '100GB'",
    "reset lock_configuration",
    "pragma database_list",
    "call pragma_version()",
    "explain analyze select 1",
    "checkpoint",
    "vacuum",
    "begin",
    "prepare x as select 1",
    "execute x",
    "use memory",
    "select 1; select 2",
    "select 1; copy frames to '{0}/out.csv'",
    "select getenv('HOME')",
    "select GETENV('HOME')",
    "select \"getenv\"('HOME')",
    "select main.getenv('HOME')",
    "select current_setting('temp_directory')",
    "select write_log('x')",
    "select * from read_csv('{0}/secret.csv')",
    "select * from read_csv_auto('{0}/secret.csv')",
    "select * from read_text('{0}/secret.csv')",
    "select * from read_blob('{0}/*')",
    "select * from read_json('{0}/secret.csv')",
    "select * from read_parquet('{0}/secret.csv')",
    "select * from parquet_metadata('{0}/secret.csv')",
    "select * from sniff_csv('{0}/secret.csv')",
    "select * from glob('{0}/*')",
    "select * from '{0}/secret.csv'",
    'select * from "{0}/secret.csv"',
    "from '{0}/secret.csv'",
    "select * from 'https://localhost/x.parquet'",
    "select * from 's3://bucket/x.parquet'",
    "select * from query('select 1')",
    "select * from query_table('duckdb_settings')",
    "select * from duckdb_settings()",
    "select * from duckdb_secrets()",
    "select * from pragma_table_info('frames')",
    "select * from information_schema.tables",
    "select * from duckdb_tables",
    "select * from pg_class",
    "select * from sqlite_master",
    "select * from sys",
    "select * from os",
    "select * from draft",
    "select * from memory.main.frames",
    "select (select content from read_text('{0}/secret.csv'))",
    "select * from frames where id in (select content from read_text('{0}/secret.csv'))",
    "with x as (select * from read_text('{0}/secret.csv')) select * from x",
    "with x as materialized (from '{0}/secret.csv') select * from x",
    "select * from frames, lateral (select * from read_text('{0}/secret.csv'))",
    "select * from (values (1)) union all select content from read_text('{0}/secret.csv')",
    "pivot frames on kind using count(*)",
    "summarize '{0}/secret.csv'",
    "describe '{0}/secret.csv'",
    "describe select * from read_text('{0}/secret.csv')",
    "show databases",
    "show all tables",
    "selec 1",
    "select",
    "select * frm frames",
    "select ((((((((1",
    "'",
    "select $1",
    "select ?",
    "select nothing from frames",
    "select meta.nothing from frames",
    "select meta.speed from labels",
    "select id from frames where id > 5 and",
    "select no_function(id) from frames",
    "select id::int from frames",
    "select 1 from frames group by",
    "select * from frames order by nothing",
    "select '\ud800'",
    "select 1 \0",
    "select " + "(" * 5_000 + "1" + ")" * 5_000,
    "select '" + "x" * 200_000 + "'",
]


@pytest.mark.parametrize("statement", HOSTILE)
def test_what_is_no_question_of_the_tables_is_one_query_error(
    draft: DatasetVersion, statement: str, tmp_path: Path
) -> None:
    """No file, network, setting, other database or second statement, in whatever disguise."""
    (tmp_path / "secret.csv").write_text("word\nswordfish\n")
    with pytest.raises(QueryError) as caught:
        ask(draft, statement.replace("{0}", str(tmp_path)))
    assert "swordfish" not in str(caught.value)
    assert [one.name for one in tmp_path.iterdir()] == ["secret.csv"]
    assert len(draft) == 60


@pytest.mark.parametrize("statement", [
    "select * from read_text('{0}/secret.csv')",
    "select * from '{0}/secret.csv'",
    "copy (select 1) to '{0}/out.csv'",
    "attach '{0}/other.db'",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "select getenv('HOME')",
    "select * from rows",
])  # fmt: skip
def test_the_database_itself_refuses_what_the_parser_would_let_through(
    draft: DatasetVersion, statement: str, tmp_path: Path
) -> None:
    """Two locks: names are looked at first, and DuckDB is shut in whatever they are."""
    (tmp_path / "secret.csv").write_text("word\nswordfish\n")
    rows = to_arrow(draft.view())
    assert rows.num_rows == 60
    with Sql(draft.view()) as database, pytest.raises(duckdb.Error):
        database._open.execute(statement.replace("{0}", str(tmp_path))).fetchall()
    assert [one.name for one in tmp_path.iterdir()] == ["secret.csv"]


def test_variables_of_the_caller_are_no_tables(draft: DatasetVersion) -> None:
    """DuckDB would look for a frame of Python that has one of that name."""
    rows = to_arrow(draft.view())
    assert rows.num_rows == 60
    with pytest.raises(QueryError, match="there is no table 'rows'"):
        ask(draft, "select * from rows")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store for the frames of many examples, each in a dataset of its own."""
    with hyperstore.init(tmp_path_factory.mktemp("many") / "store") as made:
        yield made


@settings(max_examples=min(50, settings().max_examples))  # Each opens a database.
@given(frames=st.lists(wire_frames(), max_size=4))
def test_any_frames_may_be_asked(frames: list[dict[str, Any]], many: Store) -> None:
    """Keys of metadata are text of anybody: quotes, spaces, names that differ by case alone."""
    view = filled(many, frames)
    with Sql(view) as database:
        for table in TABLES:
            names, rows = database.run(f"select * from {table}")
            found = [dict(zip(names, row, strict=True)) for row in rows]
            slow = slow_rows(view, table)
            keys = {"frame_id", "label", "path", "uri", "position", "roi_count"} & set(names)
            assert [{key: row[key] for key in keys} for row in found] == [
                {key: row[key] for key in keys} for row in slow
            ]


WORDS = (
    "select from frames rois where meta . speed * ( ) , 'x' 1 and or not in group by order limit "
    "join on = > count as f id labels [ ] ; -- /* */ with union values null case when then end"
)


@given(words=st.lists(st.sampled_from(WORDS.split()), max_size=12))
def test_any_words_are_an_answer_or_one_query_error(
    draft: DatasetVersion, words: list[str]
) -> None:
    """Nothing of DuckDB's leaks, whatever is typed."""
    try:
        text = check_statement(" ".join(words))
        with Sql(draft.view()) as database:
            for _ in zip(database.run(text)[1], range(1_000), strict=False):
                pass
    except (QueryError, UsageError):
        pass


class Counting:
    """Frames by position, and how many were read."""

    def __init__(self, draft: DatasetVersion) -> None:
        self._draft = draft
        self.read_count = 0

    def __len__(self) -> int:
        return len(self._draft)

    def read(self, positions: Sequence[int]) -> list[Frame]:
        """Return frames, one after the other."""
        self.read_count += len(positions)
        found = self._draft.view().get_iterator(start=positions[0], stop=positions[-1] + 1)
        return list(found)


def test_a_limit_reads_no_more_than_it_needs(tmp_path: Path) -> None:
    """The first rows of a million frames come at once, in constant memory."""
    with hyperstore.init(tmp_path / "store") as store:
        draft = store.create_dataset("cells").version()
        draft.add_frames(wires(20_000))
        frames = Counting(draft)
        with Sql(frames) as database:
            _, rows = database.run("select id from frames limit 3")
            assert [row[0] for row in rows] == [one.id for one in draft.view().get_iterator(stop=3)]
        assert frames.read_count <= 6_000
        with Sql(frames) as database:
            assert list(database.run("select count(*) from frames")[1]) == [(20_000,)]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("with rois as (select * from rois where label = 'dust') select count(*) from rois", 20),
        ("with frames as (select * from frames limit 2) select count(id) from frames", 2),
        ("select (select count(*) from frames) + (with frames as (select 1) from frames)", 61),
        ("with a as (select id from frames), frames as (from a limit 3) from frames", None),
    ],
)
def test_what_with_defines_may_have_the_name_of_a_table(
    draft: DatasetVersion, statement: str, found: int | None
) -> None:
    """Inside of its WITH it is what was defined, and elsewhere the table."""
    rows = ask(draft, statement)
    assert rows == [(found,)] if found is not None else len(rows) == 3


@pytest.mark.parametrize("name", ["duckdb_columns", "DUCKDB_TABLES", "pg_class", "sqlite_master"])
def test_with_uncovers_no_table_of_the_database(draft: DatasetVersion, name: str) -> None:
    """A name that is defined in one place would be that of DuckDB in another."""
    for statement in (
        f"select * from {name}, (with {name} as (select 1 as one) select * from {name})",
        f"with x as (from {name}) select * from x, (with {name} as (select 1) from {name})",
    ):
        with pytest.raises(QueryError, match=r"WITH cannot define|there is no table"):
            ask(draft, statement)


def test_a_key_beyond_those_that_have_columns_is_said_to_be_in_the_json(tmp_path: Path) -> None:
    """It is there, and must not be called unknown."""
    with hyperstore.init(tmp_path / "store") as store:
        made = store.create_dataset("cells").version()
        made.add_frames([wire("a") | {"meta": {f"k{at:04}": at for at in range(600)}}])
        with pytest.raises(QueryError, match=r"beyond 512 keys .* meta_json"):
            ask(made, "select meta.k0599 from frames")
        assert ask(made, "select meta_json ->> 'k0599' from frames") == [("599",)]


def test_keys_that_differ_by_case_are_summed_together(tmp_path: Path) -> None:
    """SQL knows no case: of two keys it would take the first, and leave out the other's values."""
    with hyperstore.init(tmp_path / "store") as store:
        made = store.create_dataset("cells").version()
        made.add_frames([wire("a", speed=1), wire("b", Speed=2), wire("c", É=4, é=8)])
        assert ask(made, "select sum(meta.speed), sum(meta.SPEED) from frames") == [(3, 3)]
        assert ask(made, "select meta.É, meta.é from frames where id = 'c'") == [(4, 8)]


def test_what_stops_the_frames_comes_out_as_it_is(draft: DatasetVersion) -> None:
    """A damaged frame is no fault of the statement."""

    class Broken(Counting):
        def read(self, positions: Sequence[int]) -> list[Frame]:
            raise NotFoundError("the frames are gone")

    with Sql(Broken(draft)) as database, pytest.raises(NotFoundError, match="are gone"):
        list(database.run("select id from frames")[1])


def test_an_unknown_column_is_answered_with_those_of_the_table(draft: DatasetVersion) -> None:
    """DuckDB would name those that were made for the statement, and no others."""
    with pytest.raises(QueryError, match="the closest of rois: 'label'"):
        ask(draft, "select labl from rois")


def test_what_goes_to_disk_is_gone_afterwards(
    draft: DatasetVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded by going on in the folder for temporary files."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Sql(draft.view()) as database:
        assert len(list(tmp_path.iterdir())) == 1
        list(database.run("select count(*) from (select id from frames order by uri)")[1])
    assert list(tmp_path.iterdir()) == []


def test_what_neither_memory_nor_the_folder_holds_is_one_error(
    draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names no setting of DuckDB: a statement can change none."""
    for name in ("memory_limit", "max_temp_directory_size"):
        monkeypatch.setitem(sql._SETTINGS, name, "'32MiB'")
    asked = "select count(*) from (select distinct repeat(range::varchar, 20) from range(1000000))"
    with pytest.raises(DiskFullError, match=r"or ask for less$") as caught:
        ask(draft, asked)
    assert "setting" not in str(caught.value)


def test_a_closed_database_says_so(draft: DatasetVersion) -> None:
    """Also to who goes on with rows of it."""
    with Sql(draft.view()) as database:
        _, rows = database.run("select id from frames")
        next(rows)
    database.close()
    with pytest.raises(UsageError, match="closed"):
        database.run("select 1")


def test_a_missing_library_is_one_error_that_says_how_to_install_it(
    draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The core install has no DuckDB."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(UsageError) as caught:
        Sql(draft.view())
    assert "pip install 'hyperstore[sql]'" in str(caught.value)


def test_a_library_that_cannot_be_loaded_is_not_called_missing(
    draft: DatasetVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who installed it would install it again, where it is memory or a file of it that lacks."""
    (tmp_path / "duckdb.py").write_text("raise ImportError('libx.so: failed to map segment')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "duckdb")
    with pytest.raises(UsageError, match="fails to load: libx"):
        Sql(draft.view())


def test_counts_of_real_data_are_those_of_its_files(tmp_path: Path) -> None:
    """Blood cells: 4,155 red ones, 372 white ones, 361 platelets in 364 pictures."""
    from hyperstore.formats import voc

    folder = shared_data("bccd")
    with hyperstore.init(tmp_path / "store") as store:
        draft = store.create_dataset("cells").version()
        draft.add_frames(one.wire for one in voc.read(folder))
        found = ask(draft, "select label, count(*) from rois group by label order by 2 desc")
        assert found == [("RBC", 4155), ("WBC", 372), ("Platelets", 361)]
        assert ask(draft, "select count(*) from frames") == [(364,)]


def test_errors_are_of_the_package(draft: DatasetVersion) -> None:
    """Also those that come while rows are fetched."""
    with pytest.raises(HyperstoreError):
        ask(draft, "select error('no ' || id) from frames")
    with pytest.raises(QueryError, match="varchar"):
        ask(draft, "select now()")
