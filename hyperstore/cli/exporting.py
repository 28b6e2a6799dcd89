"""`export`: a version as files of another format."""

from collections.abc import Callable, Iterator
from pathlib import Path

import click

from hyperstore.cli.complete import complete_revisions
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.progress import counted, stages
from hyperstore.cli.text import NOUNS, plural
from hyperstore.cli.verb import Number, Verb
from hyperstore.dataset.projection import Projection
from hyperstore.dataset.view import View
from hyperstore.errors import UsageError
from hyperstore.formats import coco, huggingface, panoptic, parquet, voc, webdataset
from hyperstore.formats.combine import Wire
from hyperstore.formats.report import Report
from hyperstore.formats.wirewrite import write_frames
from hyperstore.limits import SHARD_BYTES, SHARD_FRAMES
from hyperstore.media.local import local_file
from hyperstore.media.settings import media_settings
from hyperstore.query.tabular.columns import TABLES

__all__ = ["export_command"]


@click.group("export", no_args_is_help=False)
def export_command() -> None:
    """Write a version as files of another format."""


_revision = click.argument("revision", metavar="REV", shell_complete=complete_revisions)
_of = click.option("--of", metavar="TASK|FILE", help="Which of the files or tasks in the version.")
_images = click.option(
    "--images",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder to which the names of new pictures are relative.",
)
_force = click.option(
    "-f", "--force", is_flag=True, help="Write among the files that stand there already."
)


@export_command.command("coco", cls=Verb)
@_revision
@click.argument("file")
@_of
@_images
@pass_console
def coco_verb(
    console: Console, revision: str, file: str, of: str | None, images: Path | None
) -> None:
    """Write one COCO file from DATASET@VERSION, or from any revision.

    --of names a task (instances, keypoints, captions) or one of the files that were imported, and
    may be left out where all are of one task. FILE appears whole, or not at all.
    """
    _refuse_pipe(file)
    view = console.point(revision).view()
    meta = view.get_metadata()
    report = coco.write(_frames(console, view), meta, Path(file), of=of, images=images)
    _say(console, report, file)


@export_command.command("panoptic", cls=Verb)
@_revision
@click.argument("file")
@click.option(
    "--masks",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder for PNGs; by default FILE without its .json.",
)
@_of
@_images
@_force
@pass_console
def panoptic_verb(
    console: Console,
    revision: str,
    file: str,
    masks: Path | None,
    of: str | None,
    images: Path | None,
    force: bool,
) -> None:
    """Write one panoptic COCO file, and its PNGs, from DATASET@VERSION or any revision.

    What no panoptic file said is drawn: masks, polygons, boxes and ellipses, larger ones below.
    --of is as for `export coco`. All appears when all is written.
    """
    _refuse_pipe(file)
    view = console.point(revision).view()
    report = panoptic.write(
        _frames(console, view),
        view.get_metadata(),
        Path(file),
        fetch=_fetch(console),
        pixels_max=media_settings(str(console.store.handle.folder)).pixels_max,
        masks=masks,
        of=of,
        images=images,
        replace=force,
    )
    _say(console, report, file)


@export_command.command("voc", cls=Verb)
@_revision
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@_images
@_force
@pass_console
def voc_verb(
    console: Console, revision: str, folder: Path, images: Path | None, force: bool
) -> None:
    """Write a folder of Pascal VOC from DATASET@VERSION, or from any revision.

    Annotations, the lists of ImageSets, and the masks that VOC has folders for. Pictures stay
    where they are. DIR appears when all of it is written.
    """
    view = console.point(revision).view()
    report = voc.write(
        _frames(console, view),
        folder,
        fetch=_fetch(console),
        pixels_max=media_settings(str(console.store.handle.folder)).pixels_max,
        images=images,
        legend=view.get_metadata().get("mask_labels"),
        replace=force,
    )
    _say(console, report, str(folder))


@export_command.command("frames", cls=Verb)
@_revision
@click.argument("file")
@click.option(
    "--projection",
    "paths",
    metavar="PATH",
    multiple=True,
    help="Only this part of each frame, such as rois.*.label; may be given again.",
)
@click.option("--list", "in_list", is_flag=True, help="One JSON list, instead of lines.")
@pass_console
def frames_verb(
    console: Console, revision: str, file: str, paths: tuple[str, ...], in_list: bool
) -> None:
    """Write frames in the wire form, one JSON object a line, which `add` reads.

    FILE appears whole, or not at all; `ls --json` is for pipes.
    """
    _refuse_pipe(file)
    chosen = Projection(paths)
    frames = _frames(console, console.point(revision).view())
    report = write_frames(map(chosen.apply, frames), Path(file), in_list=in_list)
    _say(console, report, file)


