"""Completion in the shell: names of datasets, versions, tags and settings.

A command line that is being typed runs no verb; the store is opened here, and whatever goes wrong
means that nothing is proposed.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from hyperstore.cli.console import Console
from hyperstore.cli.output import Output
from hyperstore.dataset.config import CONFIG_KEYS
from hyperstore.errors import HyperstoreError
from hyperstore.history.resolve import quote_name

__all__ = [
    "complete_datasets",
    "complete_revisions",
    "complete_settings",
    "complete_tags",
    "complete_versions",
    "complete_wire_fields",
    "completed",
]

_ITEMS_MAX = 200
_WIRE_FIELDS = (
    "id",
    "context_id",
    "timestamp",
    "meta.",
    "sources.id",
    "sources.uri",
    "sources.content_type",
    "sources.width",
    "sources.height",
    "sources.timestamp",
    "sources.meta.",
    "sources.masks.",
    "sources.preview.",
    "rois.id",
    "rois.label",
    "rois.confidence",
    "rois.poly",
    "rois.sources",
    "rois.mask.",
    "rois.meta.",
)


@contextmanager
def _console(ctx: click.Context) -> Iterator[Console]:
    """Open the store of a command line that is being typed."""
    root = ctx.find_root().params.get("folder")
    before = Path.cwd()
    if root is not None:
        os.chdir(root)
    console = Console(Output(), "completion", named=root is not None)
    try:
        yield console
    finally:
        console.close()
        os.chdir(before)


def completed(
    ctx: click.Context, incomplete: str, names: Callable[[Console], list[str]]
) -> list[CompletionItem]:
    """Return the names in the store of this command line that begin so; none where that fails."""
    try:
        with _console(ctx) as console:
            found = [name for name in names(console) if name.startswith(incomplete)]
    except (HyperstoreError, OSError):
        return []  # Completion has no place to complain.
    return [CompletionItem(name) for name in found[:_ITEMS_MAX]]


def _datasets(console: Console) -> list[str]:
    return [quote_name(dataset.name) for dataset in console.store.datasets()]


def _versions(console: Console) -> list[str]:
    head = console.store.head()
    if head is None:
        return []
    versions = console.store.dataset(head.dataset_id).versions()
    return list(dict.fromkeys(quote_name(version.name) for version in versions))


def _tags(console: Console) -> list[str]:
    head = console.store.head()
    if head is None:
        return []
    return [*map(quote_name, console.store.dataset(head.dataset_id).commit_tags())]


def _full(console: Console) -> list[str]:
    return [
        f"{quote_name(dataset.name)}@{quote_name(version.name)}"
        for dataset in console.store.datasets()
        for version in dataset.versions()
    ]


def complete_datasets(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the name of a dataset."""
    return completed(ctx, incomplete, _datasets)


def complete_versions(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the name of a version, or `dataset@version`."""
    return completed(ctx, incomplete, lambda console: _versions(console) + _full(console))


def complete_revisions(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete a revision, also behind `..`."""
    start, dots, end = incomplete.rpartition("..")
    found = completed(
        ctx, end, lambda console: ["HEAD", *_versions(console), *_tags(console), *_full(console)]
    )
    return [CompletionItem(f"{start}{dots}{item.value}") for item in found]


def complete_tags(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the name of a tag."""
    return completed(ctx, incomplete, _tags)


def complete_settings(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the name of a setting."""
    names = [name for name in CONFIG_KEYS if "NAME" not in name]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def complete_wire_fields(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the last of several fields of a frame in its wire form."""
    before, comma, last = incomplete.rpartition(",")
    return [
        CompletionItem(f"{before}{comma}{path}") for path in _WIRE_FIELDS if path.startswith(last)
    ]
