"""Completion of queries in the shell: the names of fields, behind what is typed already."""

import re

import click
from click.shell_completion import CompletionItem

from hyperstore.cli.complete import complete_revisions
from hyperstore.query.expression import Scope
from hyperstore.query.fields import known_names

__all__ = ["complete_queries", "complete_roi_queries", "complete_source_queries"]

_LAST = re.compile(r"(?:.*[\s(!+-]|.*_exists_:)?", re.DOTALL)
_KEY = "<key>"


def complete_queries(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete a revision, or a field of a query of frames."""
    found = _fields(incomplete, Scope.FRAME)
    return complete_revisions(ctx, param, incomplete) + found


def complete_roi_queries(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete a field of a query of ROIs."""
    return _fields(incomplete, Scope.ROI)


def complete_source_queries(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete a field of a query of sources."""
    return _fields(incomplete, Scope.SOURCE)


def _fields(incomplete: str, scope: Scope) -> list[CompletionItem]:
    """Complete the last word of what is typed."""
    matched = _LAST.match(incomplete)
    assert matched is not None
    before, last = incomplete[: matched.end()], incomplete[matched.end() :]
    names = [
        name.removesuffix(_KEY) if name.endswith(_KEY) else f"{name}:"
        for name in known_names(scope)
    ]
    return [CompletionItem(f"{before}{name}") for name in names if name.startswith(last)]
