"""SQL over the frames of one revision, by DuckDB (extra `sql`), which is imported only here.

The tables are those of `tables`, with metadata as one struct: `meta.speed`. Laws. Only what a
statement names is made: DuckDB's own parser says which tables and columns those are, and each scan
of one reads the store anew, batch by batch, so memory does not grow with the frames. Nothing but
reading these tables is possible: one SELECT, of these tables and what it defines itself; no file,
network, extension, setting or other database. What DuckDB cannot hold in its memory goes to a
folder that is gone afterwards. Its limit counts tables, sorts and groups, but not the strings and
lists that a function makes of one row: `repeat('x', 1e9)` takes them from the process, which is
bounded by who owns it, as the command does.
"""

import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING

from hyperstore.errors import DiskFullError, HyperstoreError, QueryError, UsageError, nearest
from hyperstore.limits import (
    SQL_CHARS_MAX,
    SQL_DISK_BYTES,
    SQL_MEMORY_BYTES,
    TABLE_META_COLUMNS_MAX,
)
from hyperstore.query.tables import Scan, library
from hyperstore.query.tabular.batches import Frames
from hyperstore.query.tabular.columns import TABLES
from hyperstore.query.tabular.rows import META

if TYPE_CHECKING:
    import duckdb

__all__ = ["Named", "Sql", "check_statement", "named_in"]

_FUNCTIONS = frozenset({"generate_series", "generate_subscripts", "range", "repeat", "unnest"})
"""Of those that make a table, the ones that only make numbers, or take lists apart."""
_REFUSED = re.compile(
    r"read_|getenv|current_setting|pragma_|duckdb_|http|write_|query|sniff_|parquet_|json_execute|"
    r"(in|which)_secret|currval|nextval|set_config|txid|getvariable"
)
_ADVICE = re.compile(r"\.? (Possible solutions:|This limit was set by)")
"""What DuckDB says next is about settings, which are locked."""
_UNKNOWN_COLUMN = re.compile(r'Binder Error: Referenced column "(.*?)" not found')
_SETTINGS = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "enable_progress_bar": "false",
    "memory_limit": f"'{SQL_MEMORY_BYTES // 1024}KiB'",
    "max_temp_directory_size": f"'{SQL_DISK_BYTES // 1024}KiB'",
    "threads": "1",  # What is read comes from Python, one batch after the other.
    "enable_external_access": "false",
    "lock_configuration": "true",
}


@dataclass(slots=True)
class Named:
    """What a statement names: of a table all columns, or at most those in `columns`."""

    tables: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)  # Paths with dots: `id`, `meta.splits.set`.
    all_columns: bool = False
    defined: set[str] = field(default_factory=set)  # By WITH, anywhere in it.


