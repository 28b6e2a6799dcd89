"""`add`: frames from JSON files, from a pipe, or from folders of pictures and videos."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click

from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.frames import Wire
from hyperstore.cli.progress import counted
from hyperstore.cli.text import plural
from hyperstore.cli.verb import Verb
from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.errors import FrameError, NotFoundError, UsageError
from hyperstore.formats.folder import FolderReport, add_folder
from hyperstore.formats.folderfacts import PICTURES
from hyperstore.formats.wirefile import FrameInFile, read_frames
from hyperstore.media.headers import VIDEO_TYPES

__all__ = ["add_command"]

_PIPE = Path("-")
_LISTED = 20  # Of files that are gone, and the like; what is refused is listed whole.


@click.command("add", cls=Verb)
@click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--context", metavar="NAME", help="The context_id of frames that have none.")
@click.option("--images", metavar="PATTERN", help="Which pictures: 'images/{path}.jpg'; else all.")
@click.option("--masks", metavar="PATTERN", help="Which files are masks: '{stem}_{mask}.png'.")
@click.option(
    "--legend",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="JSON that says which labels the masks' colours mean.",
)
@click.option("--side", metavar="PATTERN", help="Which JSON is a picture's: '{stem}.json'.")
@click.option("--group", metavar="PATTERN", help="FrameGroups: '{group}_{camera}.jpg'.")
@click.option("--every", metavar="MS", type=float, help="A frame each so many ms of a video.")
@click.option("--fps", metavar="N", type=float, help="So many frames a second of a video.")
@click.option("--copy", "copy_media", is_flag=True, help="Keep the bytes in the store, too.")
@click.option("--verify", is_flag=True, help="Read unchanged files too, lest one only seems so.")
@click.option("--decode", is_flag=True, help="Decode every picture, to find broken ones.")
@click.option("--prune", is_flag=True, help="Delete frames whose files are gone.")
@click.option("-n", "--dry-run", is_flag=True, help="Read and check, and change nothing.")
@click.option("--skip-invalid", is_flag=True, help="Store the others where a frame is refused.")
@pass_console
def add_command(
    console: Console,
    /,
    paths: tuple[Path, ...],
    context: str | None,
    dry_run: bool,
    skip_invalid: bool,
    copy_media: bool,
    **options: object,
) -> int:
    """Add frames to the draft on which HEAD stands, or replace those of the same ids.

    A file holds frames in the wire form: JSON lines, a list, or one frame; `-` is standard input.

    A folder stands for its pictures and videos; ids follow from paths relative to it. Run again,
    only what changed is read: moved files are known by their content, ROIs and metadata stay, and
    files that are gone are listed. Broken files are listed and left out, with exit code 1.

    Patterns are names beside the picture, or with a slash paths in the folder, made of {stem},
    {name}, {path} (with folders, without suffix), {dir}/, and {mask}, {group}, {camera}, {any}.

    All is added, or, where one frame is refused, nothing; with --skip-invalid the others are, and
    the exit code is 1.
    """
    # Bytes that are kept stay, whatever becomes of the frames: a dry run keeps none.
    keeps = copy_media and not dry_run
    adding = _Adding(console, console.version(), context, options, skip_invalid, keeps)
    before = added = 0
    try:
        with adding.version.batch():
            before = len(adding.version)
            adding.add(paths)
            added = len(adding.version) - before + adding.pruned
            _drop_if(dry_run)
    except FrameError as error:
        raise FrameError(f"{_said(error.frame, str(error))}; nothing was added") from None
    except _Dropped:
        pass
    adding.report(added, dry_run=dry_run)
    return 1 if adding.failures else 0


@dataclass
class _Adding:
    """The work of one command line, and what came of it."""

    console: Console
    version: DatasetVersion
    context: str | None
    options: Mapping[str, object]
    skip_invalid: bool
    copy_media: bool
    failures: list[str] = field(default_factory=list)
    folders: list[tuple[Path, FolderReport]] = field(default_factory=list)

    @property
    def pruned(self) -> int:
        return sum(report.pruned for _, report in self.folders)

    def add(self, paths: Iterable[Path]) -> None:
        """Add what each path stands for, in their order."""
        named: dict[Path, list[str]] = {}  # Pictures that were named one by one, by their folder.
        wires: list[Path] = []
        folders: list[Path] = []
        for path in paths:
            if path != _PIPE and path.is_dir():
                folders.append(path)
            elif path != _PIPE and path.suffix.lower() in PICTURES | VIDEO_TYPES.keys():
                if not os.path.lexists(path):
                    raise NotFoundError(f"no file or folder {str(path)!a}")
                named.setdefault(path.parent, []).append(path.name)
            else:
                wires.append(path)
        patterns = [f"--{one}" for one in ("images", "masks", "legend", "side", "group", "prune")]
        given = [one for one in patterns if self.options[one[2:]]]
        if given and not folders:
            raise UsageError(f"{given[0]} is about folders; name one")
        if wires:
            self._add_wires(wires)
        for folder, names in named.items():
            self._add_folder(folder, only=names)
        for folder in folders:
            self._add_folder(folder, only=None)

    def _add_wires(self, paths: Iterable[Path]) -> None:
        source = counted(self.console.out, self._placed(paths), "Adding frames")
        found = self.version.add_frames(
            source, strict=not self.skip_invalid, copy_media=self.copy_media
        )
        self.failures += [_said(failure["frame"], str(failure["error"])) for failure in found]

    def _add_folder(self, folder: Path, *, only: list[str] | None) -> None:
        options = self.options
        whole = only is None
        report = add_folder(
            self.version,
            folder,
            only=only,
            context=self.context,
            images=_text(options["images"]) if whole else None,
            masks=_text(options["masks"]) if whole else None,
            legend=_path(options["legend"]) if whole else None,
            side=_text(options["side"]) if whole else None,
            group=_text(options["group"]) if whole else None,
            every_ms=_number(options["every"]),
            fps=_number(options["fps"]),
            verify=bool(options["verify"]),
            decode=bool(options["decode"]),
            prune=bool(options["prune"]) and whole,
            copy_media=self.copy_media,
            skip_invalid=self.skip_invalid,
            progress=lambda files: counted(self.console.out, files, "Reading files"),
        )
        self.folders.append((folder, report))
        self.failures += [f"{folder / path}: {why}" for path, why in report.refused]

    def _placed(self, paths: Iterable[Path]) -> Iterator[Wire | FrameInFile]:
        for frame in self._frames(paths):
            wire = frame.wire if isinstance(frame, FrameInFile) else frame
            if self.context is not None and wire.get("context_id") is None:
                wire["context_id"] = self.context
            yield frame

    def _frames(self, paths: Iterable[Path]) -> Iterator[Wire | FrameInFile]:
        for path in paths:
            if path == _PIPE:
                yield from read_frames(self.console.standard_input().buffer, "standard input")
                continue
            try:
                stream = path.open("rb")
            except FileNotFoundError:
                raise NotFoundError(f"no file or folder {str(path)!a}") from None
            with stream:
                yield from read_frames(stream, str(path))

    def report(self, added: int, *, dry_run: bool) -> None:
        """Say what came of it: what was left out on stderr, the counts on stdout."""
        out = self.console.out
        for failure in self.failures:
            out.warning(failure)
        for folder, report in self.folders:
            self._remark(folder, report)
        if self.failures:
            out.note(f"{len(self.failures):,} left out")
        would = "Would add" if dry_run else "Added"
        title = self.console.title(self.version)
        out.line(f"{would} {plural(added, 'new frame')} to {title}")
        for folder, report in self.folders:
            counts = {
                "changed": report.changed,
                "moved": report.moved,
                "unchanged": report.unchanged,
                "deleted": report.pruned,
            }
            said = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
            if said:
                out.line(f"{folder}: {said}")
        changes = self.version.status().changes.frames
        if not dry_run and (changes.added or changes.changed or changes.removed):
            out.line(
                f"Pending: {changes.added:,} added, {changes.changed:,} changed, "
                f"{changes.removed:,} removed; `hyperstore commit` records them"
            )

    def _remark(self, folder: Path, report: FolderReport) -> None:
        gone = [f"{folder / path} is gone; --prune deletes its frames" for path in report.gone]
        unsure = [
            f"{folder / path} is gone, but {folder / place} has its content: nothing tells whether "
            "that is it, so its frames stay; `hyperstore rm` deletes them"
            for path, place in report.unsure
        ]
        copies = [f"{folder / path} is a copy of {place}" for path, place in report.copies]
        passed = [f"{folder / path} {why}" for path, why in report.passed_over]
        lacking = [f"group {key} has no {', '.join(cameras)}" for key, cameras in report.incomplete]
        for remarks in (gone, unsure, copies, passed, lacking):
            for remark in remarks[:_LISTED]:
                self.console.out.note(remark)
            if len(remarks) > _LISTED:
                self.console.out.note(f"and {len(remarks) - _LISTED:,} more")


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _path(value: object) -> Path | None:
    return value if isinstance(value, Path) else None


def _number(value: object) -> float | None:
    return value if isinstance(value, float) else None


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
