"""Revisions as people write them: `dataset@version~2`, read into parts.

    revision = [ name ] [ "@" name ] { "~" [n] | "^" [n] | "@{" n "}" }

A name that holds `@ ~ ^ :` or `..` stands in double quotes, with `\\"` and `\\\\` inside. Only the
command parses revisions; the API takes names and ids in arguments of their own.
"""

import re

from hyperstore.codec import Struct
from hyperstore.errors import UsageError

__all__ = ["Range", "Revision", "Step", "parse_range", "parse_revision", "quote_name"]

_BARE = re.compile(r"(?:[^@~^:.\"\s]|\.(?!\.)|[ \t](?=\S))+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_STEP = re.compile(r"~([0-9]*)|\^([0-9]*)|@\{([0-9]+)\}")
_NEEDS_QUOTES = re.compile(r"[@~^:\"\\]|\.\.|\s|^\{")
_STEPS_MAX = 64


class Step(Struct, frozen=True):
    """One move from a commit: `~` n first parents up, `^` to the n-th parent, `@` n moves ago."""

    kind: str
    count: int


class Range(Struct, frozen=True):
    """Two revisions with `..` between, or `...`, which means what they do not have in common."""

    start: str
    end: str
    is_symmetric: bool = False


class Revision(Struct, frozen=True):
    """What was asked for; a part that was not written is None."""

    dataset: str | None
    at: str | None
    steps: tuple[Step, ...]


def parse_revision(text: str) -> Revision:
    """Read one revision. Raises UsageError that shows where reading stopped."""
    position = 0
    dataset, position = _name(text, position)
    at: str | None = None
    if text.startswith("@", position) and not text.startswith("@{", position):
        at, position = _name(text, position + 1)
        if at is None:
            raise UsageError(f"revision {text!a} names no version after '@'")
    steps: list[Step] = []
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise UsageError(
                f"revision {text!a} cannot be read from {text[position:]!a} on; "
                'put a name that holds @ ~ ^ : or .. in double quotes, as in "a@b"@v1'
            )
        steps.append(_step(match))
        position = match.end()
        if len(steps) > _STEPS_MAX:
            raise UsageError(f"revision {text!a} has more than {_STEPS_MAX} steps")
    if dataset is None and at is None and not steps:
        raise UsageError("a revision is empty; write dataset@version, a version, a tag or a commit")
    return Revision(dataset, at, tuple(steps))


def parse_range(text: str) -> Range | None:
    """Split `A..B` or `A...B` at the first dots outside quotes; None where `text` holds none."""
    quoted = False
    for index, character in enumerate(text):
        if character == '"' and (index == 0 or text[index - 1] != "\\"):
            quoted = not quoted
        elif not quoted and text.startswith("..", index):
            is_symmetric = text.startswith("...", index)
            return Range(text[:index], text[index + 2 + is_symmetric :], is_symmetric)
    return None


def quote_name(name: str) -> str:
    """Return `name` as it must be written inside a revision."""
    if not _NEEDS_QUOTES.search(name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _name(text: str, position: int) -> tuple[str | None, int]:
    match = _QUOTED.match(text, position)
    if match is not None:
        return re.sub(r'\\(["\\])', r"\1", match[1]), match.end()
    match = _BARE.match(text, position)
    if match is not None:
        return match[0], match.end()
    return None, position


def _step(match: re.Match[str]) -> Step:
    up, parent, ago = match.groups()
    kind, digits = (
        ("~", up) if up is not None else ("^", parent) if parent is not None else ("@", ago)
    )
    if len(digits) > 9:
        raise UsageError(f"{digits} steps are more than any history has")
    return Step(kind, int(digits or "1"))
