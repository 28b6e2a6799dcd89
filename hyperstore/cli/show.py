"""`show`: one commit, tag, version or frame."""

import click

from hyperstore.cli.cat import frame_in
from hyperstore.cli.complete import complete_revisions
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.diff import print_diff
from hyperstore.cli.log import commit_json, decorations, print_commit, shown_time, stat_line
from hyperstore.cli.output import styled
from hyperstore.cli.text import plural
from hyperstore.cli.verb import Verb
from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.dataset.edit import empty_snapshot
from hyperstore.dataset.revisions import Point, resolve, split_frame
from hyperstore.errors import HyperstoreError, NotFoundError, UsageError
from hyperstore.history.branches import find_tag

__all__ = ["show_command"]


@click.command("show", cls=Verb)
@click.argument(
    "word", metavar="[REV|FRAME|REV:FRAME]", default="HEAD", shell_complete=complete_revisions
)
@click.option("--stat", "shape", flag_value="stat", help="Counts instead of the whole difference.")
@click.option("--name-only", "shape", flag_value="name-only", help="Only the ids of frames.")
@click.option("--name-status", "shape", flag_value="name-status", help="A, M or D and the id.")
@click.option("-s", "--no-patch", "shape", flag_value="none", help="Without what it changed.")
@click.option("--json", "shape", flag_value="json", help="One JSON object.")
@pass_console
def show_command(console: Console, word: str, shape: str | None) -> None:
    """Show a commit and what it changed; a tag, a version, or a frame.

    --json: of a commit as `log --json`; of a version or tag also dataset, version, tag, published,
    comment, count, content_id; of a frame its wire form.
    """
    try:
        point = resolve(console.store, word)
    except (NotFoundError, UsageError) as error:
        _show_frame(console, word, error, as_json=shape == "json")
        return
    if point.note:
        console.out.warning(point.note)
    if shape == "json":
        console.out.json(_json(console, point))
        return
    if point.tag is not None:
        _show_tag(console, point)
    if point.is_version:
        _show_version(console, point.version)
        if point.commit is None:
            return
        console.out.line()
    _show_commit(console, point, shape or "full")


def _show_frame(console: Console, word: str, error: HyperstoreError, *, as_json: bool) -> None:
    try:
        view, frame_id = frame_in(console, console.version().view(), word)
    except NotFoundError as other:
        raise (error if split_frame(word) is None else other) from None
    wire = view.get_frame(frame_id).to_dict()
    if as_json:
        console.out.json(wire)
    else:
        console.out.json_text(wire)


def _show_tag(console: Console, point: Point) -> None:
    assert point.tag is not None
    with console.store.handle.database.reading() as reader:
        found = find_tag(reader, point.dataset.id, point.tag)
    assert found is not None
    out = console.out
    out.line(styled(f"tag {found.tag.name}", "yellow"))
    out.line("Tagger: ", found.tag.tagger)
    out.line("Date:   ", shown_time(found.tag.time))
    if found.tag.message:
        out.line()
        out.lines(found.tag.message)
    out.line()


def _show_version(console: Console, version: DatasetVersion) -> None:
    out = console.out
    record = version.record
    view = version.view()
    out.line(styled(f"version {console.title(version)}", "yellow"))
    out.line("Id:        ", version.id)
    published = f"published {shown_time(record.published)}" if record.published else "draft"
    out.line("State:     ", published)
    out.line("Created:   ", shown_time(record.created))
    if record.parent:
        out.line("Parent:    ", record.parent)
    if record.comment:
        out.line("Comment:   ", record.comment)
    totals = view.snapshot.totals
    counts = [plural(len(view), "frame"), plural(totals.rois, "ROI")]
    out.line("Holds:     ", f"{', '.join(counts)}, {plural(totals.annotated, 'frame')} annotated")
    out.line("Content:   ", view.content_id)
    for key, value in sorted(view.get_metadata().items()):
        out.line("Metadata:  ", key, "" if isinstance(value, (dict, list)) else f" = {value}")


def _show_commit(console: Console, point: Point, shape: str) -> None:
    info = console.store.commit_info(point.commit_id())
    print_commit(console, info, decorations(console, point))
    if shape == "none":
        return
    console.out.line()
    console.out.line(stat_line(info.changes))
    console.out.line()
    new = point.version.at(info.id).snapshot
    if info.parents:
        old = point.version.at(info.parents[0]).snapshot
    else:
        old = empty_snapshot(console.store.handle.staging().nodes)
    print_diff(console, old, new, shape)


def _json(console: Console, point: Point) -> dict[str, object]:
    found: dict[str, object] = {}
    if point.commit is not None:
        info = console.store.commit_info(point.commit)
        found |= commit_json(info, decorations(console, point))
    is_draft = point.is_version or point.commit is None
    if is_draft or point.tag is not None:
        record = point.version.record
        view = point.version.view() if is_draft else point.view()
        found |= {
            "dataset": point.dataset.name,
            "dataset_id": point.dataset.id,
            "version": record.name,
            "version_id": record.id,
            "tag": point.tag,
            "published": record.published or None,
            "parent": record.parent or None,
            "comment": record.comment,
            "count": len(view),
            "content_id": view.content_id,
            "metadata": view.get_metadata(),
        }
    return found