@export_command.command("parquet", cls=Verb)
@_revision
@click.argument("file")
@click.option(
    "--table",
    type=click.Choice(list(TABLES)),
    help="One plain table, instead of all that a frame has.",
)
@pass_console
def parquet_verb(console: Console, revision: str, file: str, table: str | None) -> None:
    """Write one Parquet file from DATASET@VERSION, or from any revision.

    A row is a frame, with its metadata, sources and ROIs in columns, and as a whole in the column
    wire: `import parquet` gives the same frames back. FILE appears whole, or not at all.
    """
    _refuse_pipe(file)
    view = console.point(revision).view()
    if table is None:
        with stages(console.out) as progress:
            report = parquet.write(
                view,
                Path(file),
                meta=view.get_metadata(),
                content_id=view.content_id,
                progress=progress,
            )
    else:
        report = parquet.write_table(view, Path(file), table)
    _say(console, report, file)


@export_command.command("hf", cls=Verb)
@_revision
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--paths", "no_bytes", is_flag=True, help="Paths of pictures, not their bytes.")
@click.option("--whole", is_flag=True, help="With a column wire, so that nothing is lost.")
@click.option("--split", default="train", metavar="NAME", help="By default train.")
@_force
@pass_console
def hf_verb(
    console: Console,
    revision: str,
    folder: Path,
    no_bytes: bool,
    whole: bool,
    split: str,
    force: bool,
) -> None:
    """Write a dataset of Hugging Face, for `datasets.load_dataset(DIR)`.

    Parquet with pictures, and objects: id, bbox (x, y, width, height), category, area, confidence.
    DIR appears when all of it is written.
    """
    view = console.point(revision).view()
    with stages(console.out) as progress:
        report = huggingface.write(
            view,
            folder,
            fetch=_fetch(console),
            meta=view.get_metadata(),
            embed=not no_bytes,
            whole=whole,
            split=split,
            replace=force,
            progress=progress,
        )
    _say(console, report, str(folder))


@export_command.command("webdataset", cls=Verb)
@_revision
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--bytes", "most", type=Number(min=1), metavar="N", help="Of a tar; by default 1 GiB."
)
@click.option("--frames", type=Number(min=1), metavar="N", help="In a tar; by default 10,000.")
@_force
@pass_console
def webdataset_verb(
    console: Console,
    revision: str,
    folder: Path,
    most: int | None,
    frames: int | None,
    force: bool,
) -> None:
    """Write tars of WebDataset from DATASET@VERSION, or from any revision.

    Of each frame KEY.json, its picture and its masks. The same frames and pictures give the same
    bytes. DIR appears when all of it is written.
    """
    view = console.point(revision).view()
    report = webdataset.write(
        _frames(console, view),
        folder,
        fetch=_fetch(console),
        meta=view.get_metadata(),
        shard_bytes=most or SHARD_BYTES,
        shard_frames=frames or SHARD_FRAMES,
        replace=force,
    )
    _say(console, report, str(folder))


def _refuse_pipe(file: str) -> None:
    if file == "-":
        raise UsageError("name a file: it is written whole or not at all, which a pipe cannot be")


def _frames(console: Console, view: View) -> Iterator[Wire]:
    frames = (frame.to_dict() for frame in view)
    return counted(console.out, frames, "Exporting frames", len(view))


def _fetch(console: Console) -> Callable[[str], str]:
    """Return what gives the path of a URI's file, by the settings of the store."""
    handle = console.store.handle
    store, foreign = str(handle.folder), handle.database.trust == "foreign"

    def fetch(uri: str) -> str:
        return local_file(uri, store=store, foreign=foreign)

    return fetch


def _say(console: Console, report: Report, place: str) -> None:
    counts = ", ".join(
        plural(count, NOUNS[what]) if what in NOUNS else f"{count:,} {what}"
        for what, count in report.counts.items()
    )
    console.out.line(f"Exported {counts or 'nothing'} to {place}")
    for line in report.lines():
        console.out.note("  ", line)
