"""Names of datasets, versions and tags: labels that people choose, checked in one place.

A name is never used as a path, so all is allowed that can be shown on one line without deceiving,
and whose characters can all be seen: it is the only validator for names that come from outside,
from a person as from a remote.
"""

import unicodedata
from collections.abc import Iterable

from hyperstore.errors import UsageError
from hyperstore.limits import MESSAGE_BYTES_MAX, NAME_BYTES_MAX

__all__ = ["check_name", "check_names", "check_text"]

_BIDIRECTIONAL = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_LINE_BREAKS = frozenset("\u2028\u2029")
# Two names that differ in these alone stand beside each other and look the same. Unicode has more
# characters of category Cf: those not named here can be seen, as the number signs of Arabic can.
# The blank of Braille is one: where words of Braille are names, a plain space stands between them.
_INVISIBLE = frozenset(
    (0x00AD, 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x200B, 0x2800, 0x3164, 0xFEFF, 0xFFA0)
).union(
    *(range(0x2060, 0x2066), range(0x206A, 0x2070), range(0xFFF0, 0xFFFC)),
    *(range(0x1BCA0, 0x1BCA4), range(0x1D173, 0x1D17B)),
    *(range(0xE0000, 0xE0100), range(0xE01F0, 0xE1000)),
)
# A space that does not break or is narrower stands for the plain one. The wide one is what writers
# of Chinese and Japanese type, and as wide as their letters, so that it can be told apart.
_SPACES = frozenset(" \u3000")
_JOINERS = frozenset("\u200c\u200d")
_EMOJI_SELECTORS = frozenset("\ufe0e\ufe0f")  # As a picture, or as text.
_SELECTORS = frozenset(map(chr, (*range(0xFE00, 0xFE0E), *range(0xE0100, 0xE01F0))))
_MONGOLIAN_SELECTORS = frozenset("\u180b\u180c\u180d\u180f")
_KEYCAP = "\ufe0f\u20e3"


def check_name(name: object, *, what: str) -> str:
    """Return `name` if it may name a `what`; raise UsageError that says which rule it breaks."""
    if not isinstance(name, str):
        raise UsageError(f"a {what} name is a string, not {type(name).__name__}")
    fault = _fault(name)
    if fault is not None:
        raise UsageError(f"{what} name {name!a} {fault}; choose another name")
    return name


def check_names(names: object, *, what: str) -> list[str]:
    """Return a list of names, each once, in their order; a str is none, though it is iterable."""
    if isinstance(names, str | bytes) or not isinstance(names, Iterable):
        raise UsageError(f"{what} names come as a list, not as {type(names).__name__}")
    return list(dict.fromkeys(check_name(one, what=what) for one in names))


def check_text(text: object, *, what: str) -> str:
    """Return a comment or the like if it can be recorded, the empty one too."""
    if not isinstance(text, str):
        raise UsageError(f"a {what} is a string, not {type(text).__name__}")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise UsageError(f"the {what} holds an unpaired surrogate") from None
    if size > MESSAGE_BYTES_MAX:
        raise UsageError(f"the {what} has {size} bytes, where {MESSAGE_BYTES_MAX} are allowed")
    return text


def _fault(name: str) -> str | None:
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "holds an unpaired surrogate"
    if not 1 <= size <= NAME_BYTES_MAX:
        return f"has {size} bytes of UTF-8, where 1 to {NAME_BYTES_MAX} are allowed"
    if name in (".", ".."):
        return "is a folder's short name"
    if name in ("HEAD", "@"):
        return "is what revisions call the place where HEAD stands"
    if name.startswith("-"):
        return "starts with '-', like an option"
    if name != name.strip():
        return "has a space at an end"
    if not unicodedata.is_normalized("NFC", name):
        return "is not in Unicode form NFC, so that a twin of it would look the same"
    for character in name:
        if unicodedata.category(character) in ("Cc", "Cs"):
            return f"holds the control character U+{ord(character):04X}"
        if character in _BIDIRECTIONAL or character in _LINE_BREAKS:
            return f"holds U+{ord(character):04X}, which changes how a line reads"
        if ord(character) in _INVISIBLE:
            return f"holds U+{ord(character):04X}, which nobody sees"
        if unicodedata.category(character) == "Zs" and character not in _SPACES:
            return f"holds U+{ord(character):04X}, which looks like a plain space and is none"
        # These will never be characters. What is not assigned yet may be in a newer Unicode than
        # this Python's, and two machines must agree on what is a name: so that is allowed.
        if 0xFDD0 <= ord(character) <= 0xFDEF or ord(character) & 0xFFFE == 0xFFFE:
            return f"holds U+{ord(character):04X}, which is no character"
    return _joining_fault(name) or _selecting_fault(name)


def _joining_fault(name: str) -> str | None:
    """Joiners of letters and of emoji are part of how words are written, where they join."""
    for before, character in zip(["", *name], name, strict=False):
        if character in _JOINERS and (before in _JOINERS or before.isascii()):
            return f"holds U+{ord(character):04X} where it joins nothing, so that nobody sees it"
    return None


def _selecting_fault(name: str) -> str | None:
    """Selectors of a character's look are part of emoji and of people's names in Chinese letters.

    They stay where what stands before has looks to select. Which ones exactly grows with each
    Unicode; the kinds of characters do not.
    """
    for at, character in enumerate(name):
        before = name[at - 1 : at]
        if character in _EMOJI_SELECTORS:
            seen = _is_symbol(before) or (
                before != "" and before in "0123456789#*" and name.startswith(_KEYCAP, at)
            )
        elif character in _SELECTORS:
            seen = _is_symbol(before) or _is_of(before, "CJK ", "MYANMAR ", "PHAGS-PA ")
        elif character in _MONGOLIAN_SELECTORS:
            seen = _is_of(before, "MONGOLIAN LETTER ")
        else:
            continue
        if not seen:
            return f"holds U+{ord(character):04X} where it changes nothing, so that nobody sees it"
    return None


def _is_symbol(character: str) -> bool:
    """Tell whether it may be an emoji or a sign of mathematics: \u203c and \u2139 are emoji too."""
    return (
        character != ""
        and (character >= "\u2000" or character in "\u00a9\u00ae")
        and (
            unicodedata.category(character) in ("So", "Sm")
            or character in "\u203c\u2049\u2139\u3030\u303d"
        )
    )


def _is_of(character: str, *beginnings: str) -> bool:
    return character != "" and unicodedata.name(character, "").startswith(beginnings)
