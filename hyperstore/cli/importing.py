"""`import`: COCO, panoptic or not, and Pascal VOC into a draft: one operation, bounded memory."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import click

from hyperstore.cli.commit import report_commit
from hyperstore.cli.complete import complete_datasets
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.editor import read_message
from hyperstore.cli.progress import counted
from hyperstore.cli.text import NOUNS, plural
from hyperstore.cli.verb import Verb
from hyperstore.dataset.arrival import Arrival
from hyperstore.dataset.dataset import Dataset
from hyperstore.dataset.view import View
from hyperstore.errors import FrameError, PublishedError
from hyperstore.formats import coco, panoptic, voc
from hyperstore.formats.combine import Partial, Wire
from hyperstore.formats.report import Report
from hyperstore.history.branches import datasets
from hyperstore.history.commit import Count, check_message
from hyperstore.history.names import check_name
from hyperstore.media.settings import media_settings

__all__ = ["import_command"]

_CHUNK = 512  # Pictures whose frames are looked up together.


@click.group("import", no_args_is_help=False)
def import_command() -> None:
    """Read annotations of another format into a draft.

    Makes the dataset and the version where they are missing, edits the draft in one step, and
    stands there. Commits only where -m is given. Importing again
    sets annotations back to what the files say.
    """


_dataset = click.option(
    "--dataset", required=True, metavar="NAME", shell_complete=complete_datasets, help="Into which."
)
_version = click.option(
    "--version", "version_name", default="Current", metavar="NAME", help="By default Current."
)
_message = click.option("-m", "--message", "parts", multiple=True, help="Commit with this message.")
_images = click.option(
    "--images",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder to which the names of pictures are relative.",
)


@import_command.command("coco", cls=Verb)
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@_images
@_dataset
@_version
@_message
@pass_console
def coco_verb(
    console: Console,
    files: tuple[Path, ...],
    images: Path | None,
    dataset: str,
    version_name: str,
    parts: tuple[str, ...],
) -> None:
    """Import COCO files: instances, key points, captions.

    Several files about the same pictures go into one version; `export coco --of FILE` gives each
    one back. Pictures stay where they are.
    """
    message = _checked(console, dataset, version_name, parts)
    scratch = console.store.handle.scratch
    source = coco.read(files, images=images, scratch=scratch)
    _import(console, source, dataset, version_name, message)


@import_command.command("panoptic", cls=Verb)
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--masks",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder of PNGs; by default FILE without its .json.",
)
@_images
@_dataset
@_version
@_message
@pass_console
def panoptic_verb(
    console: Console,
    files: tuple[Path, ...],
    masks: Path | None,
    images: Path | None,
    dataset: str,
    version_name: str,
    parts: tuple[str, ...],
) -> None:
    """Import panoptic COCO files with their PNGs: a mask each, and an ROI for each segment.

    Pictures and PNGs stay where they are. `export panoptic` gives both back.
    """
    message = _checked(console, dataset, version_name, parts)
    scratch = console.store.handle.scratch
    pixels_max = media_settings(str(console.store.handle.folder)).pixels_max
    source = panoptic.read(
        files, masks=masks, images=images, scratch=scratch, pixels_max=pixels_max
    )
    _import(console, source, dataset, version_name, message)


def _import(
    console: Console, files: coco.CocoSource, dataset: str, version: str, message: str | None
) -> None:
    with Arrival(console.store.handle, dataset, version) as arrival, files as source:

        def meta(existing: Mapping[str, object]) -> Wire:
            return coco.combine_version(existing, source)

        _put(console, arrival, source.frames(), meta, total=source.report.counts.get("images"))
        _finish(console, arrival, source.report, message)


@import_command.command("voc", cls=Verb)
@click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@_images
@_dataset
@_version
@_message
@pass_console
def voc_verb(
    console: Console,
    paths: tuple[Path, ...],
    images: Path | None,
    dataset: str,
    version_name: str,
    parts: tuple[str, ...],
) -> None:
    """Import Pascal VOC annotations: a folder that holds Annotations, or XML files.

    Its labelmap.txt becomes the legend of its masks in the version, where that has none for them.
    """
    message = _checked(console, dataset, version_name, parts)
    report = Report()
    seen: dict[str, Path] = {}
    frames = (
        partial
        for path in paths
        for partial in voc.read(path, images=images, report=report, seen=seen)
    )
    legend = voc.legend_in(paths, report)

    def meta(existing: Mapping[str, object]) -> Wire:
        return voc.combine_version(existing, legend)

    with Arrival(console.store.handle, dataset, version_name) as arrival:
        _put(console, arrival, frames, meta if legend else None, total=None)
        _finish(console, arrival, report, message)


def _checked(console: Console, dataset: str, version: str, parts: tuple[str, ...]) -> str | None:
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


def _put(
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


def _combined(view: View, partials: Iterator[Partial]) -> Iterator[Wire]:
    while chunk := list(islice(partials, _CHUNK)):
        held = view.get_frames_by_ids([one.id for one in chunk]) if len(view) else []
        existing = {frame.id: frame.to_dict() for frame in held}
        for one in chunk:
            yield coco.combine(existing.get(one.id), one)


def _finish(console: Console, arrival: Arrival, report: Report, message: str | None) -> None:
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
