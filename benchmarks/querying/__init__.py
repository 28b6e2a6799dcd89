"""Who answers the questions of `querydata.py`: one file each, with the same few methods.

A contender is a class named `Contender`, made with the folder that holds everything it writes. It
has the methods below where it can do the work; the runner prints a dash where one is missing.

    ingest(frames)      store wire frames in an empty folder; on disk when it returns
    settle()            after that, timed apart: the indexes that somebody would make by hand
    ask(question)       how many frames fit, and the ids of the first thousand in order
    walk(), shuffled()  read every frame as its frame object, sources and metadata touched; a share
                        of them tells the rate, unless `walks_all` is true
    close()

Each is used as its documents say that it is used for such questions, on one thread like all others,
and what its library cannot filter by itself is filtered with the fastest that comes with it.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["NAMES", "opened"]

NAMES = ["hyperstore", "raw", "sqlite", "duckdb_nested", "duckdb_columns", "lance", "datasets"]


def opened(name: str, folder: Path) -> Any:
    """Return the contender of that name; ImportError where its library is not installed."""
    return import_module(f"querying.{name}_query").Contender(folder)
