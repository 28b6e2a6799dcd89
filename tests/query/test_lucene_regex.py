"""Regular expressions: Lucene's syntax, by an automaton held to Python's backtracking."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.errors import QueryError
from hyperstore.limits import REGEX_CHARS_MAX, REGEX_MEMORY_MAX
from hyperstore.query.language.regex import compiled
from tests.support.slow_query import python_pattern


@pytest.mark.parametrize(
    ("pattern", "fits", "misses"),
    [
        ("", [""], ["a"]),
        ("()", [""], ["a"]),
        ("abc", ["abc"], ["ab", "abcd", "ABC", ""]),
        ("a|b*c", ["a", "c", "bbc"], ["", "b", "abc"]),
        ("(ab|c)+", ["ab", "c", "cabab"], ["", "a", "abca"]),
        ("a?b{2}c{1,2}d{2,}", ["bbcdd", "abbccddd"], ["abccdd", "bbcd", "bbcccdd"]),
        ("a{0}b", ["b"], ["ab"]),
        ("a*+?", ["", "aaa"], ["b"]),
        ("a?*b+*", ["", "aaabb"], ["ba"]),
        ("(ab){2}*", ["", "abab", "abababab"], ["ab", "ababab"]),
        (".", ["a", "\n", "\U0001f600"], ["", "ab"]),
        ("@b", ["b", "aab"], ["a", "ba"]),
        ("a#|b", ["b"], ["a", ""]),
        ("[a-cx]", ["a", "c", "x"], ["d", "", "ab"]),
        ("[^a-c]", ["d", "\n"], ["a", ""]),
        ("[-a]|[b-]", ["-", "a", "b"], ["c", ""]),
        ("[\\]\\-\\\\]", ["]", "-", "\\"], ["a"]),
        ("[a^$.*]", ["^", "$", ".", "*", "a"], ["b"]),
        ("^a$", ["^a$"], ["a"]),
        ("[^\x00-\U0010fffe]", ["\U0010ffff"], ["\U0010fffe", "\x00"]),
        ("\\.\\*\\(\\\\", [".*(\\"], ["xx(\\"]),
        ('"a.b*|"c', ["a.b*|c"], ["axbc"]),
        ("\\d\\D\\w\\W\\s\\S", ["1x_- a"], ["xx_- a", "\u0661x_- a"]),
        ("[\\d\\s]x[^\\w]", ["1x-", " x\u00e9"], ["ax-", "1xa"]),
        ("<1-12>", ["1", "01", "0012", "12"], ["0", "13", "a", "", "112"]),
        ("<01-12>", ["01", "12", "09"], ["1", "00", "13", "012"]),
        ("<12-1>", ["7"], ["13"]),
        ("<1-999999999999999999>", ["1", "0" + "9" * 18, "123"], ["0", "1" + "0" * 18, "x"]),
        ("<005-999>", ["005", "999", "100"], ["004", "5", "1000"]),
        ("<0-105>", ["0", "00", "99", "100", "0105"], ["106", "", "1050"]),
        ("x<095-203>y", ["x095y", "x200y", "x203y", "x100y"], ["x94y", "x94y", "x204y", "x300y"]),
        ("~(foo.*)", ["bar", "fo", ""], ["foo", "foobar"]),
        ("~foo", ["oo", "ffoo"], ["foo", ""]),
        ("~~a", ["a"], ["", "b"]),
        ("a~(b)c", ["ac", "abbc", "axc"], ["abc", "c"]),
        (".*a.*&.*b.*&.{3}", ["axb", "bba"], ["ab", "aax", "axxb"]),
        ("(a&b)|c", ["c"], ["a", "b"]),
        ("(~(.*ab.*)x)+", ["x", "axbx"], ["", "ab"]),
        ("}a]", ["}a]"], ["a"]),
        ("\u00e9t\u00e9 \u65e5", ["\u00e9t\u00e9 \u65e5"], ["ete \u65e5"]),
    ],
)
def test_expressions_fit_whole_texts(pattern: str, fits: list[str], misses: list[str]) -> None:
    """Each operator of Lucene's, and that a match is one of the whole text."""
    matcher = compiled(pattern, False)
    assert [text for text in fits if not matcher(text)] == []
    assert [text for text in misses if matcher(text)] == []


