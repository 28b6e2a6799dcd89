"""The only place that prints.

Every line is made of parts: plain strings and styled ones. All of them are made harmless here, and
colour is added after that, so no escape sequence on the screen ever comes from data. Results go to
stdout; errors, warnings, remarks and progress to stderr.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, NamedTuple

from hyperstore.cli.text import folds, safe, with_letters

__all__ = ["Output", "Part", "Styled", "styled"]

_COLUMNS = 80
_TITLE = 11  # Columns of what a field is called.
_STYLES = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "bold": "1",
    "dim": "2",
}


class Styled(NamedTuple):
    """A part of a line with a colour."""

    text: str
    style: str


Part = str | Styled


def styled(text: str, style: str) -> Styled:
    """Return a part in a colour or in bold; the empty style is none."""
    return Styled(text, style)


class Output:
    """Where the command writes; `when` is auto, always or never and says whether in colour."""

    def __init__(self) -> None:
        self.when = "auto"

    def line(self, *parts: Part) -> None:
        """Print one line of results."""
        self._print(parts, sys.stdout)

    def folded(self, *parts: Part, indent: int = 2) -> None:
        """Print one line of results; on a terminal on several, where it is too long for one.

        All but the first stand `indent` columns in.
        """
        columns = self.columns
        if columns is None:
            self.line(*parts)
            return
        if indent > columns // 2:
            indent = 2
        shown = [styled(safe(text), style) for text, style in map(_styled, parts)]
        for number, (begin, end) in enumerate(folds("".join(map(_text, shown)), columns, indent)):
            self.line(" " * indent if number else "", *_sliced(shown, begin, end))

    def field(self, title: str, *parts: Part) -> None:
        """Print one thing that is known of something, below and above others of it."""
        self.folded(f"{title + ':':<{_TITLE}}", *parts, indent=_TITLE)

    def lines(self, text: str, indent: str = "") -> None:
        """Print text of several lines."""
        for line in text.split("\n"):
            self.line(indent + line if line else "")

    def cells(self, cells: Iterable[str]) -> None:
        """Print one line of values with a tab between each two; a tab in one is escaped."""
        print("\t".join(map(safe, cells)))

    def json(self, value: Mapping[str, object]) -> None:
        """Print one object as one line of JSON, in ASCII, so that it cannot do any harm either."""
        print(json.dumps(value, allow_nan=False))

    def json_text(self, value: object) -> None:
        """Print a value as JSON for people to read: words as they are written."""
        text = json.dumps(value, allow_nan=False, indent=2, ensure_ascii=False)
        for line in text.split("\n"):
            print(_json_safe(line))

    def raw(self, text: str) -> None:
        """Print what was made by the program alone, such as its own help."""
        print(text)

    def exact(self, text: str) -> None:
        """Print text as it is, for programs; on a terminal each of its lines is made harmless."""
        if not text or not _is_terminal(sys.stdout):
            print(text, end="")
            return
        for line in text.removesuffix("\n").split("\n"):
            self.line(line)

    def note(self, *parts: Part) -> None:
        """Print a remark that is not a result."""
        self._print(parts, sys.stderr)

    def warning(self, text: str) -> None:
        """Print a warning."""
        self._print((styled("warning: ", "yellow"), _one_line(with_letters(text))), sys.stderr)

    def error(self, text: str) -> None:
        """Print the one line that says what went wrong."""
        self._print((styled("error: ", "red"), _one_line(with_letters(text))), sys.stderr)

    @property
    def columns(self) -> int | None:
        """How wide the terminal is; None where there is none, so nothing need be cut."""
        if not _is_terminal(sys.stdout):
            return None
        return shutil.get_terminal_size((_COLUMNS, 24)).columns

    def progress_columns(self) -> int | None:
        """How wide the terminal is on which progress may be shown; None where there is none."""
        if not _is_terminal(sys.stderr) or os.environ.get("TERM") == "dumb":
            return None
        return shutil.get_terminal_size((_COLUMNS, 24)).columns

    def overwrite(self, text: str, *, end: bool = False) -> None:
        """Write over the last line of the terminal; with `end`, leave it empty."""
        print(f"\r{safe(text)}\x1b[K", end="\r" if end else "", file=sys.stderr, flush=True)

    def flush(self) -> None:
        """Hand over what is buffered; BrokenPipeError where nobody reads."""
        sys.stdout.flush()

    def is_coloured(self, stream: IO[str]) -> bool:
        """Whether colour goes to a stream."""
        if self.when != "auto":
            return self.when == "always"
        return (
            not os.environ.get("NO_COLOR")
            and os.environ.get("TERM") != "dumb"
            and _is_terminal(stream)
        )

    def _print(self, parts: tuple[Part, ...], stream: IO[str]) -> None:
        coloured = self.is_coloured(stream)
        print("".join(_rendered(part, coloured=coloured) for part in parts), file=stream)


def _styled(part: Part) -> Styled:
    return styled(part, "") if isinstance(part, str) else part


def _text(part: Styled) -> str:
    return part.text


def _sliced(parts: Iterable[Styled], begin: int, end: int) -> Iterator[Styled]:
    """Yield what of the parts stands between two places in their text."""
    at = 0
    for text, style in parts:
        yield styled(text[max(0, begin - at) : max(0, end - at)], style)
        at += len(text)


def _rendered(part: Part, *, coloured: bool) -> str:
    if isinstance(part, str):
        return safe(part)
    text = safe(part.text)
    if not coloured or not part.style or not text:
        return text
    return f"\x1b[{_STYLES[part.style]}m{text}\x1b[0m"


def _json_safe(line: str) -> str:
    """Escape what could do harm as JSON escapes it, so that the text stays JSON."""
    if line.isprintable():
        return line
    return "".join(
        character if safe(character) == character else json.dumps(character)[1:-1]
        for character in line
    )


def _one_line(text: str) -> str:
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def _is_terminal(stream: IO[str]) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # Closed.
        return False
