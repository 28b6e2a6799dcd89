"""Text from data is shown harmless: no control character of it reaches the terminal."""

import json
import unicodedata
from pathlib import Path

import pytest

from hyperstore.cli.text import columns_of, fit, pad, plural, recorded_command, safe, with_letters
from tests.cli.conftest import lines
from tests.support.command import Command
from tests.support.frames import Wire, wire
from tests.support.pictures import draw

PAYLOADS = [
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[2J\x1b[H",
    "\x1b[1A\x1b[2Kgone",
    "\x1bc",
    "\x1bP+q\x1b\\",
    "\x1b_Gx\x1b\\",
    "\x9b31m",
    "\x9d0;title\x9c",
    "\x90x\x9c",
    "bell\x07",
    "back\b\b\b\bspace",
    "return\rover",
    "line\nbreak",
    "form\ffeed",
    "vertical\vtab",
    "tab\tstop",
    "nul\x00byte",
    "delete\x7f",
    "next\x85line",
    "shift\x0eout",
    "\u202eesrever",
    "\u2066isolate\u2069",
    "\u200emark\u200f",
    "\u061carabic",
    "line\u2028separator",
    "para\u2029graph",
    "\ufeffmark",
    "soft\u00adhyphen",
    "tag\U000e0041",
    "\x1b[6n\x1b[c\x1b[5n",
]
HARMFUL = {"Cc", "Cf", "Zl", "Zp", "Cs"}


def harmless(text: str) -> bool:
    """Whether all that could act on a terminal is line feeds."""
    return all(one == "\n" or unicodedata.category(one) not in HARMFUL for one in text)


def hostile(payload: str, number: int) -> Wire:
    """Return a frame that says the payload wherever text is free."""
    frame = wire(f"f{number:03d}{payload}", context=payload, labels=[payload])
    frame["sources"][0]["uri"] = f"s3://bucket/{payload}"  # type: ignore[index]
    frame["meta"] = {payload: payload}
    frame[f"unknown{payload}"] = {payload: [payload]}
    return frame


@pytest.fixture
def attacked(store: Command) -> Command:
    """Return the command where every free text of the frames is hostile."""
    frames = [hostile(payload, number) for number, payload in enumerate(PAYLOADS)]
    store("add", "-", stdin=lines(frames))
    store("commit", "-m", f"Add {''.join(PAYLOADS)}\n\n{''.join(PAYLOADS)}")
    store("tag", "v1", "-m", "".join(PAYLOADS))
    store("config", "user.name", "Eve")
    store("edit", "--all", "--set", f"meta.note={''.join(PAYLOADS[:3])}", "--set", "timestamp=7")
    return store


def test_errors_name_things_as_people_write_them(store: Command) -> None:
    """Who calls a dataset by a word of Japanese looks for that word, not for its code points."""
    store("dataset", "create", "細胞é😀")
    assert "細胞é😀" in store.fails("query", "間違い@x", "id:x", code=128)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("細胞é😀", "細胞é😀"),
        ("a\x1b[31m", "a\\x1b[31m"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202eb", "\\u202eb"),
        ("\\u7d30", "\\\\u7d30"),
        ("\\細", "\\\\細"),
        ("\ud800", "\\ud800"),
    ],
)
def test_letters_alone_are_no_escapes(name: str, shown: str) -> None:
    """An escape is what it was, whoever wrote it, unless a letter stands behind it."""
    assert with_letters(f"no {name!a}") == f"no '{shown}'"


VERBS = [
    "ls",
    "ls -l",
    "ls --name-only",
    "ls --json",
    "ls v1",
    "head",
    "head v1 --fields meta",
    "query id:f0* --fields sources.uri",
    "query _exists_:rois --json",
    "query meta.note:31mred --explain",
    "sample -n 5",
    "stats -n 99",
    "stats v1 --json",
    "cat f0 --json",
    "cat f000",
    "status",
    "status --short",
    "diff",
    "diff --stat",
    "diff --name-status",
    "diff --json",
    "log",
    "log --oneline --graph --stat",
    "log --json",
    "show v1",
    "show v1 --stat",
    "show cells@Current",
    "show HEAD --json",
    "branch",
    "branch --json",
    "tag",
    "tag --json",
    "dataset list",
    "reflog",
    "reflog --all",
    "reflog --all --json",
    "config --list",
]


@pytest.mark.parametrize("line", VERBS)
def test_no_control_character_of_the_data_is_printed(attacked: Command, line: str) -> None:
    """A label must not move the cursor of whoever lists the labels."""
    done = attacked.run("--color", "never", *line.split())
    assert done.code in (0, 2), done.err  # `cat f0` is short for several.
    assert harmless(done.out), ascii(done.out)
    assert harmless(done.err), ascii(done.err)


@pytest.mark.parametrize("line", ["ls", "diff", "log", "show v1"])
def test_colour_is_the_only_escape(attacked: Command, line: str) -> None:
    """What is left without our colours is harmless, so none of the rest came from data."""
    done = attacked("--color", "always", *line.split())
    text = done.out
    for code in ("0", "1", "2", "31", "32", "33", "34", "35", "36"):
        text = text.replace(f"\x1b[{code}m", "")
    assert harmless(text), ascii(text)
    assert "\\x1b[31mred" in text


def test_json_says_all_of_it(attacked: Command) -> None:
    """Programs get the text as it is, written in ASCII."""
    frames = attacked("ls", "v1", "--json").rows()
    said = {str(frame["context_id"]) for frame in frames}
    assert said == set(PAYLOADS)


def test_json_for_people_is_harmless_and_says_all_of_it(attacked: Command) -> None:
    """It shows words as they are written, so what would act on a terminal stands escaped."""
    for frame in attacked("ls", "v1", "--json").rows():
        shown = attacked("cat", str(frame["id"]), "--at", "v1").out
        assert harmless(shown), ascii(shown)
        assert json.loads(shown) == frame


@pytest.mark.parametrize("payload", [*PAYLOADS, "not UTF-8 \udcff", "long" * 10_000])
def test_errors_do_not_repeat_hostile_words(store: Command, payload: str) -> None:
    """A word that was pasted is shown escaped, on one line."""
    if "\0" in payload:
        payload = payload.replace("\0", "")  # No command line holds one.
    words = [
        ["cat", payload],
        ["rm", payload],
        ["log", payload],
        ["diff", payload],
        ["show", f"HEAD:{payload}"],
        ["query", payload],
        ["query", f"meta.{payload}:x"],
        ["query", "--roi", payload],
        ["query", f"{payload}@*", "*:*"],
        ["stats", payload, "--source", payload],
        ["head", "--fields", payload],
        ["commit", "-m", payload],
        ["branch", payload],
        ["undo", payload],
        ["switch", payload],
        ["add", payload],
        ["tag", payload],
        ["dataset", "create", payload],
        ["dataset", "rename", payload, "x"],
        ["config", payload, "x"],
        ["import", "coco", payload, "--dataset", payload],
        [payload],
    ]
    for each in words:
        done = store.run(*each)
        assert harmless(done.out), ascii(done.out)
        assert harmless(done.err), ascii(done.err)
        if done.code:  # Some are odd names, but names.
            assert done.code in (1, 2, 128), each
            assert not done.err or done.err.startswith("error: ")
            assert done.err.count("\n") <= 1


def test_hostile_file_names_are_shown_harmless(store: Command, tmp_path: Path) -> None:
    """A downloaded folder may hold any name."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    draw(folder / "a\x1b[31m.png")
    store("add", "pictures")
    assert harmless(store("ls", "-l").out)
    (folder / "b\udcff.png").touch()
    (folder / "c\x1b[31m.png").touch()
    done = store.run("add", "pictures")
    assert done.code == 1
    assert harmless(done.err)
    assert "not UTF-8" in done.err
    assert "is empty" in done.err


def test_words_stay_words() -> None:
    """What people write is shown as they wrote it, joiners of scripts and emoji too."""
    for text in ("naïve", "猫", "👩\u200d🚀", "क्\u200dष", "a\u0301"):
        assert safe(text) == text


def test_columns_are_those_of_a_terminal() -> None:
    """Wide characters take two, marks and joiners none."""
    assert [columns_of(text) for text in ("cat", "猫", "a\u0301", "🚀")] == [3, 2, 1, 2]
    assert pad("猫", 4) == "猫  "
    assert fit("猫猫猫", 5) == "猫猫…"
    assert fit("猫猫猫", 4) == "猫…"
    assert fit("cat", 3) == "cat"


def test_the_recorded_command_has_no_secret() -> None:
    """The operation log is read by whoever gets the store."""
    said = recorded_command(
        ["add", "https://me:secret@host/a.json?X-Signature=abc", "-m", "a b\x1b[31m"]
    )
    assert said == "hyperstore add 'https://***@host/a.json?***' -m 'a b\\x1b[31m'"
    assert len(recorded_command(["x" * 10_000])) < 1_100
    assert plural(1, "frame") == "1 frame"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["https://me:a/b@c@host/x"], "'https://***@host/x'"),
        (["https://me:a'b@host/x"], "'https://***@host/x'"),
        (["https://me:a?b#c@host/x"], "'https://***'"),
        (["https://host/x?sig=a@b"], "'https://***'"),
        (["https://me:pw@host/x?sig=a"], "'https://***@host/x?***'"),
        (["https://host/x#access_token=a"], "'https://host/x#***'"),
        (['{"uri": "s3://me:pw@b/a", "n": 1}'], """'{"uri": "s3://***@b/a", "n": 1}'"""),
        (["https://host/plain"], "https://host/plain"),
        (["--token", "abc", "x"], "--token '***' x"),
        (["--password=a b", "x"], "'--password=***' x"),
        (["dataset", "set", "api_key=abc"], "dataset set 'api_key=***'"),
        (["Client.Secret=a@b"], "'Client.Secret=***'"),
        (["-m", "Is it a cat? No."], "-m 'Is it a cat? No.'"),
        (["zoom=40"], "zoom=40"),
    ],
)
def test_no_shape_of_a_secret_is_recorded(words: list[str], said: str) -> None:
    """A password may hold what ends it elsewhere; what else is said stays readable."""
    assert recorded_command(words) == f"hyperstore {said}"
