"""`cat`: frames as JSON."""

import click

from hyperstore.cli.complete import complete_revisions
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.frames import Wire, find_roi
from hyperstore.cli.verb import Verb, json_option
from hyperstore.codec import Value, decode
from hyperstore.dataset.abbreviation import find_frame
from hyperstore.dataset.revisions import resolve, split_frame
from hyperstore.dataset.view import View
from hyperstore.errors import HyperstoreError, NotFoundError, UsageError
from hyperstore.frames.wire import decode_plain
from hyperstore.ids import Kind
from hyperstore.limits import ID_BYTES, ID_PREFIX_DIGITS_MIN

__all__ = ["cat_command", "frame_in", "no_frame"]

_KINDS = frozenset(Kind)
_DIGITS = frozenset("0123456789abcdef")


@click.command("cat", cls=Verb)
@click.argument("frames", metavar="FRAME...", nargs=-1, required=True)
@click.option(
    "--at", "revision", metavar="REV", shell_complete=complete_revisions, help="As of a revision."
)
@click.option("--roi", metavar="ROI", help="Only this ROI, by the start of its id.")
@json_option
@pass_console
def cat_command(
    console: Console, frames: tuple[str, ...], revision: str | None, roi: str | None, as_json: bool
) -> None:
    """Show frames as JSON, in the wire form.

    FRAME is an id, the start of one, REV:FRAME, or the id of any object in the store, such as a
    commit. --json writes one a line.
    """
    view = console.point(revision).view()
    for word in frames:
        try:
            place, frame_id = frame_in(console, view, word)
            value = place.get_frame(frame_id).to_dict()
        except NotFoundError:
            found = _object(console, word)
            if found is None:
                raise
            value = found
        value = value if roi is None else find_roi(value, roi)
        if as_json:
            console.out.json(value)
        else:
            console.out.json_text(value)


def _object(console: Console, word: str) -> Wire | None:
    """Return the object whose id begins with `word`, with bytes as hex; None where there is none.

    UsageError where there are several.
    """
    if not ID_PREFIX_DIGITS_MIN <= len(word) <= 2 * ID_BYTES or not _DIGITS.issuperset(word):
        return None
    with console.store.handle.database.reading() as reader:
        found = reader.find(word)
        if len(found) > 1:
            raise UsageError(f"{word} is short for {len(found)} objects; give more digits")
        if not found:
            return None
        kind = reader.kind_of(found[0])
        payload = reader.get(found[0])
    if kind == Kind.FRAME:
        return decode_plain(payload, roots=console.store.handle.roots)
    value = decode(payload, what=f"object {found[0].hex()}", allow_bytes=True)
    name = Kind(kind).name.lower() if kind in _KINDS else f"kind {kind}"
    return {"kind": name, "id": found[0].hex(), "value": _plain(value)}


def _plain(value: Value) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [_plain(held) for held in value]
    if isinstance(value, dict):
        return {key: _plain(held) for key, held in value.items()}
    return value


def frame_in(console: Console, view: View, word: str) -> tuple[View, str]:
    """Return where a frame is and its id: FRAME in the view given, or REV:FRAME elsewhere."""
    parts = split_frame(word)
    try:
        return view, find_frame(console.store, view, word)
    except NotFoundError as error:
        if parts is None or not all(parts):
            raise no_frame(console, word, error) from None
    elsewhere = console.point(parts[0]).view()
    return elsewhere, find_frame(console.store, elsewhere, parts[1])


def no_frame(console: Console, word: str, error: HyperstoreError) -> HyperstoreError:
    """Return the error that says what a word that is no frame is, or fails to be, as a revision."""
    try:
        point = resolve(console.store, word)
    except (NotFoundError, UsageError) as other:
        if not any(mark in word for mark in "@~^"):  # A name alone, more likely a frame's.
            return error
        return NotFoundError(f"no frame {word!a}; nor is it a revision: {other}")
    what = "version" if point.is_version else "commit"
    return NotFoundError(
        f"{word!a} is a {what}, not a frame; `hyperstore show` shows it, and {word}:FRAME is a "
        "frame of it"
    )
