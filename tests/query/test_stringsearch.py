"""Wildcards over the strings of a column, by every quick way there is: as an expression says."""

import re
from array import array

from hypothesis import given
from hypothesis import strategies as st

from hyperstore.query.index.column import Strings
from hyperstore.query.index.shownuris import Shown
from hyperstore.query.index.stringsearch import Pattern, fitting
from hyperstore.query.language.condition import Wildcard
from hyperstore.query.language.tokens import Parts

AFFIXES = st.sampled_from(["", "a", "b", "ab", "aba"])
PARTS = st.lists(
    st.one_of(st.none(), st.just(True), st.text("aé", min_size=1, max_size=2), AFFIXES),
    max_size=6,
)


def column_of(words: list[str]) -> Strings:
    data = [word.encode() for word in words]
    offsets = array("I", [0])
    for one in data:
        offsets.append(offsets[-1] + len(one))
    return Strings(memoryview(offsets), memoryview(b"".join(data)))


def joined(parts: list[str | bool | None]) -> Parts:
    """As the parser has them: no two texts and no two runs beside each other."""
    made: list[str | bool | None] = []
    for part in parts:
        if made and isinstance(part, str) and isinstance(made[-1], str):
            made[-1] += part
        elif part != "" and not (made and part is made[-1] is None):
            made.append(part)
    return tuple(made)


@given(
    st.lists(st.text("abé", max_size=6), max_size=40),
    AFFIXES,
    AFFIXES,
    PARTS,
    st.sampled_from(["", "/data/"]),
)
def test_strings_that_fit_are_those_of_the_plain_expression(
    inner: list[str], begin: str, end: str, parts: list[str | bool | None], root: str
) -> None:
    """Many strings have the same ends, and are looked through joined: none may be seen twice."""
    words = sorted({begin + one + end for one in inner}, key=str.encode)
    own = begin if root else ""  # What stands for the root, where strings are seen without it.
    asked = joined(parts)
    said = [re.escape(one) if isinstance(one, str) else "." if one else ".*" for one in asked]
    whole = re.compile("".join(said), re.DOTALL)
    run = Shown(0, len(words), own.encode(), root)
    found = fitting(Pattern(Wildcard(asked), folded=False), column_of(words), run)
    assert sorted({one for numbers in found for one in numbers}) == [
        number
        for number, word in enumerate(words)
        if whole.fullmatch(root + word.removeprefix(own))
    ]
