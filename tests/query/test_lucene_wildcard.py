"""Wildcards, whole and behind a prefix that all strings share."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.query.language.wildcard import longest_literal, residuals, wildcard

Parts = tuple[str | bool | None, ...]

_literals = st.text("ab/\n.", min_size=1, max_size=3)
_parts = st.lists(st.one_of(st.none(), st.just(True), _literals), max_size=6).map(tuple)
_texts = st.text("ab/\n.", max_size=8)


def slow(parts: Parts) -> re.Pattern[str]:
    """Return the plain expression, which backtracks."""
    pieces = [".*" if one is None else "." if one is True else re.escape(str(one)) for one in parts]
    return re.compile("".join(pieces), re.DOTALL)


@st.composite
def _fitting(draw: st.DrawFn, parts: Parts) -> str:
    """Return a text that matches, and now and then one with another end."""
    pieces = [part if isinstance(part, str) else draw(_texts)[: 1 if part else 8] for part in parts]
    return "".join(pieces) + draw(st.sampled_from(["", "", "", "a"]))


@given(_parts, st.data())
def test_wildcards_match_what_the_plain_expression_does(parts: Parts, data: st.DataObject) -> None:
    """Taking the first place of each piece, and none other, loses no match."""
    fits = wildcard(parts, False)
    for text in data.draw(st.lists(_texts | _fitting(parts), min_size=1, max_size=20)):
        assert fits(text) == bool(slow(parts).fullmatch(text))
        if fits(text):
            assert longest_literal(parts, False) in text


@given(_parts, st.data())
def test_residuals_match_what_is_behind_a_prefix(parts: Parts, data: st.DataObject) -> None:
    """A root's folder goes through the pattern once, not once for each file under it."""
    fits = wildcard(parts, False)
    for text in data.draw(st.lists(_texts | _fitting(parts), min_size=1, max_size=5)):
        for at in range(len(text) + 1):
            left = [wildcard(one, False) for one in residuals(parts, text[:at])]
            assert any(one(text[at:]) for one in left) == fits(text)


def test_residuals_written_out() -> None:
    """The last one is the shortest: the others end in it."""
    parts = ("s3://b", None, "/", True, ".jpg")
    assert residuals(parts, "") == (parts,)
    assert residuals(parts, "s3:") == (("//b", None, "/", True, ".jpg"),)
    assert residuals(parts, "s3://b") == ((None, "/", True, ".jpg"),)
    assert residuals(parts, "s3://bx/") == ((None, "/", True, ".jpg"), (True, ".jpg"))
    assert residuals(parts, "gs:") == ()
    assert residuals(("ab",), "ab") == ((),)
    assert residuals(("ab",), "abc") == ()


def test_folded_wildcards_match_folded_strings() -> None:
    """The pattern is folded like what it is held to."""
    assert wildcard(("STRA\u00df", None), True)("strasse")
    assert longest_literal(("A", None, "\u00dfX"), True) == "ssx"


@pytest.mark.parametrize("text", ["a" * 50_000, "ab" * 25_000])
def test_many_stars_take_no_longer_than_one(text: str) -> None:
    """By backtracking this would take years; the test's time limit is the proof."""
    many: Parts = tuple(None if at % 2 == 0 else "a" for at in range(61))
    assert not wildcard((*many, "x", None), False)(text)
    assert wildcard(many, False)(text)
