"""`stats`: numbers, charts on a terminal of 80 columns, a page and a picture."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hyperstore.cli.text import columns_of
from tests.cli.conftest import lines
from tests.cli.test_hostile_text import PAYLOADS, harmless, hostile
from tests.cli.test_terminal import _COLOUR, on_terminal
from tests.support.command import Command, spawn
from tests.support.frames import wire
from tests.support.shared import shared_data
from tests.support.slow_statistics import slow_statistics


def numbers(run: Command, *words: str) -> Any:
    """Return what `stats --json` says."""
    return json.loads(run("stats", *words, "--json").out)


def test_numbers_are_those_of_the_frames(cells: Command) -> None:
    """By the slow twin, over what `ls --json` prints."""
    cells("add", "-", stdin=lines([wire("x", labels=["a", "b"]), wire("y", labels=[])]))
    frames: Any = cells("ls", "--json").rows()
    found, expected = numbers(cells), slow_statistics(frames)
    assert {one["label"]: (one["rois"], one["frames"]) for one in found["labels"]} == (
        expected["labels"]
    )
    assert dict(found["rois"]["a_frame"]) == expected["rois"]["a_frame"] == {0: 1, 1: 10, 2: 1}
    assert found["boxes"]["sizes"] == expected["sizes"] == {"small": 12, "medium": 0, "large": 0}
    assert {one["context"]: one["frames"] for one in found["contexts"]["largest"]} == (
        expected["contexts"]
    )
    assert numbers(cells, "HEAD")["frames"]["count"] == 10


def test_a_query_says_of_which_frames(cells: Command) -> None:
    """And which of their ROIs count, where only those that fit are asked for."""
    cells("add", "-", stdin=lines([wire("x", labels=["a", "b"]), wire("y", labels=["b"])]))
    assert numbers(cells, "cells@Current", "id:x")["rois"]["count"] == 2
    assert numbers(cells, "--roi", "b")["frames"]["count"] == 2
    assert numbers(cells, "--roi", "b")["rois"]["count"] == 3
    assert [one["label"] for one in numbers(cells, "--roi", "b", "--matching")["labels"]] == ["b"]
    assert numbers(cells, "id:nothing")["frames"]["count"] == 0


def test_counts_of_real_data_are_those_of_its_papers(hs: Command) -> None:
    """Blood cells, as their README counts them."""
    data = shared_data("bccd")
    hs("init", "-q")
    hs("import", "voc", str(data), "--dataset", "bccd", "-m", "Import")
    found = numbers(hs)
    assert found["frames"]["count"] == 364
    assert found["rois"]["count"] == 4_888
    assert {one["label"]: one["rois"] for one in found["labels"]} == {
        "RBC": 4_155,
        "WBC": 372,
        "Platelets": 361,
    }
    assert "RBC        4,155" in hs("stats").out
    assert hs("query", "rois.label:platelets", "--count").out == "201\n"


@pytest.mark.parametrize("words", [[], ["-n", "3"]])
def test_charts_fit_80_columns(cells: Command, tmp_path: Path, words: list[str]) -> None:
    """Whatever the names are, and however large the numbers."""
    many = [
        wire(f"m{number}", labels=["猫" * 30, "x" * 200, f"label {number}"], context="文脈" * 40)
        for number in range(30)
    ]
    cells("add", "-", stdin=lines([*many, wire("turned", labels=["a"], x=1e6)]))
    shown = on_terminal(tmp_path, "stats", *words)
    assert "\x1b[34m" in shown
    for row in _COLOUR.sub("", shown).splitlines()[1:]:
        assert columns_of(row) <= 80, row
    rows = _COLOUR.sub("", shown).partition("Labels")[2].partition("\n\n")[0].splitlines()
    assert len(rows) == 1 + (3 if words else 10)


def test_bars_need_no_more_than_the_terminal_can_write(cells: Command, tmp_path: Path) -> None:
    """Where it knows ASCII only, they are made of that."""
    said = spawn(tmp_path, "stats", settings={"PYTHONIOENCODING": "ascii"}).out
    assert "###" in said
    assert "\\u" not in said
    assert "█" in spawn(tmp_path, "stats", settings={"PYTHONIOENCODING": "utf-8"}).out
    assert "\x1b" not in said


class _Page(HTMLParser):
    """What tags and attributes a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


_MARKUP = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&lt;b&gt;", "</style>"]


def test_the_page_runs_nothing_and_loads_nothing(store: Command) -> None:
    """Whoever opens it offline sees all of it, and no label of a stranger is markup."""
    frames = [hostile(payload, at) for at, payload in enumerate([*PAYLOADS, *_MARKUP])]
    frames.append(wire("pairs", labels=_MARKUP))
    store("add", "-", stdin=lines(frames))
    assert store("stats", "--html", "page.html", "-n", "99").out == ""
    text = Path("page.html").read_text()
    page = _Page()
    page.feed(text)
    assert set(page.tags) <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "main", "section"),
        *("table", "tr", "td", "th", "span"),
    }
    names = {name for name, _ in page.attributes}
    assert names <= {"lang", "charset", "http-equiv", "content", "name", "class", "scope", "style"}
    assert "default-src 'none'" in text
    assert "url(" not in text
    assert "@import" not in text
    for label in _MARKUP:
        assert label in page.text
    assert harmless(text)
    assert f"{len(frames)} frames" in page.text


def test_the_picture_shows_all_charts(cells: Command) -> None:
    """It opens, is not blank, and grows with what there is to see."""
    cells("stats", "--png", "small.png", "-n", "1")
    cells("add", "-", stdin=lines([wire("x", labels=[f"label {at}" for at in range(30)])]))
    cells("stats", "--png", "large.png", "--html", "page.html")
    with Image.open("small.png") as small, Image.open("large.png") as large:
        assert small.format == "PNG"
        assert large.height > small.height
        assert len(large.getcolors(1 << 16) or ()) > 10
    assert Path("page.html").exists()


def test_hostile_labels_are_shown_harmless(store: Command) -> None:
    """On the terminal and in a picture."""
    store("add", "-", stdin=lines([hostile(payload, at) for at, payload in enumerate(PAYLOADS)]))
    for words in (["stats", "-n", "99"], ["head", "-n", "99"], ["sample", "--fields", "id,meta"]):
        said = store("--color", "never", *words).out.replace("\t", "")
        assert harmless(said), ascii(said)
    store("stats", "--png", "x.png")


def test_an_empty_version_has_statistics(store: Command) -> None:
    """Of nothing: no bars, and no division by it."""
    assert "0 frames, 0 ROIs" in store("stats").out
    assert numbers(store)["boxes"]["area"]["mean"] is None
    store("stats", "--png", "x.png", "--html", "x.html")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("--json --html x.html", 2, "one at a time"),
        ("--matching", 2, "--roi"),
        ("-n 0", 2, "-n 1"),
        ("--html nowhere/x.html", 128, "no folder nowhere"),
        ("--png .", 2, "is a folder"),
        ("nothing@there", 128, "no dataset"),
    ],
)
def test_what_cannot_be_drawn_is_said(cells: Command, words: str, code: int, said: str) -> None:
    """In one line."""
    assert said in cells.fails("stats", *words.split(), code=code)
