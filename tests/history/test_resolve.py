"""Revisions as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.errors import UsageError
from hyperstore.history.resolve import (
    Range,
    Revision,
    Step,
    parse_range,
    parse_revision,
    quote_name,
)

READ = [
    ("cells@v1", Revision("cells", "v1", ())),
    ("cells", Revision("cells", None, ())),
    ("@v1", Revision(None, "v1", ())),
    ("cells@v1~2", Revision("cells", "v1", (Step("~", 2),))),
    ("v1~", Revision("v1", None, (Step("~", 1),))),
    ("v1^2~3", Revision("v1", None, (Step("^", 2), Step("~", 3)))),
    ("v1^^", Revision("v1", None, (Step("^", 1), Step("^", 1)))),
    ("cells@v1@{4}", Revision("cells", "v1", (Step("@", 4),))),
    ("@{1}", Revision(None, None, (Step("@", 1),))),
    ('"a@b"@"v~1"~2', Revision("a@b", "v~1", (Step("~", 2),))),
    (r'"say \"hi\""@"back\\slash"', Revision('say "hi"', "back\\slash", ())),
    ("a/b@c.d", Revision("a/b", "c.d", ())),
    ("two words@v 1", Revision("two words", "v 1", ())),
]
REFUSED = ["", "a@", "a@b@c", "a:b", 'a"b', '"a', "a~x", "a@{x}", "a~1234567890", "a" + "~" * 65]


@pytest.mark.parametrize(("text", "expected"), READ, ids=[text for text, _ in READ])
def test_a_revision_is_read_into_its_parts(text: str, expected: Revision) -> None:
    """Git's suffixes mean here what they mean there."""
    assert parse_revision(text) == expected


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_revision_is_refused(text: str) -> None:
    """A typing error must not name another commit."""
    with pytest.raises(UsageError):
        parse_revision(text)


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_two_names_survive_quoting(dataset: str, version: str) -> None:
    """What the command prints can be pasted back."""
    text = f"{quote_name(dataset)}@{quote_name(version)}"
    assert parse_revision(text) == Revision(dataset, version, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a..b", Range("a", "b")),
        ("a...b", Range("a", "b", is_symmetric=True)),
        ("...", Range("", "", is_symmetric=True)),
        ("..b", Range("", "b")),
        ("a..", Range("a", "")),
        ('"x..y"..b', Range('"x..y"', "b")),
        ('"x..y"', None),
        ("a.b", None),
    ],
)
def test_a_range_is_split_outside_of_quotes(text: str, expected: Range | None) -> None:
    """A version may have two dots in its name."""
    assert parse_range(text) == expected
