"""Names that break the rule, and editing what does not change, through API and command."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hyperstore
from hyperstore import (
    Dataset,
    DatasetVersion,
    HyperstoreError,
    PublishedError,
    RefusedError,
    Store,
    UsageError,
)
from tests.support.frames import wire
from tests.support.unchanged import fails, held, run, run_well

BAD = {
    "empty": "",
    "dot": ".",
    "dots": "..",
    "HEAD": "HEAD",
    "at": "@",
    "option": "-x",
    "long option": "--hard",
    "space before": " a",
    "space after": "a ",
    "wide space after": "a\u3000",
    "line feed": "a\nb",
    "nul": "a\0b",
    "escape": "a\x1b[31mb",
    "delete": "a\x7fb",
    "c1": "a\x9bb",
    "right to left": "a\u202eb",
    "isolate": "a\u2066b",
    "mark": "a\u200fb",
    "line separator": "a\u2028b",
    "soft hyphen": "a\u00adb",
    "zero width": "a\u200bb",
    "byte order mark": "\ufeffa",
    "tag": "a\U000e0041",
    "joiner of nothing": "a\u200d",
    "decomposed": "cafe\u0301",
    "surrogate": "a\ud800",
    "256 bytes": "x" * 256,
    "256 bytes of two each": "é" * 128,
    "a megabyte": "x" * 1_000_000,
}
GOOD = [
    "a",
    "a/b",
    "snapshot 2020-03-26T16:55:38.441671",
    "a@b",
    "a~1",
    "a^2",
    "a:b",
    "a..b",
    "日本語",
    "é" * 127,
    "x" * 255,
    "\U0001f469\u200d\U0001f52c",
    "...",
    "a'b\"c\\d",
    "*?[x]",
    "0123456789abcdef0123456789abcdef",
    "None",
    "con",
    "$HOME",
    "%s",
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return a store whose draft has one commit, on which the command stands."""
    with hyperstore.init(tmp_path / ".hyperstore") as made:
        version = made.create_dataset("cells").version()
        version.add_frames([wire("a"), wire("b")])
        version.commit("One")
        version.tag("v0")
        made.set_head(version)
        yield made


@pytest.fixture
def draft(store: Store) -> DatasetVersion:
    """Return that draft."""
    return store.dataset("cells").version()


