"""Values as `xmltree.Element.value` gives them, written as XML.

A character that no XML can hold, in a text, becomes U+FFFD and is counted: one label among a
million frames would otherwise stop an export, and the next one the export after. What has no place
in XML at all (a name with a space, a list within a list) is refused.

Flags that became numbers are written as such, lists as repeated elements, children in the order
that is kept with them or else the usual one. Line ends and what has a meaning in XML are escaped,
so that any parser reads back the text that was meant, but for the spaces around it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hyperstore.errors import FormatError, a_type
from hyperstore.formats.combine import Wire
from hyperstore.formats.report import Report
from hyperstore.formats.xmltree import ORDER, arranged
from hyperstore.limits import XML_DEPTH_MAX

__all__ = ["document"]

_NAME = re.compile(r"[^\W\d][\w.\-]*")
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_IN_QUOTES = str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})


def document(name: str, value: object, *, place: str, report: Report) -> bytes:
    """Return a file of one element in UTF-8; FormatError, beginning with `place`, if unfit."""
    found = _Place(place, report)
    return "".join(f"{line}\n" for line in _lines(name, value, 0, found)).encode()


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    report: Report

    def __str__(self) -> str:
        return self.name


def _lines(name: str, value: object, depth: int, place: _Place) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        raise FormatError(f"{place}: {name!a:.80} is no name of an XML element")
    if depth >= XML_DEPTH_MAX:
        raise FormatError(f"{place}: {name} is nested deeper than {XML_DEPTH_MAX} elements")
    indent = "\t" * depth
    if not isinstance(value, dict):
        yield f"{indent}<{name}>{_text(value, name, place)}</{name}>"
        return
    attributes = "".join(
        f' {key[1:]}="{_text(held, key, place).translate(_IN_QUOTES)}"'
        for key, held in sorted(value.items())
        if key.startswith("@") and _fits(key[1:], place)
    )
    text = _text(value.get("#text", ""), name, place)
    children = [line for each in _children(value) for line in _lines(*each, depth + 1, place)]
    if not children:
        yield f"{indent}<{name}{attributes}>{text}</{name}>"
        return
    yield f"{indent}<{name}{attributes}>{text}"
    yield from children
    yield f"{indent}</{name}>"


def _children(value: Wire) -> Iterator[tuple[str, object]]:
    """Yield the children as they stood, where that is known; those that came later follow."""
    waiting = {
        name: list(held) if isinstance(held, list) else [held]
        for name, held in value.items()
        if not name.startswith(("@", "#"))
    }
    kept = value.get(ORDER)
    for name in kept if isinstance(kept, list) else []:
        if isinstance(name, str) and waiting.get(name):
            yield name, waiting[name].pop(0)
    for name in arranged(waiting):
        for held in waiting[name]:
            yield name, held


def _fits(name: str, place: _Place) -> bool:
    if not _NAME.fullmatch(name):
        raise FormatError(f"{place}: {name!a:.80} is no name of an XML attribute")
    return True


def _text(value: object, name: str, place: _Place) -> str:
    if isinstance(value, bool):
        value = int(value)
    if value is None:
        value = ""
    if not isinstance(value, (str, int, float)):
        raise FormatError(f"{place}: {name} is {a_type(value)}, which is no text of an element")
    text = str(value)
    text, count = _UNFIT.subn("\ufffd", text)
    if count:
        what = "character that no XML can hold, written as U+FFFD"
        place.report.note(what, f"{place}: {name}", count)
    return text.translate(_ESCAPES)
