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

from hyperstore.cli.output import Output
from hyperstore.cli.session import Session
from hyperstore.dataset.config import CONFIG_KEYS
from hyperstore.errors import HyperstoreError
from hyperstore.history.resolve import quote_name

__all__ = [
    "complete_datasets",
    "complete_revisions",
    "complete_settings",
    "complete_tags",
    "complete_versions",
]

_ITEMS_MAX = 200


@contextmanager
def _session(ctx: click.Context) -> Iterator[Session]:
    """Open the store of a command line that is being typed."""
    root = ctx.find_root().params.get("folder")
    before = Path.cwd()
    if root is not None:
        os.chdir(root)
    session = Session(Output(), "completion", named=root is not None)
    try:
        yield session
    finally:
        session.close()
        os.chdir(before)


def _complete(
    ctx: click.Context, incomplete: str, names: Callable[[Session], list[str]]
) -> list[CompletionItem]:
    try:
        with _session(ctx) as session:
            found = [name for name in names(session) if name.startswith(incomplete)]
    except (HyperstoreError, OSError):
        return []  # Completion has no place to complain.
    return [CompletionItem(name) for name in found[:_ITEMS_MAX]]


def _datasets(session: Session) -> list[str]:
    return [quote_name(dataset.name) for dataset in session.store.datasets()]


def _versions(session: Session) -> list[str]:
    head = session.store.head()
    if head is None:
        return []
    versions = session.store.dataset(head.dataset_id).versions()
    return list(dict.fromkeys(quote_name(version.name) for version in versions))


def _tags(session: Session) -> list[str]:
    head = session.store.head()
    return [] if head is None else [*map(quote_name, session.store.dataset(head.dataset_id).tags())]


def _full(session: Session) -> list[str]:
    return [
        f"{quote_name(dataset.name)}@{quote_name(version.name)}"
        for dataset in session.store.datasets()
        for version in dataset.versions()
    ]


def complete_datasets(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the name of a dataset."""
    return _complete(ctx, incomplete, _datasets)


def complete_versions(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the name of a version, or `dataset@version`."""
    return _complete(ctx, incomplete, lambda session: _versions(session) + _full(session))


def complete_revisions(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete a revision, also behind `..`."""
    start, dots, end = incomplete.rpartition("..")
    found = _complete(
        ctx, end, lambda session: ["HEAD", *_versions(session), *_tags(session), *_full(session)]
    )
    return [CompletionItem(f"{start}{dots}{item.value}") for item in found]


def complete_tags(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the name of a tag."""
    return _complete(ctx, incomplete, _tags)


def complete_settings(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the name of a setting."""
    names = [name for name in CONFIG_KEYS if "NAME" not in name]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
