"""What the documents say is true: examples run, numbers and lists agree with the code."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hyperstore import limits
from hyperstore.dataset.config import CONFIG_KEYS
from hyperstore.ids import Kind

PROJECT = Path(__file__).resolve().parents[1]
README = PROJECT / "README.md"
FORMAT = PROJECT / "hyperstore" / "FORMAT.md"
_COMMANDS = re.compile(r"^\| `hyperstore ([a-z-]+)` \| ([^|]+) \|", re.MULTILINE)


def test_readme_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger pastes the first example; it must do what it says."""
    blocks = re.findall(r"^```pycon\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)
    assert blocks, "README has no example"
    monkeypatch.chdir(tmp_path)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "README.md", None, 0)
    shown: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    results = doctest.DocTestRunner(optionflags=flags).run(test, out=shown.append)
    assert results.attempted > 0
    assert results.failed == 0, "".join(shown)


def _format_constants() -> set[str]:
    """Return the names that limits.py sets in its paragraphs headed "Format"."""
    text = (PROJECT / "hyperstore" / "limits.py").read_text()
    paragraphs = [each for each in text.split("\n\n") if each.lstrip().startswith("# Format")]
    return {name for each in paragraphs for name in re.findall(r"^([A-Z_]+) =", each, re.MULTILINE)}


def test_format_document_gives_the_numbers_of_the_code() -> None:
    """A stranger's reader is written from FORMAT.md; a number that differs is a lost dataset."""
    table = FORMAT.read_text().partition("## 1. Numbers")[2].partition("## 2.")[0]
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([^|]+?) \|", table, re.MULTILINE)
    written = {name: value.replace(",", "") for name, value in rows}
    wanted = {name: str(getattr(limits, name)) for name in _format_constants()}
    assert len(wanted) > 20
    assert written == wanted


def test_format_document_lists_the_kinds() -> None:
    """A kind is one byte; one that means two things makes objects of another meaning."""
    rows = re.findall(r"^\| ([0-9]+) \| ([a-z]+) \|", FORMAT.read_text(), re.MULTILINE)
    kinds = {(str(kind.value), kind.name.lower()) for kind in Kind}
    assert kinds <= set(rows)
    assert max(int(number) for number, _ in rows) == max(Kind)


def test_format_document_lists_the_settings() -> None:
    """A key that is not in the document is refused by whoever wrote a reader from it."""
    table = FORMAT.read_text().partition("**config.toml**")[2].partition("Nothing in it")[0]
    written = set(re.findall(r"`((?:user|gc|roots|cache|media)\.[A-Za-z_]+)`", table))
    assert written == set(CONFIG_KEYS)


def test_readme_lists_every_command() -> None:
    """A command that README does not name is not found; one that is gone misleads."""
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-m", "hyperstore", "--help"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    listed = done.stdout.partition("Commands:\n")[2].partition("\n\n")[0]
    joined = re.sub(r"\n {4,}", " ", listed)  # A long line goes on in the next one.
    commands = re.findall(r"^  ([a-z][a-z-]*)  +(.+?) *$", joined, re.MULTILINE)
    assert commands, "hyperstore --help lists no command"
    assert _COMMANDS.findall(README.read_text()) == commands
