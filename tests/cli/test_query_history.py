"""`query --history` and queries of what changed: by the command."""

import pytest

from tests.cli.conftest import lines
from tests.support.command import Command
from tests.support.frames import wire


@pytest.fixture
def dogs(cells: Command) -> Command:
    """Return the command where a frame came to be a dog, one went, and one is pending."""
    cells("tag", "v1")
    cells("add", "-", stdin=lines([wire("f001", labels=["dog"]), wire("pup", labels=["dog"])]))
    cells("commit", "-m", "Two dogs")
    cells("rm", "pup")
    cells("commit", "-m", "One dog")
    cells("add", "-", stdin=lines([wire("late", labels=["dog"])]))
    return cells


def commits(hs: Command) -> dict[str, str]:
    return {str(row["message"]): str(row["id"]) for row in hs("log", "--json").rows()}


def test_history_tells_where_a_match_began_and_ended(dogs: Command) -> None:
    """For programs by the whole ids of commits, for people with their messages."""
    known = commits(dogs)
    rows = dogs("query", "--history", "rois.label:dog", "--json").rows()
    span = {"began": known["Two dogs"], "began_in": None, "ended_in": None, "is_cut": False}
    assert rows == [
        {"id": "f001", "fits_now": True, "spans": [{**span, "ended": None}]},
        {"id": "pup", "fits_now": False, "spans": [{**span, "ended": known["One dog"]}]},
    ]
    done = dogs("query", "HEAD", "rois.label:dog", "--history")
    assert done.out.splitlines() == [
        "f001",
        f"  from {known['Two dogs'][:12]} Two dogs",
        "pup",
        f"  from {known['Two dogs'][:12]} Two dogs",
        f"  to   {known['One dog'][:12]} One dog",
    ]
    assert "pending" in dogs("query", "cells@Current", "--roi", "dog", "--history").err
    assert dogs("query", "--roi", "dog", "--history", "--ids").out == "f001\npup\n"
    assert dogs("query", "--roi", "dog", "--history", "--count").out == "2\n"
    done = dogs("query", "--roi", "dog", "--history", "-n", "1")
    assert "1 of 2 frames" in done.err
    assert dogs.run("query", "--roi", "bird", "--history").code == 1


def test_what_was_added_changed_and_removed_since_is_found(dogs: Command) -> None:
    """Combined with other conditions, and of any revision."""
    assert dogs("query", "added:v1", "--ids").out == "late\n"
    assert dogs("query", "changed:v1", "--ids").out == "f001\n"
    assert dogs("query", "HEAD~1", "added:v1", "--ids").out == "pup\n"
    assert dogs("query", 'removed:"Current~1"', "--ids").out == "pup\n"
    assert dogs("query", "(added:v1 OR changed:v1) AND NOT id:late", "--ids").out == "f001\n"
    assert dogs.run("query", 'removed:"Current~1"', "--roi", "cell", "--count").out == "0\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["cells@Current", "HEAD", "rois.label:dog", "--history"], 2),
        (["added:v1", "--history"], 128),
        (["added:none"], 128),
        (["rois.label:dog", "--history", "--fields", "id"], 2),
        (["rois.label:dog", "--history", "--explain"], 2),
    ],
)
def test_what_history_cannot_say_is_refused(dogs: Command, words: list[str], code: int) -> None:
    """In one line that says why."""
    dogs.fails("query", *words, code=code)
