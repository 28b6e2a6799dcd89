"""Wildcards over the strings of a column, by every quick way there is: as an expression says."""

import re
import sys
from array import array

import pytest
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
    st.sampled_from(["abé", "ab\n"]).flatmap(lambda one: st.lists(st.text(one, max_size=6))),
    st.integers(0, 3),
    AFFIXES,
    AFFIXES,
    PARTS,
    st.sampled_from(["", "/data/"]),
)
def test_strings_that_fit_are_those_of_the_plain_expression(
    inner: list[str], first: int, begin: str, end: str, parts: list[str | bool | None], root: str
) -> None:
    """Many strings have the same ends, and are looked through joined: none may be seen twice."""
    words = sorted({begin + one + end for one in inner}, key=str.encode)
    own = begin if root else ""  # What stands for the root, where strings are seen without it.
    asked = joined(parts)
    said = [re.escape(one) if isinstance(one, str) else "." if one else ".*" for one in asked]
    whole = re.compile("".join(said), re.DOTALL)
    first = min(first, len(words))
    run = Shown(first, len(words), own.encode(), root)
    found = fitting(Pattern(Wildcard(asked), folded=False), column_of(words), run)
    assert sorted({one for numbers in found for one in numbers}) == [
        number
        for number, word in enumerate(words)
        if number >= first and whole.fullmatch(root + word.removeprefix(own))
    ]


@pytest.mark.parametrize(
    ("parts", "share"),
    [
        ((None, "/cam", True, True, "e/", None), 5),
        ((None, "/cam", True, "1", None), 10),
    ],
)
def test_what_many_strings_have_at_one_place_is_tried_in_bulk(parts: Parts, share: int) -> None:
    """Half a dozen steps for each of them, as for the few of a rarer pattern, take seconds."""
    words = [
        f"s3://bucket/cam{at % 100:02}{'abcde'[at // 100 % 5]}/{at}.jpg" for at in range(20_000)
    ]
    strings = column_of(sorted(words))
    steps = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal steps
        steps += 1

    pattern, run = Pattern(Wildcard(parts), folded=False), Shown(0, len(words), b"", "")
    found = list(fitting(pattern, strings, run))  # Expressions are compiled by now.
    sys.setprofile(count)
    try:
        assert list(fitting(pattern, strings, run)) == found
    finally:
        sys.setprofile(None)
    assert sum(map(len, found)) == len(words) // share
    assert steps < len(words) // 20
