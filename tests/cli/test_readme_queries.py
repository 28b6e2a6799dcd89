"""The queries in README, run on thirty frames of a street: each line finds what it says."""

import re
import shlex
from pathlib import Path

import pytest

from hyperstore.query.language.condition import Condition, Scope
from hyperstore.query.language.parser import parse
from tests.cli.conftest import lines
from tests.cli.test_query import street
from tests.support.command import PROJECT, Command
from tests.support.slow_query import fits

SECTION = (PROJECT / "README.md").read_text().partition("\n## Query\n")[2].partition("\n## ")[0]
COMMANDS = re.findall(r"^\$ hyperstore (.+?) +# (.+)$", SECTION, re.MULTILINE)
EXAMPLES = re.findall(r"^\| `([^`]+)` \|", SECTION, re.MULTILINE)


@pytest.fixture
def streets(store: Command) -> Command:
    """Return the command on `street@Current`, which a tag `v1` names."""
    store("dataset", "create", "street")
    store("add", "-", stdin=lines(street()))
    store("commit", "-m", "Add thirty")
    store("tag", "v1")
    return store


def test_the_section_has_examples() -> None:
    """A table that is no table any more would hold nothing."""
    assert len(COMMANDS) == 7
    assert len(EXAMPLES) == 11


@pytest.mark.parametrize(("line", "said"), COMMANDS)
def test_a_command_finds_what_the_comment_says(streets: Command, line: str, said: str) -> None:
    """What is typed from a README should work at once."""
    words = shlex.split(line.partition(" | ")[0])
    count = re.fullmatch(r"(\d+) frames", said)
    if count is None:
        streets(*words)
        assert words[0] == "sample" or Path("cars.html").exists()
        return
    shown = streets(*words).out
    if "--count" in words:
        assert shown == f"{count[1]}\n"
    else:
        titles = not {"--ids", "--json", "--fields"} & set(words)
        assert shown.count("\n") - titles == int(count[1])


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_means_what_it_says(streets: Command, example: str) -> None:
    """As the slow evaluator reads it; an option is run as one."""
    if example.startswith("--"):
        assert streets("query", *shlex.split(example), "--ids").out
        return
    if example.startswith("changed:"):
        assert streets.run("query", example).code == 1  # Nothing has, since that tag.
        streets("edit", "f05", "--set", "meta.city=Oslo")
        assert streets("query", example, "--ids").out == "f05\n"
        return
    condition = Condition(frame=parse(example, Scope.FRAME))
    expected = sum(fits(condition, frame) for frame in street())
    assert streets.run("query", example, "--count").out == f"{expected}\n"
