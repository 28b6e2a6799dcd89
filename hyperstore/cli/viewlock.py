"""`view lock`, `locks`, `unlock`, `verify`, `diff`: pins of views, and what differs in them."""

from collections.abc import Iterator
from pathlib import Path

import click

from hyperstore.cli.completeview import complete_views
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.output import styled
from hyperstore.cli.progress import stages
from hyperstore.cli.text import columns_of, fit, plural, safe
from hyperstore.cli.verb import Number, Verb, json_option
from hyperstore.errors import UsageError
from hyperstore.query.dataview import DataView
from hyperstore.query.index.frameindex import FrameIndex
from hyperstore.query.language.condition import Condition
from hyperstore.query.locks.difference import (
    FrameDifference,
    Setting,
    frame_differences,
    hash_differences,
    setting_differences,
)
from hyperstore.query.locks.lock import Lock
from hyperstore.query.locks.lockfile import check_place, names_file, read_lock_file
from hyperstore.query.locks.lockstore import find_lock, list_locks, remove_locks

__all__ = [
    "diff_verb",
    "index_for",
    "lock_json",
    "lock_named",
    "lock_verb",
    "locks_verb",
    "unlock_verb",
    "verify_verb",
]

_SIGNS = {"+": "green", "-": "red", "~": "cyan"}
_SHOWN = 20  # Frames of a difference, unless -n says otherwise.


def index_for(console: Console, view: DataView) -> None:
    """Let the index be built that a view asks, showing how far that is."""
    if any(query.condition() != Condition() for query in view.get_queries()):
        with stages(console.out) as progress:
            FrameIndex.of(console.store.handle).refresh(
                lambda done, total: progress("Indexing for the first query", done, total)
            )


def lock_named(console: Console, text: str) -> Lock:
    """Return the lock of a file, or of an id or the start of one."""
    if names_file(text):
        return Lock(read_lock_file(text).record)
    return find_lock(console.store.handle, text)


@click.command("lock", cls=Verb)
@click.argument("name", shell_complete=complete_views)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write it there; NAME.lock here unless given.",
)
@click.option("--no-file", is_flag=True, help="Only keep it in the store.")
@click.option("--commit", "commits", is_flag=True, help="Commit what is pending in its versions.")
@json_option
@pass_console
def lock_verb(
    console: Console,
    name: str,
    output: Path | None,
    no_file: bool,
    commits: bool,
    as_json: bool,
) -> None:
    """Pin the frames that a view has now: a small file, by which they can always be had again.

    It names commits, queries, labels, order and seed, and one hash over all frame ids.
    `DataView.from_lock(FILE)` opens it. The store keeps what it pins, through gc and deleted
    versions, until `view unlock`. Edits that no commit has are refused, or committed by --commit.
    """
    view = DataView.get(name, store=console.store)
    if no_file and output is not None:
        raise UsageError("--no-file writes none; leave out --output")
    place = None if no_file else output or Path(f"{_file_name(view)}.lock")
    if place is not None:
        check_place(place)
    index_for(console, view)
    lock = view.lock(place, commit=commits)
    if as_json:
        console.out.json({**lock_json(lock), "file": None if place is None else str(place)})
        return
    where = "" if place is None else f" in {place}"
    made = f"Locked {plural(lock.count, 'frame')} of view {view.name}{where}"
    console.out.folded(made)
    console.out.field("Lock", styled(lock.id, "yellow"))
    for title in lock.titles:
        console.out.field("Pins", title)


