"""What every verb works with: the store, found and opened when first needed, and where to print."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import click

from hyperstore.cli.output import Output
from hyperstore.cli.progress import stages
from hyperstore.dataset.dataset import Dataset, DatasetVersion
from hyperstore.dataset.opening import STORE_FOLDER, find_store
from hyperstore.dataset.revisions import Point, head_version, resolve, resolve_version
from hyperstore.dataset.store import Store, open_store
from hyperstore.errors import NotFoundError, RefusedError
from hyperstore.history.resolve import parse_revision, quote_name
from hyperstore.maintenance.automatic import Automatic

__all__ = ["Console", "pass_console"]

_DATABASE = "db"


class Console:
    """One run of the command. `named` says whether -C gave the folder to look in."""

    def __init__(self, output: Output, command: str, *, named: bool) -> None:
        self.out = output
        self._command = command
        self._named = named
        self._store: Store | None = None

    @property
    def store(self) -> Store:
        """The store; opened once, for reading only where it cannot be written."""
        if self._store is None:
            folder = self.find()
            readonly = not os.access(folder / _DATABASE, os.W_OK)
            self._store = open_store(folder, readonly=readonly)
            self._store.handle.command = self._command
        return self._store

    def find(self) -> Path:
        """Return the store's folder: what -C leads to, then HYPERSTORE_DIR, then upwards."""
        here = Path.cwd()
        if not self._named:
            return find_store(here)
        for folder in (here, *here.parents):
            if (folder / STORE_FOLDER / _DATABASE).is_dir():
                return folder / STORE_FOLDER
        if (here / _DATABASE).is_dir():
            return here
        raise NotFoundError(f"no store in {here} or above it; `hyperstore init` makes one")

    def standard_input(self) -> TextIO:
        """Return stdin; RefusedError where it was closed before the program began."""
        found: TextIO | None = sys.stdin
        if found is None:
            raise RefusedError("standard input is closed; give a file, or a pipe")
        return found

    def close(self) -> None:
        """Close the store, if it was opened; first tidy up, where this run has written."""
        store, self._store = self._store, None
        if store is None:
            return
        with store:
            if store.handle.writes:
                self.out.flush()
                # The verb is done, and has said so: stopping this now is no failure.
                with stages(self.out) as progress, suppress(KeyboardInterrupt):
                    Automatic().finish(store.handle, progress)

    def version(self) -> DatasetVersion:
        """Return the version on which the command stands."""
        return head_version(self.store)

    def point(self, text: str | None) -> Point:
        """Return what a revision leads to, HEAD's version for none; say what had to be chosen."""
        if text is None:
            version = self.version()
            return Point(
                self.store.dataset(version.dataset_id), version, version.head, is_version=True
            )
        found = resolve(self.store, text)
        if found.note:
            self.out.warning(found.note)
        return found

    def version_named(self, text: str | None) -> DatasetVersion:
        """Return the version that a text names; HEAD's for none."""
        return self.version() if text is None else resolve_version(self.store, text)

    def dataset(self, name: str, project: str | None = None) -> Dataset:
        """Return the dataset of a name, written as it is or in the quotes of revisions."""
        try:
            return self.store.dataset(name, project=project)
        except NotFoundError:
            if not name.startswith('"'):
                raise
            revision = parse_revision(name)
            if revision.dataset is None or revision.at is not None or revision.steps:
                raise
            return self.store.dataset(revision.dataset, project=project)

    def title(self, version: DatasetVersion) -> str:
        """Return `dataset@version`, quoted so that it can be typed."""
        dataset = self.store.dataset(version.dataset_id).name
        return f"{quote_name(dataset)}@{quote_name(version.name)}"


pass_console = click.make_pass_decorator(Console)
