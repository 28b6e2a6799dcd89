"""Text from data made harmless, and how wide it stands on a terminal.

Labels, ids, names, messages and URIs come from anywhere. A control character in one could move the
cursor or recolour the screen, a bidirectional mark could make a line read otherwise than it is. All
such characters are shown as escapes. What people write words with, joiners of emoji too, stays.
"""

import re
import shlex
import sys
import unicodedata

from hyperstore.dataset.secrets import without_secrets

__all__ = [
    "NOUNS",
    "ago",
    "columns_of",
    "fit",
    "folds",
    "pad",
    "plural",
    "recorded_command",
    "safe",
    "with_letters",
]

NOUNS = {
    "annotations": "annotation",
    "categories": "category",
    "commits": "commit",
    "files": "file",
    "frames": "frame",
    "images": "image",
    "masks": "mask",
    "kept": "kept file",
    "nodes": "node",
    "objects": "object",
    "operations": "operation",
    "refs": "ref",
    "rois": "ROI",
    "rows": "row",
    "segments": "segment",
    "snapshots": "snapshot",
    "tars": "tar",
}
"""What is counted, in reports by its plural, and one of it."""

_JOINERS = "\u200c\u200d"
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_COMMAND_CHARACTERS_MAX = 1_000
# As `ascii` writes them, which doubles a backslash that is one.
_ESCAPE = re.compile(
    r"(?<!\\)(?P<before>(?:\\\\)*)\\(?:x(?=[89a-f])|u|U)"
    r"(?P<code>(?<=x)[0-9a-f]{2}|(?<=u)[0-9a-f]{4}|(?<=U)[0-9a-f]{8})"
)


def safe(text: str) -> str:
    """Return `text` on one line, with every control, format and surrogate character escaped.

    What stdout cannot show is escaped, too: here, where its columns are still counted.
    """
    found = _harmless(text)
    return found if found.isascii() else _showable(found)


def with_letters(text: str) -> str:
    """Return an error's text with the letters of any script that it names by their escapes.

    What is no letter, digit or other printable character stays an escape.
    """
    return _ESCAPE.sub(_letter, text)


def _letter(found: re.Match[str]) -> str:
    character = chr(int(found["code"], 16)) if int(found["code"], 16) < 0x110000 else ""
    is_shown = character.isprintable() and not character.isascii()
    return found["before"] + character if is_shown else found[0]


def _harmless(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def _showable(text: str) -> str:
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode(encoding, "backslashreplace").decode(encoding)
    return text


def _shown(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    if unicodedata.category(character) not in _HIDDEN:
        return character  # A space of another width, or a character newer than our tables.
    code = ord(character)
    short = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character)
    return short or (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )


def columns_of(text: str) -> int:
    """Return how many columns `text`, made safe before, takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if character in _JOINERS or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def pad(text: str, columns: int) -> str:
    """Return `text` with spaces after it up to so many columns."""
    return text + " " * (columns - columns_of(text))


def fit(text: str, columns: int) -> str:
    """Return `text` cut to so many columns, the cut shown as `…`, or `~` where that cannot be."""
    if columns_of(text) <= columns:
        return text
    mark = "…" if safe("…") == "…" else "~"
    taken, width = [], 0
    for character in text:
        width += _columns(character)
        if width > columns - 1:
            break
        taken.append(character)
    return "".join(taken) + mark


def folds(text: str, columns: int, indent: int = 0) -> list[tuple[int, int]]:
    """Return where the lines of `text` begin and end, cut at spaces where it has some.

    All but the first stand `indent` columns in, and what begins the first one stays with it.
    """
    found: list[tuple[int, int]] = []
    begin, space, width, room = 0, -1, 0, max(2, columns)
    head = indent  # Columns in which a space ends no line.
    at = 0
    while at < len(text):
        width += _columns(text[at])
        if text[at] == " " and width > head:
            space = at
        if width <= room:
            at += 1
            continue
        if space > begin:
            found.append((begin, space))
            begin = space + 1
        else:
            found.append((begin, at))
            begin = at
        at, space, width, head, room = begin, -1, 0, 0, max(2, columns - indent)
    return [*found, (begin, len(text))]


def plural(count: int, noun: str) -> str:
    """Return `1 frame`, `2 frames`, `1,000 frames`."""
    plurals = {"category": "categories", "query": "queries"}
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {plurals.get(noun, noun + 's')}"


def ago(duration_s: float) -> str:
    """Return a span of time in words: seconds, minutes, hours, days."""
    for size, noun in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if duration_s >= size:
            return plural(int(duration_s // size), noun)
    return plural(int(max(0.0, duration_s)), "second")


def recorded_command(arguments: list[str]) -> str:
    """Return the command line for the operation log: on one line, and without secrets."""
    text = _harmless(shlex.join(["hyperstore", *without_secrets(arguments)]))
    return text if len(text) <= _COMMAND_CHARACTERS_MAX else text[:_COMMAND_CHARACTERS_MAX] + "…"