class Sql:
    """A database of the tables of some frames; a context manager."""

    def __init__(self, frames: Frames) -> None:
        self._duckdb = library("duckdb", "'hyperstore[sql]'", "SQL")
        self._frames = frames
        self._scans: list[Scan] = []
        self._folder = tempfile.TemporaryDirectory(prefix="hyperstore-sql-")
        self._held: duckdb.DuckDBPyConnection | None = self._duckdb.connect(":memory:")
        self._open.execute(
            f"set temp_directory = '{self._folder.name.replace(chr(39), chr(39) * 2)}'"
        )
        for name, value in _SETTINGS.items():
            self._open.execute(f"set {name} = {value}")

    def __enter__(self) -> "Sql":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give up the database, and what it has put on disk."""
        self._scans.clear()
        if self._held is not None:
            self._held.close()
        self._held = None  # Where it lives on, its library complains when the process ends.
        self._folder.cleanup()

    @property
    def _open(self) -> "duckdb.DuckDBPyConnection":
        if self._held is None:
            raise UsageError("this database is closed; make another one")
        return self._held

    def run(self, statement: str) -> tuple[list[str], Iterator[tuple[object, ...]]]:
        """Return the names of the columns, and the rows, lazily. QueryError for a bad statement."""
        held = self._open
        tree = self._parsed(statement)
        named = named_in(tree)
        self._check_defined(named)
        for table in sorted(named.tables):
            self._register(table, named)
        self._check_metadata(named)
        for scan in self._scans:
            held.register(scan.table, scan)
        try:
            result = held.execute(statement)
        except Exception as error:  # noqa: BLE001 - DuckDB's errors have many bases.
            raise self._translated(error) from None
        names = [str(one[0]) for one in result.description or ()]
        return names, self._rows()

    def _rows(self) -> Iterator[tuple[object, ...]]:
        while True:
            held = self._open
            try:
                chunk = held.fetchmany(1_024)
            except Exception as error:  # noqa: BLE001 - as above.
                raise self._translated(error) from None
            if not chunk:
                return
            yield from chunk

    def _parsed(self, statement: str) -> object:
        """Return the statement as DuckDB's parser understands it: one SELECT."""
        if len(statement) > SQL_CHARS_MAX:
            raise QueryError(f"the statement is longer than {SQL_CHARS_MAX:,} characters")
        if "\0" in statement or any("\ud800" <= one <= "\udfff" for one in statement):
            raise QueryError("the statement holds what is no text")
        held = self._open
        try:
            parsed = held.execute("select json_serialize_sql(?)", [statement]).fetchall()
            tree = json.loads(str(parsed[0][0]))
        except (ValueError, RecursionError, UnicodeEncodeError, self._duckdb.Error) as error:
            raise QueryError(f"the statement cannot be read: {_first_line(error)}") from None
        if tree["error"]:
            raise QueryError(_hint(str(tree.get("error_message", "it cannot be read"))))
        statements = tree["statements"]
        if len(statements) != 1:
            raise QueryError(f"one statement at a time; these are {len(statements)}")
        return statements[0]

    def _register(self, table: str, named: Named) -> None:
        known = {one.name for one in TABLES[table].columns}
        columns = None
        if not named.all_columns:
            below = {one for one in named.columns if one.split(".")[0] == META}
            columns = sorted(named.columns & known | (below if TABLES[table].metas else set()))
            if known.isdisjoint(columns):
                columns.append(TABLES[table].columns[0].name)  # Something to count.
        scan = Scan(self._frames, table, columns=columns, nested=True, strict=False)
        self._scans.append(scan)

    def _check_defined(self, named: Named) -> None:
        """Refuse to define what DuckDB has: outside of its WITH the name would mean that."""
        if not named.defined - TABLES.keys():
            return
        own = "select view_name from duckdb_views() union select table_name from duckdb_tables()"
        for name in sorted(str(one[0]) for one in self._open.execute(own).fetchall()):
            if name.casefold() in named.defined - TABLES.keys():
                raise QueryError(
                    f"WITH cannot define {name!a}: the database has a table of its own"
                )

    def _check_metadata(self, named: Named) -> None:
        """Refuse a key that no frame has: DuckDB would speak of structs."""
        names = [name.casefold() for scan in self._scans for name in scan.names]
        for asked in sorted(named.columns):
            low = asked.casefold()
            if asked != META and not asked.startswith(f"{META}."):
                continue
            if not any(name == low or name.startswith(f"{low}.") for name in names):
                every = [one for scan in self._scans for one in scan.known]
                known = [one for one in every if one.startswith(f"{META}.")]
                has = f"there are {nearest(asked, known)}" if known else "there is none at all"
                if len(known) >= TABLE_META_COLUMNS_MAX:
                    has += f"; beyond {TABLE_META_COLUMNS_MAX:,} keys all others are in meta_json"
                raise QueryError(f"there is no column {asked!a} of metadata; {has}")

    def _translated(self, error: Exception) -> BaseException:
        """Return the error of ours for what came out of DuckDB."""
        for scan in self._scans:
            if isinstance(scan.error, (HyperstoreError, KeyboardInterrupt)):
                return scan.error
        kinds = self._duckdb
        text = _first_line(error)
        if isinstance(error, HyperstoreError):
            return error
        if "nterrupted" in text or isinstance(error, KeyboardInterrupt):
            return KeyboardInterrupt()
        if "'pytz'" in text:
            return QueryError("write times that have a zone as text: cast(... as varchar)")
        if isinstance(error, (kinds.OutOfMemoryException, MemoryError)):
            said = _ADVICE.split(text)[0]
            return DiskFullError(
                f"the query takes more than {SQL_MEMORY_BYTES >> 20} MiB of memory, or than the "
                f"folder for temporary files has room for ({said or 'there is no more'}); see "
                "TMPDIR, or ask for less"
            )
        if isinstance(error, kinds.IOException):
            return DiskFullError(f"the folder for temporary files fails: {text}; see TMPDIR")
        if isinstance(error, (kinds.Error, UnicodeError, RuntimeError, ValueError)):
            return QueryError(self._with_columns(text))
        return error

    def _with_columns(self, text: str) -> str:
        """Return what DuckDB says of an unknown column, with those of the tables in place of its.

        It knows no more of them than were made: those that the statement names.
        """
        found = _UNKNOWN_COLUMN.match(text)
        if found is None or not self._scans:
            return text
        known = [one.name for scan in self._scans for one in TABLES[scan.table].columns]
        named = ", ".join(scan.table for scan in self._scans)
        return (
            f"{found[0]}; the closest of {named}: {nearest(found[1], list(dict.fromkeys(known)))}"
        )


