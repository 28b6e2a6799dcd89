"""The stores that are compared: one file each, with the same few methods.

A contender is a class named `Contender`, made with the folder that holds everything it writes. It
has the methods below where it can do the work; the runner prints a dash where one is missing.

    ingest(frames)              store wire frames in an empty folder; on disk when it returns
    ingest_objects(frames)      the same, each made into the library's own frame object first
    ingest_derived(frames)      the same frames without ids, which the store derives
    settle()                    after ingest, not timed: indexes that others build as they go
    read_lazy(), read_decoded() walk all frames in order of (context, time, id); return how many
    get_lazy(id), get_decoded(id)
    update(frames)              store changed frames durably, as one commit where there are commits
    mark(), record_bytes(mark)  bytes of records written since a mark, where the store can tell
    revisions()                 names of the last two commits, newest first
    diff(old, new)              return how many frames differ
    branch(name), switch(name), tag(name)
    collect()                   give back what is no longer needed, and shrink the files
    close()

Reading lazily means to touch sources and metadata; decoded means every field as plain Python.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["NAMES", "disk_bytes", "opened"]

NAMES = ["raw", "hyperstore", "sqlite", "git", "lance"]


def opened(name: str, folder: Path) -> Any:
    """Return the contender of that name; ImportError where its library is not installed."""
    return import_module(f"contenders.{name}_store").Contender(folder)


def disk_bytes(folder: Path) -> int:
    """Return the bytes that a folder takes on disk, holes in files left out."""
    return sum(each.stat().st_blocks * 512 for each in folder.rglob("*") if each.is_file())
