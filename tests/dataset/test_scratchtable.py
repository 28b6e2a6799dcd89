"""Tables on disk that a call gathers things in."""

import pytest

from hyperstore.dataset.scratchtable import ScratchTable
from hyperstore.errors import DiskFullError


def test_what_fails_changes_nothing_and_the_table_goes_on() -> None:
    """One that outlives its call is asked again by the next one, when there is room once more."""
    table = ScratchTable("CREATE TABLE seen (uri TEXT PRIMARY KEY) WITHOUT ROWID")
    with pytest.raises(DiskFullError, match="TMPDIR"):
        table.change("INSERT INTO seen VALUES (?)", [("a",), ("a",)])
    assert list(table.rows("SELECT uri FROM seen")) == []
    assert table.change("INSERT OR IGNORE INTO seen VALUES (?)", [("b",), ("b",), ("c",)]) == 2
    assert table.change("DELETE FROM seen WHERE uri = ?", [("b",), ("x",)]) == 1
    assert list(table.rows("SELECT uri FROM seen")) == [("c",)]
    table.close()