def named_in(tree: object) -> Named:
    """Return what a parsed SELECT names; QueryError for what it may not."""
    found = _Names()
    found.visit(tree)
    named = Named(all_columns=found.all_columns, defined=found.defined)
    for name in sorted(found.tables):
        low = name.casefold()
        # What WITH defines may be made of the table of that name, and holds in a part only.
        if low in found.defined - TABLES.keys():
            continue
        if low not in TABLES:
            raise QueryError(
                f"there is no table {name!a}; there are {nearest(name, list(TABLES))}. "
                "`hyperstore sql --tables` says what is in them"
            )
        named.tables.add(low)
    for path in found.columns:
        parts = [one.casefold() for one in path]
        if len(parts) == 1 and parts[0] in found.aliases:
            named.all_columns = True  # A whole row as one value.
        for at, part in enumerate(parts):
            if part == META:
                named.columns.add(".".join([META, *path[at + 1 :]]))
            named.columns.add(part)
    if any(one == META for one in named.columns):  # The column itself; its parts say less.
        below = {one for one in named.columns if one.startswith(f"{META}.")}
        if not below or found.whole_meta:
            named.columns -= below
        else:
            named.columns.discard(META)
    return named


class _Names:
    """Gathers names from the tree of a statement, which is nested JSON."""

    def __init__(self) -> None:
        self.tables: set[str] = set()
        self.defined: set[str] = set()  # By WITH.
        self.aliases: set[str] = set()
        self.columns: set[tuple[str, ...]] = set()
        self.all_columns = False
        self.whole_meta = False

    def visit(self, root: object) -> None:
        """Look at every node; without recursion, since statements may be deep."""
        pending = [root]
        while pending:
            node = pending.pop()
            if isinstance(node, dict):
                self._look(node)
                pending += node.values()
            elif isinstance(node, list):
                pending += node

    def _look(self, node: dict[str, object]) -> None:
        kind = node.get("type")
        if kind == "BASE_TABLE":
            self._table(node)
        elif kind == "TABLE_FUNCTION":
            function = node.get("function")
            name = function.get("function_name") if isinstance(function, dict) else None
            if str(name).casefold() not in _FUNCTIONS:
                raise QueryError(f"the table function {name!a} is not allowed here")
        elif kind == "SHOW_REF" or "show_type" in node:
            self.all_columns = True
            name = str(node.get("table_name") or "").strip('"')
            if name:
                self.tables.add(name)
        elif kind == "STAR" or kind == "PIVOT":
            self.all_columns = True
        elif kind == "COLUMN_REF":
            names = tuple(str(one) for one in _list(node.get("column_names")))
            self.columns.add(names)
            self.whole_meta |= names[-1].casefold() == META
        elif kind == "FUNCTION" and _REFUSED.match(str(node.get("function_name")).casefold()):
            raise QueryError(f"the function {node.get('function_name')!a} is not allowed here")
        elif kind == "JOIN" and node.get("ref_type") == "NATURAL":
            self.all_columns = True
        self.columns.update((str(one),) for one in _list(node.get("using_columns")))
        for entry in _list(node.get("map")):  # What WITH defines.
            if isinstance(entry, dict) and isinstance(entry.get("key"), str):
                self.defined.add(entry["key"].casefold())

    def _table(self, node: dict[str, object]) -> None:
        name = str(node.get("table_name"))
        if node.get("schema_name") or node.get("catalog_name") or node.get("at_clause"):
            raise QueryError(f"name the table {name!a} alone; there are {', '.join(TABLES)}")
        self.tables.add(name)
        self.aliases |= {name.casefold(), str(node.get("alias") or name).casefold()}
        if node.get("column_name_alias"):
            self.all_columns = True  # New names go by the order of all columns.


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _first_line(error: BaseException) -> str:
    """Return what DuckDB says, without its picture of the statement."""
    text = str(error).split("\n\nLINE ")[0]
    return " ".join(text.split())


def _hint(message: str) -> str:
    if message.startswith("Only SELECT"):
        return "only SELECT is possible here: the tables are read from the store, and never written"
    return " ".join(message.split())


def check_statement(statement: str) -> str:
    """Return a statement without what it may end by; UsageError for none."""
    text = statement.strip().rstrip(";").strip()
    if not text:
        raise UsageError("give a statement, such as: select id, roi_count from frames limit 5")
    return text
