"""`import parquet`, `import hf` and `import webdataset`: whole frames, and pictures with them."""

from collections.abc import Callable
from pathlib import Path

import click

from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.importsteps import (
    checked,
    dataset_option,
    finish,
    message_option,
    put_whole,
    version_option,
)
from hyperstore.cli.verb import Verb
from hyperstore.dataset.arrival import Arrival
from hyperstore.formats import huggingface, parquet, webdataset
from hyperstore.formats.newmedia import Keep, kept_in_store, written_to
from hyperstore.formats.report import Report

__all__ = ["hf_verb", "parquet_verb", "webdataset_verb"]

_Source = huggingface.HuggingFaceFrames | webdataset.ShardFrames

_paths = click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
_pictures = click.option(
    "--pictures",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write pictures to a new folder, instead of keeping them in the store.",
)
_keep = click.option(
    "--keep", "keep_all", is_flag=True, help="Those too of which the frame says where they are."
)


@click.command("parquet", cls=Verb)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@dataset_option
@version_option
@message_option
@pass_console
def parquet_verb(
    console: Console, file: Path, dataset: str, version_name: str, parts: tuple[str, ...]
) -> None:
    """Import frames from Parquet, as `export parquet` writes it.

    Frames take the place of those of the same ids. Without its column `wire`, frames are made of
    the others: uri, or sources; id, context_id, timestamp, rois, meta.
    """
    message = checked(console, dataset, version_name, parts)
    with Arrival(console.store.handle, dataset, version_name) as arrival:
        with parquet.read(file) as opened:
            put_whole(console, arrival, opened.frames(), opened.meta, opened.count)
        finish(console, arrival, opened.report, message)


@click.command("hf", cls=Verb)
@_paths
@_keep
@_pictures
@dataset_option
@version_option
@message_option
@pass_console
def hf_verb(
    console: Console,
    paths: tuple[Path, ...],
    keep_all: bool,
    pictures: Path | None,
    dataset: str,
    version_name: str,
    parts: tuple[str, ...],
) -> None:
    """Import a dataset of Hugging Face: Parquet files, or a folder of them.

    Pictures that no frame says the place of are kept in the store. Objects become boxes, classes
    of pictures labels, and other columns metadata.
    """

    def read(keep: Keep, report: Report) -> _Source:
        return huggingface.read(paths, keep=keep, keep_all=keep_all, report=report)

    _import(console, read, pictures, dataset, version_name, parts)


@click.command("webdataset", cls=Verb)
@_paths
@_keep
@_pictures
@dataset_option
@version_option
@message_option
@pass_console
def webdataset_verb(
    console: Console,
    paths: tuple[Path, ...],
    keep_all: bool,
    pictures: Path | None,
    dataset: str,
    version_name: str,
    parts: tuple[str, ...],
) -> None:
    """Import tars of WebDataset, or a folder of them.

    A json that is a frame is one; of other samples the picture is kept in the store, cls becomes a
    label, txt and json metadata.
    """

    def read(keep: Keep, report: Report) -> _Source:
        return webdataset.read(paths, keep=keep, keep_all=keep_all, report=report)

    _import(console, read, pictures, dataset, version_name, parts)


def _import(
    console: Console,
    read: Callable[[Keep, Report], _Source],
    pictures: Path | None,
    dataset: str,
    version: str,
    parts: tuple[str, ...],
) -> None:
    message = checked(console, dataset, version, parts)
    report = Report()
    handle = console.store.handle
    with Arrival(handle, dataset, version) as arrival:
        if pictures is None:  # Prune waits until the frames that name them are stored.
            with kept_in_store(handle) as keep:
                _put(console, arrival, read(keep, report))
                finish(console, arrival, report, message)
            return
        with written_to(pictures) as keep:
            _put(console, arrival, read(keep, report))
        finish(console, arrival, report, message)


def _put(console: Console, arrival: Arrival, source: _Source) -> None:
    put_whole(console, arrival, source.frames(), source.meta, None)
