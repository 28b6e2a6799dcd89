"""`add`: frames from JSON files, from a pipe, or from folders of pictures."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.frames import Wire
from hyperstore.cli.progress import counted
from hyperstore.cli.text import plural
from hyperstore.cli.verb import Verb
from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.errors import FrameError, NotFoundError, UsageError
from hyperstore.formats.pictures import frame_id, place_of
from hyperstore.formats.wirefile import FrameInFile, read_frames

__all__ = ["add_command"]

_PICTURES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_PIPE = Path("-")


@click.command("add", cls=Verb)
@click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--context", metavar="NAME", help="The context_id of frames that have none.")
@click.option("-n", "--dry-run", is_flag=True, help="Read and check, and change nothing.")
@click.option("--skip-invalid", is_flag=True, help="Store the others where a frame is refused.")
@pass_console
def add_command(
    console: Console,
    paths: tuple[Path, ...],
    context: str | None,
    dry_run: bool,
    skip_invalid: bool,
) -> int:
    """Add frames to the draft on which HEAD stands, or replace those of the same ids.

    A file holds frames in the wire form: JSON lines, a list, or one frame; `-` is standard input. A
    folder stands for the pictures in it; their ids follow from their paths relative to it, and
    their content is read when it is needed. All is added, or, where one frame is refused, nothing;
    with --skip-invalid the others are, and the exit code is 1.
    """
    version = console.version()
    source = counted(console.out, _placed(console, paths, context), "Adding frames")
    failures: list[str] = []
    try:
        with version.batch():
            before = len(version)
            found = version.add_frames(source, strict=not skip_invalid)
            failures += [_said(failure["frame"], str(failure["error"])) for failure in found]
            added = len(version) - before
            _drop_if(dry_run)
    except FrameError as error:
        raise FrameError(f"{_said(error.frame, str(error))}; nothing was added") from None
    except _Dropped:
        pass
    for failure in failures:
        console.out.warning(failure)
    if failures:
        console.out.note(f"{plural(len(failures), 'frame')} refused")
    _report(console, version, added, dry_run=dry_run)
    return 1 if failures else 0


def _said(frame: object, error: str) -> str:
    """Return what is wrong with a frame, after the file and line where it stands, and its id."""
    place = f"{frame.place}: " if isinstance(frame, FrameInFile) else ""
    wire = frame.wire if isinstance(frame, FrameInFile) else frame
    frame_id = wire.get("id") if isinstance(wire, dict) else None
    known = f"frame {frame_id!a:.300}: " if isinstance(frame_id, str) else ""
    return f"{place}{known}{error}"


class _Dropped(Exception):
    """Ends a batch whose edits are not wanted."""


def _drop_if(unwanted: bool) -> None:
    if unwanted:
        raise _Dropped


def _report(console: Console, version: DatasetVersion, added: int, *, dry_run: bool) -> None:
    changes = version.status().changes.frames
    would = "Would add" if dry_run else "Added"
    title = console.title(version)
    console.out.line(f"{would} {plural(added, 'new frame')} to {title}")
    if not dry_run and (changes.added or changes.changed or changes.removed):
        console.out.line(
            f"Pending: {changes.added:,} added, {changes.changed:,} changed, "
            f"{changes.removed:,} removed; `hyperstore commit` records them"
        )


def _placed(
    console: Console, paths: Iterable[Path], context: str | None
) -> Iterator[Wire | FrameInFile]:
    for frame in _frames(console, paths):
        wire = frame.wire if isinstance(frame, FrameInFile) else frame
        if context is not None and wire.get("context_id") is None:
            wire["context_id"] = context
        yield frame


def _frames(console: Console, paths: Iterable[Path]) -> Iterator[Wire | FrameInFile]:
    for path in paths:
        if path == _PIPE:
            yield from read_frames(console.standard_input().buffer, "standard input")
        elif path.is_dir():
            yield from _folder(path)
        elif path.suffix.lower() in _PICTURES:
            yield _picture(path.parent, path.name)
        else:
            try:
                stream = path.open("rb")
            except FileNotFoundError:
                raise NotFoundError(f"no file or folder {str(path)!a}") from None
            with stream:
                yield from read_frames(stream, str(path))


def _folder(folder: Path) -> Iterator[Wire]:
    """Yield the pictures in a folder, by path. FrameError for a name that is not UTF-8."""
    count = 0
    for place, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if Path(name).suffix.lower() in _PICTURES and not name.startswith("."):
                count += 1
                yield _picture(folder, (Path(place) / name).relative_to(folder).as_posix())
    if not count:
        raise UsageError(f"folder {str(folder)!a} holds no pictures")


def _raise(error: OSError) -> None:
    raise error


def _picture(folder: Path, relative: str) -> Wire:
    try:
        relative.encode()
    except UnicodeEncodeError:
        raise FrameError(f"the file name {relative!a} is not UTF-8; rename the file") from None
    uri = place_of(relative, images=folder)
    return {"id": frame_id(relative), "sources": [{"id": "default", "uri": uri}]}
