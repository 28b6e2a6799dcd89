"""`log`: commits, newest first."""

import time
from collections.abc import Container, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

import click

from hyperstore.cli.complete import complete_revisions
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.graph import Graph
from hyperstore.cli.output import Part, Styled, styled
from hyperstore.cli.text import fit
from hyperstore.cli.verb import Number, Verb, json_option
from hyperstore.dataset.listing import list_states
from hyperstore.dataset.lookup import CommitInfo, commit_info
from hyperstore.dataset.revisions import HEAD_NAME, Point
from hyperstore.errors import UsageError
from hyperstore.history.ancestry import ancestors, walk
from hyperstore.history.commit import Changes, Count
from hyperstore.history.resolve import Range, parse_range, quote_name
from hyperstore.ids import CommitId, ObjectId
from hyperstore.limits import LABELS_SHOWN

__all__ = [
    "changes_json",
    "commit_json",
    "decorations",
    "log_command",
    "print_commit",
    "shown_time",
    "stat_line",
]


class Labels(NamedTuple):
    """What stands on one commit: the version on which HEAD stands, others, and tags."""

    head: list[str]
    versions: list[str]
    tags: list[str]


Names = Mapping[str, Labels]


@click.command("log", cls=Verb)
@click.argument(
    "revision", metavar="[REV | A..B]", required=False, shell_complete=complete_revisions
)
@click.option("--oneline", is_flag=True, help="One line each.")
@click.option("--graph", is_flag=True, help="Draw how they descend from each other.")
@click.option("--stat", is_flag=True, help="With the counts of what changed.")
@click.option("-n", "--max-count", "most", type=Number(), metavar="N", help="At most so many.")
@click.option("--all", "is_all", is_flag=True, help="Of all versions and tags of the dataset.")
@click.option("--reverse", is_flag=True, help="The oldest first.")
@json_option
@pass_console
def log_command(
    console: Console,
    revision: str | None,
    oneline: bool,
    graph: bool,
    stat: bool,
    most: int | None,
    is_all: bool,
    reverse: bool,
    as_json: bool,
) -> None:
    """Show the commits that lead to a revision, newest first.

    By default to the head of the version on which HEAD stands. A..B: those that lead to B and not
    to A; A...B: those that lead to one of them only. --json: id, parents, author, time
    (ms), message, changes, dataset_id, version_id, refs.
    """
    both = None if revision is None else parse_range(revision)
    without: set[CommitId] = set()
    if both is not None:
        if is_all:
            raise UsageError("--all takes no range")
        point, heads, without = _of_range(console, both)
        names = decorations(console, point)
    else:
        point = console.point(revision)
        names = decorations(console, point)
        heads = [_id(one) for one in names] if is_all else []
        heads = heads or [_id(point.commit_id())]
    commits = _commits(console, heads, most, without)
    if reverse:
        commits = reversed(list(commits))
    drawing = Graph() if graph and not as_json else None
    first = True
    for info in commits:
        if as_json:
            console.out.json(commit_json(info, names))
            continue
        lines = _lines(console, info, names, oneline=oneline, stat=stat)
        if drawing is not None:
            gap = not oneline and not first
            _draw(console, drawing.rows(info.id, info.parents, lines, gap=gap))
        else:
            if not oneline and not first:
                console.out.line()
            for parts in lines:
                console.out.line(*parts)
        first = False


def _of_range(console: Console, both: Range) -> tuple[Point, list[CommitId], set[CommitId]]:
    """Return the point of a range's end, where its walk begins, and what is left out of it."""
    points = [console.point(text or HEAD_NAME) for text in (both.start, both.end)]
    start, end = (_id(point.commit_id()) for point in points)
    read = console.store.handle.commit
    without = set(ancestors(read, [start]))
    if not both.is_symmetric:
        return points[1], [end], without
    return points[1], [start, end], without & set(ancestors(read, [end]))


def _id(digits: str) -> CommitId:
    return CommitId(ObjectId(bytes.fromhex(digits)))


def _commits(
    console: Console, heads: list[CommitId], most: int | None, without: Container[CommitId]
) -> Iterator[CommitInfo]:
    walked = walk(console.store.handle.commit, heads)
    found = (one for one in walked if one[0] not in without)
    return (commit_info(commit_id, commit) for commit_id, commit in islice(found, most))


