"""Completion of queries in the shell: the names of fields, behind what is typed already."""

import re

import click
from click.shell_completion import CompletionItem

from hyperstore.cli.complete import complete_revisions, completed
from hyperstore.cli.console import Console
from hyperstore.limits import INDEX_TAIL
from hyperstore.query.index.frameindex import FrameIndex
from hyperstore.query.index.knownfields import fields_of
from hyperstore.query.index.segmentfiles import index_folder, open_segments
from hyperstore.query.language.condition import Field, Scope
from hyperstore.query.language.fields import known_names, typed

__all__ = ["complete_queries", "complete_roi_queries", "complete_source_queries"]

_LAST = re.compile(r"(?:.*[\s(!+-]|.*_exists_:)?", re.DOTALL)
_KEY = "<key>"
_META = "meta."


def complete_queries(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete a revision, or a field of a query of frames."""
    found = _fields(ctx, incomplete, Scope.FRAME)
    return complete_revisions(ctx, param, incomplete) + found


def complete_roi_queries(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete a field of a query of ROIs."""
    return _fields(ctx, incomplete, Scope.ROI)


def complete_source_queries(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete a field of a query of sources."""
    return _fields(ctx, incomplete, Scope.SOURCE)


def _fields(ctx: click.Context, incomplete: str, scope: Scope) -> list[CompletionItem]:
    """Complete the last word of what is typed."""
    matched = _LAST.match(incomplete)
    assert matched is not None
    before, last = incomplete[: matched.end()], incomplete[matched.end() :]
    names = [
        name.removesuffix(_KEY) if name.endswith(_KEY) else f"{name}:"
        for name in known_names(scope)
    ]
    found = [CompletionItem(f"{before}{name}") for name in names if name.startswith(last)]
    if _META in last:
        keys = completed(ctx, last, lambda console: _keys(console, scope))
        found = [one for one in found if not one.value.endswith(".")]
        found += [CompletionItem(f"{before}{one.value}") for one in keys]
    return found


def _keys(console: Console, scope: Scope) -> list[str]:
    """Return the fields of metadata, as far as an index knows them: nobody waits for one here."""
    handle = console.store.handle
    index = FrameIndex.of(handle)
    with handle.database.reading() as reader:
        is_small = reader.last_sequence() <= INDEX_TAIL
        segments = open_segments(index_folder(handle.folder), reader, handle.database.store_id, ())
    scopes = Scope if scope is Scope.FRAME else [scope]
    return [
        f"{typed(Field(one, path), scope)}:"
        for one in scopes
        for path in sorted(index.fields(one) if is_small else fields_of(segments, one))
        if path.startswith(_META)
    ]
