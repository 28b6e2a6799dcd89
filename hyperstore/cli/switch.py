"""`switch`: stand on another version."""

import click

from hyperstore.cli.branch import create_version
from hyperstore.cli.complete import complete_versions
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.verb import Verb
from hyperstore.dataset.dataset import Dataset, DatasetVersion
from hyperstore.errors import NotFoundError, UsageError
from hyperstore.history.branches import HEAD
from hyperstore.history.commit import HeadRecord, decode_record
from hyperstore.ids import Kind

__all__ = ["switch_command"]


@click.command("switch", cls=Verb)
@click.argument("name", metavar="VERSION|-", shell_complete=complete_versions)
@click.argument("start", required=False, metavar="[START]", shell_complete=complete_versions)
@click.option("-c", "--create", is_flag=True, help="Make the version first, at START or here.")
@pass_console
def switch_command(console: Console, name: str, start: str | None, create: bool) -> None:
    """Stand on a version: VERSION of this dataset, DATASET@VERSION, or - for the one before.

    What is pending stays in the version where it was made.
    """
    if create:
        version = create_version(console, name, start, None, stand=True)
        console.out.line(f"Switched to a new version, {console.title(version)}")
        return
    if start is not None:
        raise UsageError("where a version starts goes with -c")
    version = _previous(console) if name == "-" else console.version_named(name)
    if version == console.store.head():
        console.out.line(f"Already on {console.title(version)}")
        return
    console.store.set_head(version)
    console.out.line(f"Switched to {console.title(version)}")


def _previous(console: Console) -> DatasetVersion:
    """Return the version on which HEAD stood before, by the operation log."""
    store = console.store
    for operation in store.operations():
        for move in operation.moves:
            if move.name != HEAD or move.old is None:
                continue
            with store.handle.database.reading() as reader:
                record = decode_record(reader.get(move.old, Kind.RECORD), move.old)
            assert isinstance(record, HeadRecord)
            try:
                return Dataset(store.handle, record.dataset).version(record.version)
            except NotFoundError:
                raise NotFoundError(
                    "the version on which HEAD stood before was deleted; `hyperstore branch` "
                    "lists the others, `hyperstore undo` brings it back"
                ) from None
    raise NotFoundError("HEAD has stood nowhere else yet")