@pytest.mark.parametrize(
    ("pattern", "fits", "misses"),
    [
        ("STRASSE", ["strasse"], ["STRASSE", "stra\u00dfe"]),
        ("Stra\u00dfe", ["strasse"], ["stra\u00dfe"]),
        ("[A-C]+\u00c9", ["abc\u00e9"], ["d\u00e9"]),
        ("[^A]", ["b"], ["a", "A"]),
        ("\\W\\D\\S", ["-aa", "\u00e9aa"], ["kaa", "-1a", "-a "]),
        ('"A\u00dfB"', ["assb"], ["A\u00dfB"]),
    ],
)
def test_folded_expressions_fit_folded_texts(
    pattern: str, fits: list[str], misses: list[str]
) -> None:
    """Letters that fold to two do so in the expression, and classes take both cases."""
    matcher = compiled(pattern, True)
    assert [text for text in fits if not matcher(text)] == []
    assert [text for text in misses if matcher(text)] == []


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "character 2: something is missing"),
        ("a)", "character 2: this '\\)' closes nothing"),
        ("(a", "character 1: this '\\(' is not closed"),
        ("a||b", "character 3: something is missing"),
        ("a|", "something is missing"),
        ("*a", "character 1: nothing stands before this '\\*'"),
        ("(+a)", "nothing stands before"),
        ("a{", "character 2: a repetition is"),
        ("a{,2}", "a repetition is"),
        ("a{2,1}", "from low to high"),
        ("a{1001}", "up to 1,000"),
        ("[a", "character 1: this '\\[' is not closed"),
        ("[]", "class is empty"),
        ("[z-a]", "from high to low"),
        ("[a-\\", "a character is missing"),
        ("a\\", "backslash with nothing"),
        ('"a', "quote is not closed"),
        ("<a-b>", "an interval is"),
        ("<1>", "an interval is"),
        ("a&", "something is missing"),
        ("~", "something is missing"),
        ("(" * 65 + "a" + ")" * 65, "deeper than 64"),
        ("a" * (REGEX_CHARS_MAX + 1), "1,000 are the limit"),
    ],
)
def test_faults_name_the_character(pattern: str, said: str) -> None:
    """A pattern is the densest thing that a person types."""
    with pytest.raises(QueryError, match=said):
        compiled(pattern, False)


@pytest.mark.parametrize(
    "pattern",
    [
        "((){1000}){1000}",
        "((a{100}){100}){100}",
        "~(.*a.{20})",
        "(a?){500}a{500}",
        "(<1-99999>){99}",
    ],
)
def test_expressions_beyond_the_bound_are_refused(pattern: str) -> None:
    """A pattern of few characters can stand for a machine of millions of states."""
    with pytest.raises(QueryError, match="more than can be matched quickly"):
        compiled(pattern, False)


@pytest.mark.parametrize(
    "pattern", ["(a*)*b", "(a|aa)+c", "(.*)*x", "(a?){30}a{30}b", "(.*a.{200})b"]
)
def test_what_blows_up_by_backtracking_does_not(pattern: str) -> None:
    """Each character is looked at once; the time limit of the test is the proof."""
    assert not compiled(pattern, False)("a" * 20_000)


def test_what_is_remembered_of_a_pattern_is_bounded() -> None:
    """Texts of all characters there are do not fill the memory, and answers stay right."""
    matcher = compiled("[a-z\u4e00-\u9fff]*x.*", False)
    text = "".join(chr(code) for code in range(0x4E00, 0x9FFF))
    for _ in range(2):
        assert matcher(text + "x" + "".join(map(chr, range(0x100, 0xD000))))
        assert not matcher(text + "\u0100x")
    assert matcher._known <= REGEX_MEMORY_MAX


_atoms = st.sampled_from(
    [
        *("a", "b", "ab", "(a|b)", "[ab]", "[^a]", ".", "(a|bc)", "()", "((ab){1,2})", "<1-12>"),
        *("<08-12>", "1", "(.|a)", "@", "\\d", "\\W", '"a."', "\\.", "#", "[\\w.]", "\u00e9"),
    ]
)
_patterns = st.recursive(
    st.tuples(_atoms, st.sampled_from(["", "", "*", "+", "?", "{2}", "{0,2}", "{1,}"])).map(
        "".join
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("({0[0]}|{0[1]})".format),
        inner.map("({}){{1,2}}".format),
    ),
    max_leaves=6,
)
_texts = st.text("ab1c02.\u00e9\n", max_size=8)


@given(_patterns, st.lists(_texts, min_size=1, max_size=20))
def test_expressions_fit_what_those_of_python_do(pattern: str, texts: list[str]) -> None:
    """Backtracking is slow in the worst case, and right."""
    matcher = compiled(pattern, False)
    slow = re.compile(python_pattern(pattern, False), re.DOTALL)
    for text in texts:
        assert matcher(text) == bool(slow.fullmatch(text))
        for at in range(len(text) + 1):
            assert matcher.after(text[:at])(text[at:]) == matcher(text)
        if matcher(text):
            assert matcher.literal in text


@given(_patterns, _patterns, st.lists(_texts, min_size=1, max_size=20))
def test_complement_and_intersection_are_those_of_sets(
    one: str, other: str, texts: list[str]
) -> None:
    """Expressions that `re` does not have, by what they mean."""
    try:
        neither, both = compiled(f"~(({one})|({other}))", False), compiled(f"{one}&{other}", False)
    except QueryError:
        return  # Beyond the bound.
    first, second = compiled(one, False), compiled(other, False)
    for text in texts:
        assert neither(text) == (not first(text) and not second(text))
        assert both(text) == (first(text) and second(text))
