"""`diff`: what differs between two versions or commits."""

import click

from hyperstore.cli.cat import no_frame
from hyperstore.cli.changes import MARKS, change_json, frame_lines, metadata_lines, short_stat
from hyperstore.cli.commit import summary
from hyperstore.cli.complete import complete_revisions
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.output import styled
from hyperstore.cli.verb import Verb
from hyperstore.dataset.abbreviation import find_frame
from hyperstore.dataset.compare import changed_frames, count_changes, frame_changes
from hyperstore.dataset.edit import empty_snapshot
from hyperstore.dataset.revisions import HEAD_NAME, resolve
from hyperstore.dataset.view import View
from hyperstore.errors import NotFoundError, UsageError
from hyperstore.history.ancestry import merge_base
from hyperstore.history.commit import Snapshot
from hyperstore.history.resolve import parse_range
from hyperstore.ids import CommitId, ObjectId

__all__ = ["SHAPES", "diff_command", "print_diff"]

SHAPES = ("full", "stat", "name-only", "name-status", "json", "quiet")


@click.command("diff", cls=Verb)
@click.argument(
    "words",
    metavar="[A..B | A...B | A [B]] [-- FRAME...]",
    nargs=-1,
    shell_complete=complete_revisions,
)
@click.option("--stat", "shape", flag_value="stat", help="Counts, frame by frame and in all.")
@click.option("--name-only", "shape", flag_value="name-only", help="Only the ids of frames.")
@click.option("--name-status", "shape", flag_value="name-status", help="A, M or D and the id.")
@click.option("--json", "shape", flag_value="json", help="One JSON object a frame.")
@click.option("-q", "--quiet", "shape", flag_value="quiet", help="Print nothing; --exit-code.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 where something differs.")
@click.option("--frame", "only", multiple=True, metavar="FRAME", help="Only these frames.")
@pass_console
def diff_command(
    console: Console,
    words: tuple[str, ...],
    shape: str | None,
    exit_code: bool,
    only: tuple[str, ...],
) -> int:
    """Show which frames differ, which ROIs and fields in them, before and after.

    Without a revision: from the newest commit to what the draft holds. With A: from A to what the
    draft holds. With A..B or A B: from commit to commit. With A...B: what B has done since it
    parted from A. Words that are no revision are frames.

    --json: frame, change, fields [path, before, after], rois [id, before, after, move, fields].
    """
    ends, frames = _ends(console, words)
    old, new, view = _sides(console, ends)
    wanted = frozenset(_ids(console, old, new, view, (*only, *frames)))
    differs = print_diff(console, old, new, shape or "full", wanted or None)
    return int(differs and (exit_code or shape == "quiet"))


def print_diff(
    console: Console,
    old: Snapshot,
    new: Snapshot,
    shape: str,
    only: frozenset[str] | None = None,
) -> bool:
    """Print what differs between two snapshots; return whether anything does."""
    out = console.out
    staging = console.store.handle.staging()
    if shape in ("quiet", "name-only", "name-status"):
        differs = False
        for frame in changed_frames(staging, old, new):
            if only is not None and frame.frame_id not in only:
                continue
            differs = True
            if shape == "quiet":
                break
            mark, colour = MARKS[frame.kind]
            if shape == "name-status":
                out.line(styled(mark, colour), "  ", frame.frame_id)
            else:
                out.line(frame.frame_id)
        return differs or old.meta != new.meta
    differs = False
    for frame, change in frame_changes(staging, old, new, only):
        differs = True
        if shape == "json":
            out.json(change_json(frame, change))
        elif shape == "stat":
            mark, colour = MARKS[frame.kind]
            out.line(" ", styled(mark, colour), "  ", frame.frame_id, "  ", short_stat(change))
        else:
            for parts in frame_lines(frame, change):
                out.line(*parts)
    if old.meta != new.meta and only is None and shape != "json":
        differs = True
        out.line(styled("metadata of the version", "bold"))
        for parts in metadata_lines(old.meta, new.meta):
            out.line(*parts)
    if shape == "stat" and differs and only is None:
        out.line(" ", summary(count_changes(staging, old, new)))
    return differs


def _ends(console: Console, words: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Tell revisions from frames: at most two of the first words are revisions."""
    if words:
        both = parse_range(words[0])
        if both is not None:
            ends = [both.start or HEAD_NAME, both.end or HEAD_NAME]
            if both.is_symmetric:
                ends[0] = _fork(console, *ends)
            return ends, list(words[1:])
    ends = []
    for word in words[:2]:
        try:
            resolve(console.store, word)
        except (NotFoundError, UsageError):
            break
        ends.append(word)
    return ends, list(words[len(ends) :])


def _fork(console: Console, start: str, end: str) -> str:
    """Return the commit at which two revisions parted, or the newest of several."""
    one, other = (
        CommitId(ObjectId(bytes.fromhex(console.point(text).commit_id()))) for text in (start, end)
    )
    base = merge_base(console.store.handle.commit, one, other)
    if base is None:
        raise NotFoundError(
            f"{start} and {end} have no commit in common; compare them as they are: {start}..{end}"
        )
    return base.hex()


def _sides(console: Console, ends: list[str]) -> tuple[Snapshot, Snapshot, View | None]:
    if len(ends) == 2:
        one, other = (console.point(end) for end in ends)
        old = one.version.at(one.commit_id())
        return old.snapshot, other.version.at(other.commit_id()).snapshot, None
    version = console.version()
    new = version.view()
    if ends:
        point = console.point(ends[0])
        return point.version.at(point.commit_id()).snapshot, new.snapshot, new
    if version.head is None:
        nodes = console.store.handle.staging().nodes
        return empty_snapshot(nodes), new.snapshot, new
    return version.at(version.head).snapshot, new.snapshot, new


def _ids(
    console: Console, old: Snapshot, new: Snapshot, view: View | None, words: tuple[str, ...]
) -> list[str]:
    """Return the ids of the frames named, which one side or the other has."""
    if not words:
        return []
    home = (view or console.version().view()).home
    found: list[str] = []
    for word in words:
        for snapshot in (new, old):
            side = View(console.store.handle, snapshot, home)
            try:
                found.append(find_frame(console.store, side, word))
                break
            except NotFoundError:
                continue
        else:
            raise no_frame(console, word, UsageError(f"{word!a} is neither a revision nor a frame"))
    return found