def decorations(console: Console, point: Point) -> Names:
    """Return what stands on which commit of a dataset: HEAD, versions, tags."""
    head = console.store.head()
    here = None if head is None else head.id
    names: dict[str, Labels] = {}
    for state in list_states(console.store.handle, point.dataset.id):
        if state.head is None:
            continue
        held = names.setdefault(state.head.hex(), Labels([], [], []))
        label = quote_name(state.record.name)
        (held.head if state.record.id == here else held.versions).append(label)
    for name, commit in point.dataset.commit_tags().items():
        held = names.setdefault(commit, Labels([], [], []))
        held.tags.append(f"tag: {quote_name(name)}")
    return names


def _lines(
    console: Console, info: CommitInfo, names: Names, *, oneline: bool, stat: bool
) -> list[list[Part]]:
    if oneline:
        columns = console.out.columns
        title = info.message.splitlines()[0]
        if columns is not None and not names.get(info.id):
            title = fit(title, columns - 13)
        lines: list[list[Part]] = [
            [styled(info.id[:12], "yellow"), *_refs(names.get(info.id)), " ", title]
        ]
    else:
        lines = header(info, names)
    if stat:
        lines += [[]] if not oneline else []
        lines += [[" ", stat_line(info.changes)]]
    return lines


def header(info: CommitInfo, names: Names) -> list[list[Part]]:
    """Return the lines of a commit as git shows them."""
    lines: list[list[Part]] = [[styled(f"commit {info.id}", "yellow"), *_refs(names.get(info.id))]]
    if len(info.parents) > 1:
        lines.append(["Merge: ", " ".join(parent[:12] for parent in info.parents)])
    lines += [["Author: ", info.author], ["Date:   ", shown_time(info.time)], []]
    lines += [["    ", line] if line else [] for line in info.message.split("\n")]
    return lines


def print_commit(console: Console, info: CommitInfo, names: Names) -> None:
    """Print a commit's header and message."""
    for parts in header(info, names):
        console.out.line(*parts)


def stat_line(changes: Changes) -> str:
    """Return the counts of one commit: `frames +3 ~1 -0, ROIs +5 ~2 -0`."""
    return f"frames {_counts(changes.frames)}, ROIs {_counts(changes.rois)}"


def _counts(count: Count) -> str:
    return f"+{count.added:,} ~{count.changed:,} -{count.removed:,}"


def shown_time(time_ms: int) -> str:
    """Return a time as git shows it, in the zone of the reader."""
    try:
        local = time.localtime(time_ms / 1000)
        return time.strftime("%a %b %d %H:%M:%S %Y %z", local)
    except (OverflowError, ValueError, OSError):
        return f"{time_ms} ms"


def commit_json(info: CommitInfo, names: Names) -> dict[str, object]:
    """Return a commit for programs."""
    labels = names.get(info.id, Labels([], [], []))
    return {
        "id": info.id,
        "parents": list(info.parents),
        "author": info.author,
        "time": info.time,
        "message": info.message,
        "changes": changes_json(info.changes),
        "dataset_id": info.dataset_id,
        "version_id": info.version_id,
        "refs": [*labels.head, *labels.versions, *labels.tags],
    }


def changes_json(changes: Changes) -> dict[str, dict[str, int]]:
    """Return counts of changes for programs."""
    pairs = (("frames", changes.frames), ("rois", changes.rois))
    return {
        name: {"added": count.added, "changed": count.changed, "removed": count.removed}
        for name, count in pairs
    }


def _refs(labels: Labels | None) -> list[Part]:
    """Return the names in brackets: all where they are few, else tags before other versions."""
    if labels is None:
        return []
    room = LABELS_SHOWN - len(labels.head)
    tags = labels.tags[:room]
    versions = labels.versions[: room - len(tags)]
    shown: list[list[Styled]] = [
        *([styled("HEAD -> ", "cyan"), styled(name, "green")] for name in labels.head),
        *([styled(name, "green")] for name in versions),
        *([styled(name, "yellow")] for name in tags),
    ]
    more = len(labels.versions) + len(labels.tags) - len(versions) - len(tags)
    parts: list[Part] = [styled(" (", "yellow"), *shown[0]]
    for label in shown[1:]:
        parts += [", ", *label]
    return [*parts, f" and {more:,} more" if more else "", styled(")", "yellow")]


def _draw(console: Console, rows: Iterator[tuple[str, list[Part]]]) -> None:
    for edge, parts in rows:
        if parts:
            console.out.line(styled(edge, ""), *parts)
        else:
            console.out.line(edge.rstrip())
