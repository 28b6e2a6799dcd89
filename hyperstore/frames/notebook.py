"""Frames as HTML for notebooks: a picture beside a table of facts, in one piece and without script.

All text of a frame may come from a stranger: it is cut short, what nobody can see in it is marked,
and what HTML would read as its own is escaped.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from hyperstore.codec import Struct
from hyperstore.frames.words import brief

__all__ = ["Card", "Drawn", "facts_table", "page"]

_TEXT_MAX = 200
_CELL = "text-align:left;vertical-align:top;padding:1px 8px 1px 0"
_ROW = "display:flex;flex-wrap:wrap;gap:12px;align-items:flex-start"
_NOTE = "color:#777;max-width:480px"


class Drawn(Protocol):
    """A picture that is ready to be shown."""

    @property
    def uri(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...


class Card(Struct, frozen=True):
    """What is shown of one source: its name in a group, a picture, and what is to be said of it."""

    title: str
    picture: Drawn | None
    notes: Sequence[str]


def page(title: str, cards: Iterable[Card], tables: Iterable[str]) -> str:
    """Return the HTML of one frame: its pictures side by side, then its tables."""
    shown = "".join(map(_figure, cards))
    return (
        f'<div class="hyperstore-frame"><div><b>{_text(title)}</b></div>'
        f'<div style="{_ROW}">{shown}<div>{"".join(tables)}</div></div></div>'
    )


def facts_table(rows: Iterable[Sequence[object]]) -> str:
    """Return a table whose rows begin with a name; empty text where there is none."""
    lines = [
        "<tr>"
        + f'<th style="{_CELL}">{_text(first)}</th>'
        + "".join(f'<td style="{_CELL}">{_text(one)}</td>' for one in rest)
        + "</tr>"
        for first, *rest in rows
    ]
    return f'<table style="margin-bottom:6px">{"".join(lines)}</table>' if lines else ""


def _figure(card: Card) -> str:
    picture = card.picture
    image = (
        ""
        if picture is None
        else f'<img src="{_escaped(picture.uri)}" width="{picture.width:d}"'
        f' height="{picture.height:d}" alt="{_text(card.title or "the frame")}">'
    )
    name = f"<figcaption>{_text(card.title)}</figcaption>" if card.title else ""
    notes = "".join(f'<div style="{_NOTE}">{_text(note)}</div>' for note in card.notes)
    return f'<figure style="margin:0">{name}{image}{notes}</figure>'


def _text(value: object) -> str:
    """Return a value as text that HTML shows as it is."""
    if value is None:
        return ""
    said = value if isinstance(value, str) else brief(value)
    cut = said if len(said) <= _TEXT_MAX else said[:_TEXT_MAX] + "..."
    return _escaped("".join(one if one.isprintable() else "�" for one in cut))


def _escaped(text: str) -> str:
    from html import escape  # Its table of entities is only for who is shown something.

    return escape(text)
