"""Wildcards: `*` for any run of characters and `?` for any one, against whole strings.

Runs are found greedily, each piece of text between two `*` where it first occurs, which is right
for wildcards; nothing is tried again, so the time is that of finding each piece once.
"""

import re
from collections.abc import Callable
from operator import methodcaller

from hyperstore.query.language.tokens import Parts

__all__ = ["finder", "longest_literal", "matcher", "residuals", "wildcard"]


def wildcard(parts: Parts, fold: bool) -> Callable[[str], bool]:
    """Return what tells whether a whole string matches; with `fold`, a folded one."""
    found = matcher(parts, fold)
    return lambda text: bool(found(text))


def matcher(parts: Parts, fold: bool) -> Callable[[str], object]:
    """Return what is true of a whole string that matches, and quick for many of them."""
    folded = tuple(_folded(part) if fold else part for part in parts)
    first, last = (folded[0], folded[-1]) if folded else ("", "")
    if len(folded) == 3 and folded[1] is None and isinstance(first, str) and isinstance(last, str):
        start, end, least = first, last, len(first) + len(last)
        return lambda text: text.startswith(start) and text.endswith(end) and len(text) >= least
    if len(folded) == 2 and last is None and isinstance(first, str):
        return methodcaller("startswith", first)
    if len(folded) == 2 and first is None and isinstance(last, str):
        return methodcaller("endswith", last)
    if len(folded) > 2 and first is last is None and None not in folded[1:-1]:
        return re.compile(_pattern(folded[1:-1]), re.DOTALL).search
    return re.compile(_pattern(folded), re.DOTALL).fullmatch


def finder(parts: Parts) -> Callable[[str, int, int], object]:
    """Return what is true of a text, and two places in it, if what lies between them matches."""
    if not parts or parts[-1] is not None:
        return re.compile(_pattern(parts), re.DOTALL).fullmatch
    if len(parts) > 2 and parts[0] is None and None not in parts[1:-1]:
        return re.compile(_pattern(parts[1:-1]), re.DOTALL).search
    return re.compile(_pattern(parts[:-1]), re.DOTALL).match


def longest_literal(parts: Parts, fold: bool) -> str:
    """Return the longest text that every string that matches contains."""
    return max(
        (str(_folded(one) if fold else one) for one in parts if _is_text(one)), key=len, default=""
    )


def residuals(parts: Parts, prefix: str) -> tuple[Parts, ...]:
    """Return the wildcards of which one matches the rest of a string that begins with `prefix`.

    The whole string matches `parts` if and only if the rest matches one of them. None are returned
    where no such string matches; `()` matches the empty rest.
    """
    atoms: list[str | bool | None] = []
    for part in parts:
        atoms.extend(part if isinstance(part, str) else (part,))
    reached = {0}
    for char in prefix:
        found = set()
        for at in reached:
            while at < len(atoms) and atoms[at] is None:
                found.add(at)
                at += 1
            if at < len(atoms) and (atoms[at] is True or atoms[at] == char):
                found.add(at + 1)
        reached = found
    # Whatever matches from before a `*` that is reached matches from there, too.
    least = max((at for at in reached if at < len(atoms) and atoms[at] is None), default=0)
    return tuple(_joined(atoms[at:]) for at in sorted(reached) if at >= least)


def _is_text(part: str | bool | None) -> bool:
    return isinstance(part, str)


def _folded(part: str | bool | None) -> str | bool | None:
    return part.casefold() if isinstance(part, str) else part


def _joined(atoms: list[str | bool | None]) -> Parts:
    """Return atoms as parts: adjacent characters as one text."""
    parts: list[str | bool | None] = []
    for atom in atoms:
        last = parts[-1] if parts else None
        if isinstance(atom, str) and isinstance(last, str):
            parts[-1] = last + atom
        else:
            parts.append(atom)
    return tuple(parts)


def _pattern(parts: Parts) -> str:
    pieces = [""]
    for part in parts:
        if part is None:
            pieces.append("")
        else:
            pieces[-1] += "." if part is True else re.escape(str(part))
    first, *others = pieces
    if not others:
        return first
    # An atomic group keeps the first place where its piece was found.
    middle = "".join(f"(?>.*?{piece})" for piece in others[:-1] if piece)
    return f"{first}{middle}.*{others[-1]}"
