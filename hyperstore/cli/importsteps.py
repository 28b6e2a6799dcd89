"""What all verbs of `import` do: check, gather in one operation, and say what came of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

import click

from hyperstore.cli.commit import report_commit
from hyperstore.cli.complete import complete_datasets
from hyperstore.cli.console import Console
from hyperstore.cli.editor import read_message
from hyperstore.cli.progress import counted
from hyperstore.cli.text import NOUNS, plural
from hyperstore.dataset.arrival import Arrival
from hyperstore.dataset.dataset import Dataset
from hyperstore.dataset.view import View
from hyperstore.errors import FrameError, PublishedError
from hyperstore.formats import coco
from hyperstore.formats.combine import Partial, Wire
from hyperstore.formats.report import Report
from hyperstore.history.branches import datasets
from hyperstore.history.commit import Count, check_message
from hyperstore.history.names import check_name

__all__ = [
    "checked",
    "dataset_option",
    "finish",
    "message_option",
    "put",
    "put_whole",
    "version_option",
]

_CHUNK = 512  # Pictures whose frames are looked up together.

dataset_option = click.option(
    "--dataset", required=True, metavar="NAME", shell_complete=complete_datasets, help="Into which."
)
version_option = click.option(
    "--version", "version_name", default="Current", metavar="NAME", help="By default Current."
)
message_option = click.option(
    "-m", "--message", "parts", multiple=True, help="Commit with this message."
)


def checked(console: Console, dataset: str, version: str, parts: tuple[str, ...]) -> str | None:
    """Refuse what cannot work before anything is read; return the message."""
    check_name(dataset, what="dataset")
    check_name(version, what="version")
    message = read_message(parts)
    if message is not None:
        check_message(message)
    found = _find(console, dataset)
    for held in [] if found is None else found.versions():
        if version in (held.name, held.id) and held.published:
            raise PublishedError(
                f"version {version!a} is published and does not change; name another: --version"
            )
    return message


def _find(console: Console, name: str) -> Dataset | None:
    with console.store.handle.database.reading() as reader:
        known = any(name in (record.name, record.id) for _, record in datasets(reader))
    return console.store.dataset(name) if known else None


def put(
    console: Console,
    arrival: Arrival,
    partials: Iterable[Partial],
    meta: Callable[[Mapping[str, object]], Wire] | None,
    total: int | None,
) -> None:
    """Lay what the files say over what the version has; nothing shows yet."""
    shown = counted(console.out, partials, "Importing pictures", total)
    view = arrival.view()
    try:
        arrival.put(_combined(view, shown))
        if meta is not None:
            arrival.change_metadata(meta)
    except FrameError as error:
        known = "" if error.frame_id is None else f"frame {error.frame_id!a}: "
        raise FrameError(f"{known}{error}; nothing was imported") from None


def put_whole(
    console: Console,
    arrival: Arrival,
    frames: Iterable[Wire],
    meta: Mapping[str, object],
    total: int | None,
) -> None:
    """Put frames as they are, in place of those of the same ids; nothing shows yet."""
    try:
        arrival.put(counted(console.out, frames, "Importing frames", total))
        if meta:
            arrival.change_metadata(lambda existing: {**existing, **meta})
    except FrameError as error:
        known = "" if error.frame_id is None else f"frame {error.frame_id!a}: "
        raise FrameError(f"{known}{error}; nothing was imported") from None


def _combined(view: View, partials: Iterator[Partial]) -> Iterator[Wire]:
    while chunk := list(islice(partials, _CHUNK)):
        held = view.get_frames_by_ids([one.id for one in chunk]) if len(view) else []
        existing = {frame.id: frame.to_dict() for frame in held}
        for one in chunk:
            yield coco.combine(existing.get(one.id), one)


def finish(console: Console, arrival: Arrival, report: Report, message: str | None) -> None:
    out = console.out
    changes = arrival.changes()
    version, commit = arrival.finish(message)
    state = version.status().state
    if arrival.made:
        out.line(f"Created {' and '.join(arrival.made)}")
    counts = ", ".join(plural(count, NOUNS[what]) for what, count in report.counts.items())
    out.line(f"Imported {counts or 'nothing'} into {console.title(version)}")
    for line in report.lines():
        out.note("  ", line)
    if changes is not None and changes.changed:
        out.line(f"{_did(changes, state)}; `hyperstore undo` takes the import back")
    if commit is not None:
        report_commit(console, version, commit.hex())
        return
    nothing = "Nothing has changed" if changes is None else "All is as in the last commit"
    if message is not None:
        out.line(f"{nothing}, so nothing was committed")
        return
    if changes is None or state != "draft":
        out.line(nothing)
    if state == "draft":
        out.line("Not committed yet; `hyperstore commit` records it")


def _did(changes: Count, state: str) -> str:
    added = f"{plural(changes.added, 'frame')} added, " if changes.added else ""
    back = " back" if state == "committed" else ""
    return f"{added}{plural(changes.changed, 'frame')} changed{back} to what the files say"
