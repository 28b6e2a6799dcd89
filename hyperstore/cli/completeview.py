"""Completion of the names of stored views in the shell."""

import click
from click.shell_completion import CompletionItem

from hyperstore.cli.complete import completed
from hyperstore.cli.console import Console
from hyperstore.query.views.viewstore import list_views, name_of

__all__ = ["complete_views"]


def complete_views(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the name of a stored view."""
    return completed(ctx, incomplete, _names)


def _names(console: Console) -> list[str]:
    return list(dict.fromkeys(map(name_of, list_views(console.store.handle))))
