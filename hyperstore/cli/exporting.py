"""`export`: a version as a file of another format."""

from pathlib import Path

import click

from hyperstore.cli.complete import complete_revisions
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.progress import counted
from hyperstore.cli.text import NOUNS, plural
from hyperstore.cli.verb import Verb
from hyperstore.errors import UsageError
from hyperstore.formats import coco

__all__ = ["export_command"]


@click.group("export", no_args_is_help=False)
def export_command() -> None:
    """Write a version as files of another format."""


@export_command.command("coco", cls=Verb)
@click.argument("revision", metavar="REV", shell_complete=complete_revisions)
@click.argument("file")
@click.option("--of", metavar="TASK|FILE", help="Which of the files or tasks in the version.")
@click.option(
    "--images",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder to which the names of new pictures are relative.",
)
@pass_console
def coco_verb(
    console: Console, revision: str, file: str, of: str | None, images: Path | None
) -> None:
    """Write one COCO file from DATASET@VERSION, or from any revision.

    --of names a task (instances, keypoints, captions) or one of the files that were imported, and
    may be left out where all are of one task. FILE appears whole, or not at all.
    """
    if file == "-":
        raise UsageError("name a file: it is written whole or not at all, which a pipe cannot be")
    view = console.point(revision).view()
    frames = (frame.to_dict() for frame in view)
    shown = counted(console.out, frames, "Exporting frames", len(view))
    report = coco.write(shown, view.get_metadata(), Path(file), of=of, images=images)
    counts = ", ".join(
        plural(count, NOUNS[what]) if what in NOUNS else f"{count:,} {what}"
        for what, count in report.counts.items()
    )
    console.out.line(f"Exported {counts or 'nothing'} to {file}")
    for line in report.lines():
        console.out.note("  ", line)
