"""`which`: of which frames a file was made that `stamp` was told of."""

import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import click

from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.output import styled
from hyperstore.cli.text import plural
from hyperstore.cli.verb import Verb, json_option
from hyperstore.cli.viewlock import lock_json
from hyperstore.errors import HyperstoreError, NotFoundError
from hyperstore.limits import LOCK_NEIGHBOURS_MAX
from hyperstore.query.locks.lock import Lock
from hyperstore.query.locks.lockfile import (
    LOCK_SUFFIX,
    LockFile,
    StampedFile,
    beside,
    read_lock_file,
    stamp_of,
)
from hyperstore.query.locks.lockstore import check_here, lock_of_file

__all__ = ["which_command"]

_SAME, _RENAMED, _CHANGED, _UNKNOWN = "same", "renamed", "changed", "unknown"


class _Answer(NamedTuple):
    """What is known of a file: `stamped` is the file as it was then, `source` who says so."""

    state: str
    lock: Lock
    stamped: StampedFile | None
    source: str


@click.command("which", cls=Verb)
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@pass_console
def which_command(console: Console, file: Path, as_json: bool) -> int:
    """Say of which frames a file was made, such as a model that `stamp` was told of.

    Known by its content: a lock file beside it is asked first, then those of its folder, then the
    store. Exit code 1 where the file changed since, or nothing is known of it. --json: state
    (same, renamed, changed, unknown), source, lock as `view lock --json`, spec, stamped.
    """
    now = stamp_of(file)
    answer = _answer(console, file, now)
    if answer is None:
        if as_json:
            console.out.json({"state": _UNKNOWN, "path": str(file)})
        else:
            said = f"{file}: no lock is known; `hyperstore stamp` puts one beside it"
            console.out.folded(said)
        return 1
    if as_json:
        _print_json(console, file, answer)
    else:
        _print(console, file, now, answer)
    return int(answer.state == _CHANGED)


def _answer(console: Console, file: Path, now: StampedFile) -> _Answer | None:
    own = beside(file)
    found = fault = None
    if own.exists():
        try:
            found = read_lock_file(own)
        except HyperstoreError as error:
            fault = error
    if found is not None and (found.file is None or found.file.is_content_of(now)):
        return _of(found, file, str(own))
    for path, other in _neighbours(file):
        if path != own and other.file is not None and other.file.is_content_of(now):
            _warn(console, fault)
            return _of(other, file, str(path))
    with suppress(NotFoundError):  # It may lie where no store is.
        handle = console.store.handle
        lock = lock_of_file(handle, now)
        if lock is not None:
            _warn(console, fault)
            return _Answer(_RENAMED, lock, None, f"store {handle.folder}")
    if fault is not None:  # What it said is not known by anybody else.
        raise fault
    if found is None:
        return None
    return _Answer(_CHANGED, Lock(found.record), found.file, str(own))


def _warn(console: Console, fault: HyperstoreError | None) -> None:
    if fault is not None:
        console.out.warning(str(fault))


def _of(found: LockFile, file: Path, source: str) -> _Answer:
    is_same = found.file is None or found.file.name == file.name
    return _Answer(_SAME if is_same else _RENAMED, Lock(found.record), found.file, source)


def _neighbours(file: Path) -> Iterator[tuple[Path, LockFile]]:
    """Yield the lock files of a file's folder that can be read."""
    paths = islice(file.absolute().parent.glob(f"*{LOCK_SUFFIX}"), LOCK_NEIGHBOURS_MAX)
    for path in sorted(paths):
        with suppress(HyperstoreError):
            yield path, read_lock_file(path)


def _print(console: Console, file: Path, now: StampedFile, answer: _Answer) -> None:
    out, lock, stamped = console.out, answer.lock, answer.stamped
    called = f" of view {lock.name}" if lock.name else ""
    made = "was made of" if answer.state != _CHANGED else "was stamped with"
    out.folded(f"{file} {made} {plural(lock.count, 'frame')}{called}")
    out.field("Lock", styled(lock.id, "yellow"), f", says {answer.source}")
    for title in lock.titles:
        out.field("Pins", title)
    for line in _view_lines(lock):
        out.field("View", line)
    if answer.state == _RENAMED and stamped is not None:
        out.field("File", f"as it was stamped under the name {stamped.name}")
    elif answer.state == _RENAMED:
        out.field("File", "as it was stamped, by its content")
    elif answer.state == _SAME:
        known = "as it was stamped" if stamped is not None else "the lock does not say which"
        out.field("File", known)
    elif stamped is not None:
        sizes = f"{stamped.size:,} bytes then, {now.size:,} now"
        changed = styled("changed since it was stamped", "red")
        out.field("File", changed, f" ({sizes})")
    with suppress(NotFoundError):
        _print_presence(console, lock)


def _print_presence(console: Console, lock: Lock) -> None:
    handle = console.store.handle
    try:
        check_here(handle, lock.record)
    except HyperstoreError as error:
        console.out.warning(str(error))


def _view_lines(lock: Lock) -> Iterator[str]:
    """Yield what the view says, one thing a line."""
    spec = lock.record.spec
    filters = spec.get("filters")
    for one in filters if isinstance(filters, list) else ():
        if isinstance(one, dict):
            said = {key: one[key] for key in one if key not in ("dataset", "version")}
            yield f"query {json.dumps(said, ensure_ascii=False)}"
    for name in sorted(spec.keys() - {"filters"}):
        yield f"{name} {json.dumps(spec[name], ensure_ascii=False)}"


def _print_json(console: Console, file: Path, answer: _Answer) -> None:
    stamped = answer.stamped
    console.out.json(
        {
            "path": str(file),
            "state": answer.state,
            "source": answer.source,
            "lock": lock_json(answer.lock),
            "spec": answer.lock.record.spec,
            "stamped": None
            if stamped is None
            else {
                "name": stamped.name,
                "size": stamped.size,
                "sha256": stamped.sha256,
                "blake3": stamped.blake3,
            },
        }
    )