NAMINGS: dict[str, Callable[[Store, Dataset, DatasetVersion, str], object]] = {
    "create dataset": lambda store, data, draft, name: store.create_dataset(name),
    "rename dataset": lambda store, data, draft, name: data.rename(name),
    "label dataset": lambda store, data, draft, name: data.set_tags([name]),
    "create version": lambda store, data, draft, name: data.create_version(name),
    "create child": lambda store, data, draft, name: data.create_version(name, draft),
    "rename version": lambda store, data, draft, name: draft.rename(name),
    "tag": lambda store, data, draft, name: draft.tag(name),
}
NULLABLE: dict[str, Callable[[Store, Dataset, DatasetVersion, str], object]] = {
    "project": lambda store, data, draft, name: store.create_dataset("d", project=name),
    "move to project": lambda store, data, draft, name: data.move_to_project(name),
    "snapshot": lambda store, data, draft, name: draft.snapshot(name),
    "child": lambda store, data, draft, name: draft.snapshot("s", child_name=name),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("naming", [*NAMINGS, *NULLABLE])
def test_a_bad_name_is_refused_wherever_a_name_is_given(
    store: Store, draft: DatasetVersion, naming: str, kind: str
) -> None:
    """One rule for all of them; the error can be shown, and nothing has changed."""
    if naming in NULLABLE and not BAD[kind]:
        return  # There the empty name says that there is none.
    before = held(store)
    give = {**NAMINGS, **NULLABLE}[naming]
    with pytest.raises(UsageError, match="name") as caught:
        give(store, store.dataset("cells"), draft, BAD[kind])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1_100
    assert held(store) == before


@pytest.mark.parametrize("value", [None, 3, b"a", ["a"], object()])
def test_what_is_no_string_is_no_name(store: Store, draft: DatasetVersion, value: object) -> None:
    """A TypeError from deep inside would say nothing."""
    before = held(store)
    for naming, give in NAMINGS.items():
        with pytest.raises(UsageError, match="string"):
            give(store, store.dataset("cells"), draft, value)  # type: ignore[arg-type]
        assert held(store) == before, naming


@pytest.mark.parametrize("name", GOOD)
def test_all_else_is_a_name(store: Store, draft: DatasetVersion, name: str) -> None:
    """Found again by it, and no path is made of it."""
    made = store.create_dataset(name, project=name)
    child = made.create_version(name)
    child.add_frames([wire("x")])
    child.commit("One")
    child.tag(name)
    assert store.dataset(name, project=name).version(name).get_frame("x").id == "x"
    assert list(made.commit_tags()) == [name]
    assert {one.name for one in store.path.iterdir()} <= {"db", "tmp", "config.toml", "pins"}


COMMANDS: dict[str, list[str]] = {
    "dataset": ["dataset", "create", "NAME"],
    "project": ["dataset", "create", "new", "--project", "NAME"],
    "rename": ["dataset", "rename", "cells", "NAME"],
    "branch": ["branch", "NAME"],
    "branch -m": ["branch", "-m", "Current", "NAME"],
    "switch -c": ["switch", "-c", "NAME"],
    "tag": ["tag", "NAME"],
    "snapshot": ["snapshot", "NAME"],
    "import": ["import", "voc", "none.xml", "--dataset", "NAME"],
    "import version": ["import", "voc", "none.xml", "--dataset", "cells", "--version", "NAME"],
}


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_bad_name_in_a_command_is_one_line_that_can_be_shown(
    tmp_path: Path, store: Store, verb: str
) -> None:
    """No escape sequence reaches the terminal, no traceback; what looks like an option is one."""
    before = held(store)
    for kind, name in BAD.items():
        if not name or "\0" in name or "\ud800" in name:
            continue  # No command line holds the last two.
        done = run(tmp_path, *(name if word == "NAME" else word for word in COMMANDS[verb]))
        assert done.code == 2, (kind, done)
        assert done.err.startswith("error: ")
        assert done.err.count("\n") == 1
        assert done.err.removesuffix("\n").isprintable()
        assert len(done.err) < 1_100
        assert held(store) == before, kind


EDITS: dict[str, Callable[[DatasetVersion], object]] = {
    "add": lambda version: version.add_frames([wire("c")]),
    "add the same": lambda version: version.add_frames([wire("a")]),
    "add none": lambda version: version.add_frames([]),
    "update": lambda version: version.update_frames([wire("a", x=9)]),
    "delete": lambda version: version.delete_frames(["a"]),
    "delete none": lambda version: version.delete_frames(["z"]),
    "batch": lambda version: version.batch().__enter__(),
    "commit": lambda version: version.commit("more"),
    "empty commit": lambda version: version.commit("more", allow_empty=True),
    "publish": lambda version: version.publish(),
    "snapshot": lambda version: version.snapshot(),
    "reset": lambda version: version.reset(),
    "reset hard": lambda version: version.reset(hard=True),
    "restore": lambda version: version.restore(),
    "restore one": lambda version: version.restore(["a"]),
    "revert": lambda version: version.revert(str(version.head)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_published_version_refuses_every_edit(
    store: Store, draft: DatasetVersion, edit: str
) -> None:
    """Whether or not the edit would have changed anything."""
    draft.publish()
    before = held(store)
    with pytest.raises(PublishedError, match="published"):
        EDITS[edit](draft)
    assert held(store) == before


@pytest.mark.parametrize(
    "line",
    [
        "add FILE",
        "rm a",
        "edit a --set meta.a=1",
        "commit -m more",
        "publish",
        "snapshot",
        "reset --hard HEAD~0",
        "restore a",
        "revert HEAD",
        "import voc XML --dataset cells",
    ],
)
def test_a_published_version_refuses_every_verb_that_edits(
    tmp_path: Path, store: Store, draft: DatasetVersion, line: str
) -> None:
    """One line, and nothing has changed."""
    draft.publish()
    (tmp_path / "frame.json").write_text('{"id": "c", "sources": [{"id": "a", "uri": "s3://a"}]}')
    (tmp_path / "a.xml").write_text("<annotation/>")
    files = {"FILE": str(tmp_path / "frame.json"), "XML": str(tmp_path / "a.xml")}
    before = held(store)
    assert "published" in fails(tmp_path, *(files.get(word, word) for word in line.split()))
    assert held(store) == before


def test_the_version_on_which_one_stands_is_not_deleted(
    tmp_path: Path, store: Store, draft: DatasetVersion
) -> None:
    """As git refuses to delete the branch that is checked out, forced or not."""
    before = held(store)
    for flag in ("-d", "-D"):
        assert "switch" in fails(tmp_path, "branch", flag, "Current")
        assert held(store) == before
    run_well(tmp_path, "switch", "-c", "other")
    run_well(tmp_path, "branch", "-D", "Current")
    assert [one.name for one in store.dataset("cells").versions()] == ["other"]


def test_a_dataset_that_is_not_empty_is_deleted_by_force_only(tmp_path: Path, store: Store) -> None:
    """The command also wants HEAD elsewhere first; without, HEAD stands nowhere, and says so."""
    before = held(store)
    with pytest.raises(RefusedError):
        store.delete_dataset("cells")
    fails(tmp_path, "dataset", "delete", "cells")
    assert held(store) == before
    assert "switch" in fails(tmp_path, "dataset", "delete", "--force", "cells")
    assert held(store) == before
    store.delete_dataset("cells", force=True)
    fails(tmp_path, "status")
    assert store.head() is None


def test_a_handle_on_what_was_deleted_says_so(store: Store, draft: DatasetVersion) -> None:
    """Every call of a handle whose version is gone; none is a KeyError of ours."""
    data = store.dataset("cells")
    draft.publish()
    child = data.create_version("child", draft)
    data.delete_version(child, force=True)
    before = held(store)
    calls: list[Callable[[DatasetVersion], object]] = [
        *EDITS.values(),
        len,
        list,
        DatasetVersion.log,
        DatasetVersion.status,
        lambda version: version.name,
        lambda version: version.content_id,
        lambda version: list(version.diff()),
        lambda version: version.rename("x"),
        lambda version: version.tag("x"),
    ]
    for call in calls:
        with pytest.raises(HyperstoreError, match="deleted"):
            call(child)
    assert held(store) == before


@pytest.mark.parametrize(
    "text",
    [
        *("", "@", "@@", "cells@", "@Current~", "cells@Current~99", "cells@Current^2", '"cells'),
        *("a@b@c", "cells@{0}", f"cells@Current@{{{10**20}}}", f"cells@Current~{10**20}", ".."),
        *("~" * 10_000, "cells@" + "^" * 10_000, "x" * 100_000, "cells@none", "none@Current"),
        *("deadbeef", "\x1b[31m", "a..b", "cells@Current..", "HEAD~~~", "ffffff", "cells@\u202e"),
        "cells@Current:x",
    ],
)
def test_a_revision_that_leads_nowhere_is_one_line(tmp_path: Path, store: Store, text: str) -> None:
    """Whatever is typed: an answer or an error, and never a change."""
    before = held(store)
    for verb in ("ls", "log", "show", "diff", "tag x"):
        words = verb.split()
        done = run(tmp_path, *words, text)
        if done.code:
            assert done.err.startswith("error: "), (verb, done)
            assert done.err.count("\n") == 1
            assert done.err.removesuffix("\n").isprintable()
            assert len(done.err) < 1_100
        if verb.startswith("tag") and done.code == 0:
            run_well(tmp_path, "undo")
            continue
        assert held(store) == before, verb


@pytest.mark.skipif(os.name == "nt", reason="argument lists of other systems are text")
def test_a_command_line_that_is_not_utf8_is_one_line(tmp_path: Path, store: Store) -> None:
    """What the shell hands over need not be text."""
    before = held(store)
    name = os.fsdecode(b"\xff\xfe")
    for verb in (["dataset", "create"], ["tag"], ["branch"], ["switch"], ["ls"], ["cat"]):
        done = run(tmp_path, *verb, name)
        assert done.code in (2, 128)
        assert done.err.startswith("error: ")
        assert done.err.count("\n") == 1
    assert held(store) == before