@click.command("locks", cls=Verb)
@json_option
@pass_console
def locks_verb(console: Console, as_json: bool) -> None:
    """List the locks that the store keeps.

    --json: id, view, count, frames (the hash of all frame ids), versions, commits, store.
    """
    for lock in list_locks(console.store.handle):
        if as_json:
            console.out.json(lock_json(lock))
            continue
        name = safe(lock.name or "-")
        about = safe(f"{plural(lock.count, 'frame')}  {', '.join(lock.titles)}")
        columns = console.out.columns
        if columns is not None:
            name = fit(name, max(12, columns // 2 - 16))
            about = fit(about, max(12, columns - 16 - columns_of(name)))
        console.out.line(styled(lock.id[:12], "yellow"), "  ", styled(name, "green"), "  ", about)


@click.command("unlock", cls=Verb)
@click.argument("names", metavar="LOCK...", nargs=-1, required=True)
@pass_console
def unlock_verb(console: Console, names: tuple[str, ...]) -> None:
    """Keep locks no longer: gc may then drop what they pin. Files of them stay; see `undo`.

    What was stamped with one is then known only by the lock file beside it. A run that recorded a
    lock goes on to hold what that pins.
    """
    found = {lock.id: lock for lock in (lock_named(console, name) for name in names)}
    remove_locks(console.store.handle, list(found))
    for lock in found.values():
        said = f"Removed lock {lock.id[:12]}; `hyperstore undo` brings it back"
        console.out.folded(said)


@click.command("verify", cls=Verb)
@click.argument("name", metavar="LOCK")
@json_option
@pass_console
def verify_verb(console: Console, name: str, as_json: bool) -> None:
    """Find all frames of a lock, a file or an id, again, and hold them against it."""
    lock = lock_named(console, name)
    view = DataView.from_lock(lock, False, store=console.store)
    index_for(console, view)
    view.verify_lock()
    if as_json:
        console.out.json({**lock_json(lock), "holds": True})
        return
    held = f"Lock {lock.id[:12]} holds: {plural(lock.count, 'frame')}, in their order"
    console.out.folded(held)


@click.command("diff", cls=Verb)
@click.argument("old", metavar="LOCK")
@click.argument("new", metavar="LOCK")
@click.option("-n", "most", type=Number(), metavar="N", help="At most so many frames; 20.")
@click.option("--exit-code", is_flag=True, help="Exit by 1 where they differ.")
@json_option
@pass_console
def diff_verb(
    console: Console, old: str, new: str, most: int | None, exit_code: bool, as_json: bool
) -> int:
    """Show what differs between two locks: what they say, and which frames, each with the reason.

    `+` came, `-` went, `~` is another frame under the same id. Reasons: the frame was added to,
    changed in or removed from its version; or `query`, where it was there all the time.
    --json: first settings (path, old, new), then one line for each frame (sign, why, id,
    dataset), all of them unless -n.
    """
    before, after = lock_named(console, old), lock_named(console, new)
    settings = setting_differences(before.record, after.record)
    for one in settings:
        _print_setting(console, one, as_json=as_json)
    count = 0
    limit = most if most is not None or as_json else _SHOWN
    for difference in _frames(console, before, after):
        count += 1
        if limit is None or count <= limit:
            _print_frame(console, difference, as_json=as_json)
    if limit is not None and count > limit and not as_json:
        console.out.note(f"and {plural(count - limit, 'frame')} more; -n {count} shows all")
    others = [] if settings or count else hash_differences(before.record, after.record)
    for one in others:
        _print_setting(console, one, as_json=as_json)
    if others and not as_json:
        console.out.warning("one of them does not hold; `hyperstore view verify` says which")
    if not settings and not count and not others and not as_json:
        console.out.line("They pin the same frames in the same order")
    return 1 if exit_code and (settings or count or others) else 0


def _frames(console: Console, before: Lock, after: Lock) -> Iterator[FrameDifference]:
    sides = []
    for lock in (before, after):
        found = DataView.from_lock(lock, False, store=console.store)
        resolved = found.resolve()
        views = [view for several in resolved.views for view in several]
        sides.append((found.selection(), views))
    return frame_differences(console.store.handle, *sides)


def _print_setting(console: Console, one: Setting, *, as_json: bool) -> None:
    """Print what a setting was and is: on one line, or where that is too narrow, on three."""
    if as_json:
        console.out.json({"path": one.path, "old": one.old, "new": one.new})
        return
    columns = console.out.columns
    old, new = safe(_shown(one.old)), safe(_shown(one.new))
    text = f": {old} -> {new}"
    if columns is None or columns_of(safe(one.path) + text) <= columns:
        console.out.line(styled(one.path, "bold"), text)
        return
    console.out.line(styled(fit(safe(one.path), columns - 1), "bold"), ":")
    console.out.line("    ", fit(old, max(12, columns - 4)))
    console.out.line(" -> ", fit(new, max(12, columns - 4)))


def _print_frame(console: Console, one: FrameDifference, *, as_json: bool) -> None:
    if as_json:
        console.out.json(
            {"sign": one.sign, "why": one.why, "id": one.frame_id, "dataset": one.dataset}
        )
    else:
        shown, about = safe(f"{one.sign} {one.frame_id}"), safe(f"  {one.why}  {one.dataset}")
        columns = console.out.columns
        if columns is not None:
            about = fit(about, max(12, columns * 2 // 3))
            shown = fit(shown, max(12, columns - columns_of(about)))
        console.out.line(styled(shown, _SIGNS[one.sign]), about)


def lock_json(lock: Lock) -> dict[str, object]:
    """Return a lock for programs."""
    return {
        "id": lock.id,
        "view": lock.name,
        "count": lock.count,
        "frames": lock.frames_hash,
        "versions": lock.titles,
        "commits": lock.commits,
        "store": lock.record.store,
    }


def _file_name(view: DataView) -> str:
    """Return a view's name as one of a file: a name may hold slashes."""
    return (view.name or "view").replace("/", "-").replace("\\", "-")[:200]


def _shown(value: object) -> str:
    return "-" if value is None else str(value)
