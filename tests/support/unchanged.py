"""The command run on a folder, and what a store holds, for tests of what changes nothing."""

from pathlib import Path

from hyperstore.dataset.store import Store
from tests.support.command import Command, Done

__all__ = ["fails", "held", "run", "run_well"]


def run(folder: Path, *words: str | Path) -> Done:
    """Run the command as if started in `folder`."""
    return Command().run("-C", str(folder), *map(str, words))


def run_well(folder: Path, *words: str | Path) -> str:
    """Run a command that has to succeed; return what it printed as its result."""
    return Command()("-C", str(folder), *map(str, words)).out


def fails(folder: Path, *words: str | Path, code: int = 128) -> str:
    """Run a command that has to fail with one line on stderr; return the line."""
    return Command().fails("-C", str(folder), *map(str, words), code=code)


def held(store: Store) -> object:
    """Return what may not change where nothing is said to: refs, operations, content."""
    with store.handle.database.reading() as reader:
        refs = reader.refs()
    return (
        refs,
        [operation.number for operation in store.operations()],
        [
            (dataset.name, version.name, version.head, version.content_id)
            for dataset in store.datasets()
            for version in dataset.versions()
        ],
    )
