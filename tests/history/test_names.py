"""Names of datasets, versions and tags."""

import sys
import unicodedata

import pytest

from hyperstore.errors import UsageError
from hyperstore.history.names import check_name

ALLOWED = [
    "Current",
    "snapshot 2020-03-26T16:55:38.441671",
    "a/b",
    "a@b",
    "v~1^2",
    "..hidden",
    "2022-09-07",
    "Straße",
    "データ",
    "🐕",
    "👩\u200d🔬",
    "❤\ufe0f\u200d🔥",
    "1\ufe0f\u20e3",
    "©\ufe0f ‼\ufe0f \u2139\ufe0f",
    "#\ufe0f\u20e3",
    "☎\ufe0e",
    "葛\U000e0100城",
    "∩\ufe00",
    "\u1820\u180b",
    "データ\u3000セット",
    "\u2813\u280a \u2813\u280a",
    "\ue000",
    "نمی\u200cخو",
    "क्\u200dष",
    "ന്\u200d",
    "\u0601 ١٢",
    "x" * 255,
]
REFUSED = [
    ("", "0 bytes"),
    ("x" * 256, "256 bytes"),
    ("é" * 128, "256 bytes"),
    (".", "short name"),
    ("..", "short name"),
    ("HEAD", "where HEAD stands"),
    ("@", "where HEAD stands"),
    ("-x", "starts with '-'"),
    (" x", "space at an end"),
    ("x ", "space at an end"),
    ("x\u00a0", "space at an end"),
    ("e\u0301", "NFC"),
    ("a\0b", "U+0000"),
    ("a\nb", "U+000A"),
    ("a\x1bb", "U+001B"),
    ("a\x7fb", "U+007F"),
    ("a\u202eb", "U+202E"),
    ("a\u2028b", "U+2028"),
    ("a\u00adb", "U+00AD, which nobody sees"),
    ("a\u200bb", "U+200B, which nobody sees"),
    ("a\u2060b", "U+2060, which nobody sees"),
    ("\ufeffab", "U+FEFF, which nobody sees"),
    ("a\u3164", "U+3164, which nobody sees"),
    ("a\U000e0041", "U+E0041, which nobody sees"),
    ("a\u200db", "U+200D where it joins nothing"),
    ("\u200cab", "U+200C where it joins nothing"),
    ("क्\u200d\u200dष", "U+200D where it joins nothing"),
    ("\ufe0f", "U+FE0F where it changes nothing"),
    ("a\ufe0f", "U+FE0F where it changes nothing"),
    ("é\ufe0fb", "U+FE0F where it changes nothing"),
    ("1\ufe0f", "U+FE0F where it changes nothing"),
    ("a\ufe0f\u20e3", "U+FE0F where it changes nothing"),
    ("❤\ufe0f\ufe0f", "U+FE0F where it changes nothing"),
    ("\u00d7\ufe0e", "U+FE0E where it changes nothing"),
    ("a\U000e0100", "U+E0100 where it changes nothing"),
    ("葛\U000e0100\U000e0101", "U+E0101 where it changes nothing"),
    ("葛\u180b", "U+180B where it changes nothing"),
    ("\u180b", "U+180B where it changes nothing"),
    ("a\u180f", "U+180F where it changes nothing"),
    ("\u2800", "U+2800, which nobody sees"),
    ("a\u2800b", "U+2800, which nobody sees"),
    ("a\U000e01f0", "U+E01F0, which nobody sees"),
    ("a\u00a0b", "U+00A0, which looks like a plain space"),
    ("a\u2009b", "U+2009, which looks like a plain space"),
    ("a\uffff", "U+FFFF, which is no character"),
    ("\ufdd0", "U+FDD0, which is no character"),
    ("a\U0010fffe", "U+10FFFE, which is no character"),
    ("a\ud800b", "surrogate"),
]


@pytest.mark.parametrize("name", ALLOWED, ids=ascii)
def test_a_name_that_can_be_shown_on_one_line_is_kept_as_given(name: str) -> None:
    """People name versions by date, path or sentence."""
    assert check_name(name, what="version") == name


@pytest.mark.parametrize(("name", "reason"), REFUSED, ids=[ascii(name)[:20] for name, _ in REFUSED])
def test_a_name_that_could_deceive_is_refused_with_the_rule_it_breaks(
    name: str, reason: str
) -> None:
    """A name comes from a stranger's remote as well as from a person."""
    with pytest.raises(UsageError, match="version name") as caught:
        check_name(name, what="version")
    assert reason in str(caught.value)
    assert str(caught.value).isascii()


@pytest.mark.parametrize("name", [None, 3, b"x", ["x"]])
def test_a_name_that_is_no_string_is_refused(name: object) -> None:
    """A number would come back as another type."""
    with pytest.raises(UsageError, match="is a string"):
        check_name(name, what="tag")


def test_no_character_of_no_looks_is_allowed_after_a_letter() -> None:
    """By Unicode's own tables: what is left of format characters can be seen, or joins letters."""
    seen = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    hieroglyphs = set(range(0x13430, 0x13440))  # They put signs above each other.
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)) == "Cf" and code not in seen | hieroglyphs:
            with pytest.raises(UsageError):
                check_name(f"a{chr(code)}b", what="tag")


def test_no_selector_is_allowed_after_a_letter_without_other_looks() -> None:
    """By Unicode's own names: a selector alone is never drawn."""
    for code in range(sys.maxunicode + 1):
        name = unicodedata.name(chr(code), "")
        if "VARIATION SELECTOR" in name or name.startswith("VARIATION"):
            with pytest.raises(UsageError, match="nobody sees"):
                check_name(f"a{chr(code)}b", what="tag")
