"""`import`: other formats into a draft, in one operation and bounded memory; here COCO and VOC."""

from collections.abc import Mapping
from pathlib import Path

import click

from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.importsteps import (
    checked,
    dataset_option,
    finish,
    message_option,
    put,
    version_option,
)
from hyperstore.cli.importtables import hf_verb, parquet_verb, webdataset_verb
from hyperstore.cli.verb import Verb
from hyperstore.dataset.arrival import Arrival
from hyperstore.formats import coco, panoptic, voc
from hyperstore.formats.combine import Wire
from hyperstore.formats.report import Report
from hyperstore.media.settings import media_settings

__all__ = ["import_command"]


@click.group("import", no_args_is_help=False)
def import_command() -> None:
    """Read annotations of another format into a draft.

    Makes the dataset and the version where they are missing, edits the draft in one step, and
    stands there. Commits only where -m is given. Importing again
    sets annotations back to what the files say.
    """


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
@dataset_option
@version_option
@message_option
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
    message = checked(console, dataset, version_name, parts)
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
@dataset_option
@version_option
@message_option
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
    message = checked(console, dataset, version_name, parts)
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

        put(console, arrival, source.frames(), meta, total=source.report.counts.get("images"))
        finish(console, arrival, source.report, message)


@import_command.command("voc", cls=Verb)
@click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@_images
@dataset_option
@version_option
@message_option
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
    message = checked(console, dataset, version_name, parts)
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
        put(console, arrival, frames, meta if legend else None, total=None)
        finish(console, arrival, report, message)


for _verb in (parquet_verb, hf_verb, webdataset_verb):
    import_command.add_command(_verb)
