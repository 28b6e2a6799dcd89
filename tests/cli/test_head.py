"""`head`: the first frames in order, as a table, ids, JSON or fields."""

import json
import re

import pytest

from tests.cli.conftest import lines
from tests.support.command import Command
from tests.support.frames import by_order, wire, wires


def test_head_shows_the_first_frames_in_order(cells: Command) -> None:
    """Ten of them, or as many as are asked for; the columns have titles."""
    expected = by_order(wires(10))
    shown = cells("head", "-3").out.splitlines()
    assert shown[0].split() == ["id", "context", "time", "labels", "size"]
    assert [row.split()[0] for row in shown[1:]] == expected[:3]
    assert shown[1].split(maxsplit=4) == ["f000", "clip0", "0", "cell", "640 x 480"]
    assert cells("head", "--ids").out.split() == expected
    assert cells("head", "-n", "0").out == ""


def test_head_reads_any_revision(cells: Command) -> None:
    """Of a commit the frames as they were then."""
    cells("rm", "f000")
    assert cells("head", "-1", "--ids").out == "f004\n"
    assert cells("head", "cells@Current~0", "-1", "--ids").out == "f000\n"


def test_labels_are_counted_by_rois(store: Command) -> None:
    """The most frequent first; one that comes once needs no number."""
    store("add", "-", stdin=lines([wire("x", labels=["b", "a", "b"]), wire("y", labels=[])]))
    rows = store("head").out.splitlines()[1:]
    assert [re.split(" {2,}", row)[3] for row in rows] == ["b 2, a", "-"]


def test_fields_stand_between_tabs(store: Command) -> None:
    """For programs that cut lines; a tab within a value is escaped, what is missing is a dash."""
    store("add", "-", stdin=lines([wire("x", labels=["b", "a"], note="1\t2", number=5)]))
    row = store("head", "--fields", "id,rois.label,meta.note,meta.number,meta.none").out
    assert row == "x\tb, a\t1\\t2\t5\t-\n"


def test_json_has_all_fields_or_those_asked_for(cells: Command) -> None:
    """The wire form, as `ls --json` has it."""
    assert cells("head", "-2", "--json").out == cells("ls", "-n", "2", "--json").out
    row = json.loads(cells("head", "-1", "--json", "--fields", "id,sources.uri").out)
    assert row == {"id": "f000", "sources": [{"uri": "s3://bucket/f000.jpg"}]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--ids --json", "--ids prints ids only"),
        ("--fields id,,x", "empty part"),
        ("--fields id..x", "empty part"),
        ("-n x", "'x' is not a number from 0 on"),
    ],
)
def test_options_that_mean_nothing_are_refused(cells: Command, words: str, said: str) -> None:
    """Before anything is printed."""
    done = cells.run("head", *words.split())
    assert (done.code, done.out) == (2, "")
    assert said in done.err
