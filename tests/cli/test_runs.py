"""`runs` and `run`: what ran, how it ended, what it touched."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperstore.cli.main import cli
from hyperstore.codec import replace
from hyperstore.dataset.runswatch import WATCHERS
from hyperstore.dataset.store import open_store
from hyperstore.history.run import COMPLETED, FAILED, Artifact, Program
from hyperstore.query.dataview import DataView
from tests.support.command import Command
from tests.support.runs import begin_run


@pytest.fixture(autouse=True)
def unwatched() -> Iterator[None]:
    """Leave nobody watching."""
    yield
    WATCHERS.clear()


@pytest.fixture
def ran(cells: Command) -> Command:
    """Return the command on a store on which two runs have ended and one goes on."""
    with open_store(Path(".hyperstore")) as store:
        draft = store.dataset("cells").version()
        reader = begin_run(store.handle, "look")
        assert len(draft) == 10
        reader.end(COMPLETED)
        writer = begin_run(store.handle, "mend")
        writer.update(
            lambda run: replace(
                run,
                started=run.started + 1,
                project="lab",
                parameters={"Args": {"lr": "0.5", "name": '"a\\u001b[31m"'}},
                program=Program(arguments=["--lr", "0.5"], script="/code/mend.py"),
                artifacts=[Artifact(name="net", sha256="ab" * 32, size=3, uri="/out/net.bin")],
            )
        )
        draft.delete_frames(["f001"])
        draft.commit("Without one")
        writer.end(FAILED, "ValueError: boo")
        begin_run(store.handle, "on").update(lambda run: replace(run, started=run.started + 2))
    return cells


def test_a_view_that_has_no_lock_is_told(cells: Command) -> None:
    """Who looks for what a model was made of must not take silence for nothing read."""
    with open_store(Path(".hyperstore")) as store:
        store.dataset("cells").version().delete_frames(["f001"])
        run = begin_run(store.handle, "train")
        assert len(DataView("some", store=store).add_query("cells", "Current").to_list()) == 9
        run.end(COMPLETED)
    said = "iterated view some without a lock: cells@Current has edits that no commit has"
    for words in (("runs",), ("runs", "show", "train")):
        (line,) = [one for one in cells(*words).out.splitlines() if "without a lock" in one]
        assert line.strip().startswith(said)
    why = "cells@Current has edits that no commit has, and a lock names commits"
    told = {"view": "some", "frames": 9, "why": why, "store": None}
    assert cells("runs", "--json").rows()[0]["unpinned"] == [told]


def test_runs_are_listed_newest_first_with_what_they_touched(ran: Command) -> None:
    """A line for the run, and one for each version."""
    lines = ran("runs").out.splitlines()
    assert [line.split()[1] for line in lines[::2][:1]] == ["running"]
    words = [line.split() for line in lines]
    assert [line[1] for line in words if len(line[0]) == 12] == ["running", "failed", "completed"]
    assert words[1][-1] == "lab/mend"
    assert words[2][:2] == ["wrote", "cells@Current"]
    assert words[4][:2] == ["read", "cells@Current"]
    assert len(ran("runs", "-n", "1").out.splitlines()) == 1


def test_runs_as_json_say_all_of_it(ran: Command) -> None:
    """For programs, with states as ids that other commands take."""
    on, mend, look = ran("runs", "--json").rows()
    assert [one["status"] for one in (on, mend, look)] == ["running", "failed", "completed"]
    assert mend["parameters"] == {"Args": {"lr": 0.5, "name": "a\x1b[31m"}}
    assert mend["error"] == "ValueError: boo"
    left = {"name": "net", "uri": "/out/net.bin", "size": 3, "sha256": "ab" * 32}
    assert mend["artifacts"] == [left]
    log = [str(row["id"]) for row in ran("log", "--json").rows()]
    for run, deed, commit in ((look, "read", log[1]), (mend, "written", log[0])):
        touched = run["touched"]
        assert isinstance(touched, list)
        assert [one[deed] for one in touched] == [[commit]]
    assert ran("show", str(log[0])[:12]).out


def test_one_run_is_shown_by_id_or_name(ran: Command) -> None:
    """What it was told, and what it left; nothing of it reaches the terminal raw."""
    by_name = ran("runs", "show", "mend").out
    run_id = str(ran("runs", "show", "mend", "--json").rows()[0]["id"])
    assert ran("runs", "show", run_id[:8]).out == by_name
    for said in ("failed", "ValueError: boo", "/code/mend.py --lr 0.5", "lr = 0.5", "/out/net.bin"):
        assert said in by_name
    assert "\x1b" not in by_name
    assert "hyperstore runs" in ran.fails("runs", "show", "nothing", code=128)


def test_runs_are_removed_together_or_not_at_all(ran: Command) -> None:
    """One goes on, so none is removed."""
    assert "goes on" in ran.fails("runs", "rm", "look", "on", code=128)
    assert len(ran("runs", "--json").rows()) == 3
    ran("runs", "rm", "look", "mend")
    assert [row["name"] for row in ran("runs", "--json").rows()] == ["on"]
    ran("undo")
    assert len(ran("runs", "--json").rows()) == 3


def test_undo_takes_back_what_a_run_did_and_not_its_record(ran: Command) -> None:
    """The commit was the last deed."""
    assert ran("undo").out.startswith("Undid operation")
    assert [row["message"] for row in ran("log", "--json").rows()] == ["Add ten"]
    assert len(ran("runs", "--json").rows()) == 3


def test_a_store_without_runs_lists_none(cells: Command) -> None:
    """And that is no failure."""
    assert cells("runs").out == ""


def test_run_explains_itself() -> None:
    """Its own --help, which is no argument of a program yet."""
    from click.testing import CliRunner

    assert "SCRIPT" in CliRunner().invoke(cli, ["run", "--help"]).stdout
