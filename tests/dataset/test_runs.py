"""Runs: what a program read and wrote is noted, kept, and never in its way."""

import logging
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import hyperstore
from hyperstore import DatasetVersion, LockedError, NotFoundError, Store, UsageError
from hyperstore.codec import replace
from hyperstore.dataset.runs import LOST, find_run, list_runs, remove_runs, status_of
from hyperstore.dataset.runsgit import git_head
from hyperstore.dataset.runsrecorder import Recorder
from hyperstore.dataset.runswatch import WATCHERS
from hyperstore.dataset.store import open_store
from hyperstore.history.run import ABORTED, COMPLETED, FAILED, RUNNING, Process, Run, Touched
from hyperstore.limits import HEAD_MOVES_KEPT_MS, RUN_SAVES_AT_ONCE, RUN_STATES_MAX
from hyperstore.maintenance.check import fsck
from hyperstore.maintenance.collect import gc
from hyperstore.storage.host import now_ms
from tests.support.children import run_in_child
from tests.support.runs import begin_run, run_of
from tests.support.stores import frame


@pytest.fixture(autouse=True)
def unwatched() -> Iterator[None]:
    """Leave nobody watching, whatever a test did."""
    yield
    WATCHERS.clear()


def recorded(store: Store) -> Run:
    """Return the newest run as the store has it."""
    return list_runs(store.handle)[0]


def touched(store: Store) -> dict[str, tuple[list[str], list[str]]]:
    """Return what the newest run read and wrote, by names of versions."""
    return {
        one.version_name: ([state.hex() for state in one.read], [s.hex() for s in one.written])
        for one in recorded(store).touched
    }


def working(store: Store, version: DatasetVersion) -> str:
    """Return the id of what a draft holds now, by its ref."""
    with store.handle.database.reading() as reader:
        found = reader.ref(f"working/{version.dataset_id}/{version.id}")
    assert found is not None
    return found.hex()


def test_a_version_that_is_read_is_named_by_its_commit(store: Store, draft: DatasetVersion) -> None:
    """The frames that a model has seen can be had again."""
    draft.add_frames([frame(1)])
    commit = draft.commit("One")
    run = begin_run(store.handle)
    assert len(draft) == 1
    assert touched(store) == {"Current": ([commit], [])}  # Before it ends: it may be killed.
    run.end(COMPLETED)
    assert touched(store) == {"Current": ([commit], [])}


def test_an_uncommitted_draft_is_named_by_its_snapshot(store: Store, draft: DatasetVersion) -> None:
    """What was read is what it held then, not what was committed before or after."""
    draft.add_frames([frame(1)])
    draft.commit("One")
    draft.add_frames([frame(2)])
    held = working(store, draft)
    begin_run(store.handle).read(
        store.handle,
        draft.dataset_id,
        draft.id,
        bytes.fromhex(held),  # type: ignore[arg-type]
    )
    assert touched(store) == {"Current": ([held], [])}
    assert list(draft)
    assert touched(store) == {"Current": ([held], [])}


@pytest.mark.parametrize(
    "look", [len, list, DatasetVersion.get_metadata, lambda v: v.get_frame(frame(1)["id"])]
)
def test_every_way_of_looking_is_noted(store: Store, draft: DatasetVersion, look: object) -> None:
    """One that was missed would make a run lie about what it rests on."""
    draft.add_frames([frame(1)])
    commit = draft.commit("One")
    look(draft)  # type: ignore[operator]
    begin_run(store.handle)
    look(draft)  # type: ignore[operator]
    assert touched(store) == {"Current": ([commit], [])}


def test_a_commit_that_is_read_by_its_id_is_noted(store: Store, draft: DatasetVersion) -> None:
    """It is not what the version shows now."""
    draft.add_frames([frame(1)])
    first = draft.commit("One")
    assert first is not None
    draft.add_frames([frame(2)])
    draft.commit("Two")
    begin_run(store.handle)
    assert len(draft.at(first)) == 1
    assert touched(store) == {"Current": ([first], [])}


def test_what_is_written_is_named_by_its_commits_and_its_last_state(
    store: Store, draft: DatasetVersion
) -> None:
    """Steps between that were never committed are no result; reading one's own is no reading."""
    run = begin_run(store.handle)
    draft.add_frames([frame(1)])
    first = draft.commit("One")
    draft.add_frames([frame(2)])
    assert len(draft) == 2
    draft.add_frames([frame(3)])
    run.end(COMPLETED)
    assert touched(store) == {"Current": ([], [first, working(store, draft)])}


def test_a_version_that_a_run_makes_says_so(store: Store, draft: DatasetVersion) -> None:
    """DV-23: its record names the run; one that was made without a run names none."""
    draft.add_frames([frame(1)])
    draft.publish()
    run = begin_run(store.handle)
    dataset = store.dataset("cells")
    made = [dataset.create_version("a", draft), store.create_dataset("b").version()]
    made.append(made[0].snapshot("c"))
    assert [one.record.task for one in made] == [run.run_id] * 3
    run.end(COMPLETED)
    assert draft.record.task == dataset.create_version("d").record.task == ""
    assert set(touched(store)) == {"c", "a", "Current"}


def test_an_ended_run_hears_no_more(store: Store, draft: DatasetVersion) -> None:
    """What comes after it is another one's."""
    run = begin_run(store.handle)
    run.end(FAILED, "ValueError: boo")
    draft.add_frames([frame(1)])
    assert (recorded(store).status, recorded(store).error) == (FAILED, "ValueError: boo")
    assert recorded(store).ended >= recorded(store).started
    assert touched(store) == {}


def test_a_killed_run_is_lost_and_names_what_it_touched(tmp_path: Path) -> None:
    """Nobody was left to say how it ended."""
    with hyperstore.init(tmp_path / "store") as store:
        draft = store.create_dataset("cells").version()
        draft.add_frames([frame(1)])
        commit = draft.commit("One")
        path = store.path

    def work() -> None:
        with hyperstore.open(path) as mine:
            begin_run(mine.handle)
            list(mine.dataset("cells").version())
            os.kill(os.getpid(), 9)

    assert run_in_child(work) == "killed by SIGKILL"
    with hyperstore.open(path) as store:
        assert (recorded(store).status, status_of(recorded(store))) == (RUNNING, LOST)
        assert touched(store) == {"Current": ([commit], [])}
        assert remove_runs(store.handle, [recorded(store).id])
        assert fsck(store, level="full").faults == []


def test_a_run_goes_on_while_its_process_lives() -> None:
    """By its number and when it began: another process may have got the number."""
    mine = run_of("mine")
    assert status_of(mine) == RUNNING
    other = replace(mine, process=replace(mine.process, started=mine.process.started + 1))
    assert status_of(other) == LOST


def test_a_run_of_elsewhere_counts_as_going_on() -> None:
    """Its process cannot be seen from here; of this host before it was started anew, it can."""
    mine = run_of("mine")
    far = replace(mine, process=Process(host="far", machine="other:1", pid=1, started=1))
    assert status_of(far) == RUNNING
    before = replace(far, process=replace(far.process, host=socket.gethostname()))
    assert status_of(before) == LOST


def test_two_runs_at_once_keep_their_own(store: Store, draft: DatasetVersion) -> None:
    """Two programs train on one store."""
    draft.add_frames([frame(1)])
    draft.commit("One")
    path = store.path
    mine = begin_run(store.handle, "mine")

    def work() -> None:
        with hyperstore.open(path) as other:
            run = begin_run(other.handle, "other")
            other.dataset("cells").create_version("theirs")
            run.end(COMPLETED)

    assert run_in_child(work) == "done"
    assert len(draft) == 1
    mine.end(COMPLETED)
    found = {run.name: [one.version_name for one in run.touched] for run in list_runs(store.handle)}
    assert found == {"mine": ["Current"], "other": ["theirs"]}


def test_processes_of_one_run_merge_what_they_noted(store: Store, draft: DatasetVersion) -> None:
    """A worker that reads another version adds it, and takes nothing away."""
    other = store.dataset("cells").create_version("other")
    path = store.path
    run = begin_run(store.handle)
    assert len(draft) == 0

    def work() -> None:
        with hyperstore.open(path) as mine:
            joined = Recorder.join(mine.handle, run.run_id)
            assert joined is not None
            list(mine.dataset("cells").version("other"))
            joined.flush()

    assert run_in_child(work) == "done"
    draft.add_frames([frame(1)])
    run.end(COMPLETED)
    assert set(touched(store)) == {"Current", "other"}
    assert touched(store)["other"] == ([working(store, other)], [])
    assert Recorder.join(store.handle, run.run_id) is None  # It has ended.


def test_processes_that_write_one_version_are_both_named(
    store: Store, draft: DatasetVersion
) -> None:
    """Neither takes the other's commits for its own of before."""
    path = store.path
    run = begin_run(store.handle)
    draft.add_frames([frame(1)])
    mine = draft.commit("Mine")

    def work() -> None:
        with hyperstore.open(path) as other:
            joined = Recorder.join(other.handle, run.run_id)
            assert joined is not None
            version = other.dataset("cells").version()
            version.add_frames([frame(2)])
            version.commit("Theirs")
            joined.flush()

    assert run_in_child(work) == "done"
    theirs = draft.status().head
    draft.add_frames([frame(3)])
    last = draft.commit("Mine again")
    run.end(COMPLETED)
    assert set(touched(store)["Current"][1]) == {mine, theirs, last}


def test_recording_that_failed_is_not_begun_again(store: Store, draft: DatasetVersion) -> None:
    """Half a record would look like a whole one; what is said stays known to the process."""
    path = store.path
    run = begin_run(store.handle)
    store.close()
    run.update(lambda one: replace(one, comment="first"))
    assert run.run.comment == "first"
    with hyperstore.open(path) as again:
        run.handle = again.handle
        run.update(lambda one: replace(one, comment="second"))
        assert run.run.comment == "second"
        assert recorded(again).comment == ""


def test_many_states_are_the_first_ones_and_the_last(store: Store, draft: DatasetVersion) -> None:
    """A record stays small however long a program runs."""
    run = begin_run(store.handle)
    commits = []
    for number in range(RUN_STATES_MAX + 5):
        draft.add_frames([frame(number)])
        commits.append(draft.commit(f"{number}"))
    run.end(COMPLETED)
    assert touched(store)["Current"][1] == [*commits[: RUN_STATES_MAX - 1], commits[-1]]


def test_many_versions_are_not_recorded_one_by_one(store: Store) -> None:
    """A program that looks through a thousand of them would wait for each."""
    dataset = store.dataset(store.create_dataset("many").name)
    for number in range(2 * RUN_SAVES_AT_ONCE):
        dataset.create_version(f"v{number}")
    run = begin_run(store.handle)
    before = next(store.operations()).number
    for version in dataset.versions():
        assert len(version) == 0
    assert next(store.operations()).number - before < 2 * RUN_SAVES_AT_ONCE
    run.end(COMPLETED)
    assert len(touched(store)) == 2 * RUN_SAVES_AT_ONCE + 1


def test_another_store_is_named_and_not_followed(store: Store, tmp_path: Path) -> None:
    """Its commits are not here, so nothing of them can be kept."""
    with hyperstore.init(tmp_path / "other") as other:
        version = other.create_dataset("far").version()
        run = begin_run(store.handle)
        version.add_frames([frame(1)])
        commit = version.commit("One")
        run.end(COMPLETED)
        (one,) = recorded(store).touched
        assert (one.store, one.dataset_name, one.version_name) == (other.id, "far", "Current")
        assert [state.hex() for state in one.written] == [commit]
    assert fsck(store, level="full").faults == []
    gc(store, prune_now=True)


def test_a_run_keeps_what_it_names_from_collection(store: Store, draft: DatasetVersion) -> None:
    """A version may be deleted, and what a model was trained on is there all the same."""
    draft.add_frames([frame(1)])
    commit = draft.commit("One")
    assert commit is not None
    run = begin_run(store.handle)
    assert len(draft) == 1
    run.end(COMPLETED)
    store.delete_dataset("cells", force=True)
    later = now_ms() + HEAD_MOVES_KEPT_MS + 1000  # When the log holds nothing of it any more.
    gc(store, prune_now=True, now_ms=later)
    assert store.commit_info(commit).message == "One"
    assert fsck(store, level="full").faults == []
    remove_runs(store.handle, [run.run_id])
    gc(store, prune_now=True, now_ms=later)
    with pytest.raises(NotFoundError):
        store.commit_info(commit)


def test_a_run_that_names_what_is_gone_is_no_damage(store: Store, draft: DatasetVersion) -> None:
    """An older version may have collected it, which knew of no runs."""
    gone = Touched(dataset="d" * 32, version="e" * 32, read=[bytes(32)])
    begin_run(store.handle).update(lambda run: replace(run, touched=[gone]))
    gc(store, prune_now=True)
    assert fsck(store, level="full").faults == []


def test_undo_passes_over_records_of_runs(store: Store, draft: DatasetVersion) -> None:
    """Nobody did them: what somebody did last is what is taken back."""
    run = begin_run(store.handle)
    draft.add_frames([frame(1)])
    run.end(COMPLETED)
    assert store.undo().command == "add frames"
    assert len(draft) == 0
    assert recorded(store).status == COMPLETED
    store.undo()  # The dataset.
    with pytest.raises(NotFoundError, match="nothing to undo"):
        store.undo()


def test_a_removed_run_comes_back_by_undo(store: Store) -> None:
    """Removing one is a deed like any other."""
    run = begin_run(store.handle)
    with pytest.raises(LockedError, match="goes on"):
        remove_runs(store.handle, [run.run_id])
    run.end(ABORTED)
    before = recorded(store)
    remove_runs(store.handle, [run.run_id])
    assert list_runs(store.handle) == []
    store.undo()
    assert recorded(store) == before


def test_a_run_that_is_removed_meanwhile_is_not_made_again(
    store: Store, draft: DatasetVersion
) -> None:
    """Who removed it meant it; the program goes on."""
    run = begin_run(store.handle)
    run.end(ABORTED)
    remove_runs(store.handle, [run.run_id])
    run.update(lambda one: replace(one, comment="late"))
    assert list_runs(store.handle) == []
    assert draft.add_frames([frame(1)]) == []


def test_runs_are_found_by_id_prefix_and_name(store: Store) -> None:
    """The newest of a name, since programs run again under it."""
    first, second = begin_run(store.handle, "train"), begin_run(store.handle, "train")
    second.update(lambda run: replace(run, started=run.started + 1))
    assert find_run(store.handle, "train").id == second.run_id
    assert find_run(store.handle, first.run_id[:6]).id == first.run_id
    with pytest.raises(NotFoundError, match="hyperstore runs"):
        find_run(store.handle, "nothing")
    with pytest.raises(UsageError):
        find_run(store.handle, 5)  # type: ignore[arg-type]


def test_a_store_that_cannot_be_written_is_said_once(
    store: Store, draft: DatasetVersion, caplog: pytest.LogCaptureFixture
) -> None:
    """Recording never fails a program that only reads."""
    draft.add_frames([frame(1)])
    draft.commit("One")
    path = store.path
    store.close()
    with open_store(path, readonly=True) as reading:
        with caplog.at_level(logging.WARNING, "hyperstore"):
            run = begin_run(reading.handle)
            assert len(reading.dataset("cells").version()) == 1
            run.end(COMPLETED)
        assert len(caplog.records) == 1
        assert "not recorded" in caplog.text
        assert list_runs(reading.handle) == []


def git(folder: Path, *words: str) -> str:
    """Run git itself: another road to what a checkout stands on."""
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_commit_of_a_checkout_is_what_git_says(tmp_path: Path) -> None:
    """Loose and packed refs, a detached head, a worktree, a folder below, and none of them."""
    assert git_head(tmp_path / "nowhere") == ("", "")
    folder = tmp_path / "code"
    (folder / "below").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main/line")
    assert git_head(folder) == ("", "main/line")
    git(folder, "commit", "-q", "--allow-empty", "-m", "one")
    commit = git(folder, "rev-parse", "HEAD")
    assert git_head(folder / "below") == (commit, "main/line")
    git(folder, "pack-refs", "--all")
    assert git_head(folder) == (commit, "main/line")
    git(folder, "worktree", "add", "-q", "-b", "side", str(tmp_path / "tree"))
    git(tmp_path / "tree", "commit", "-q", "--allow-empty", "-m", "two")
    side = git(tmp_path / "tree", "rev-parse", "HEAD")
    assert git_head(tmp_path / "tree") == (side, "side")
    git(folder, "checkout", "-q", "--detach", side)
    assert git_head(folder) == (side, "")
    (folder / ".git" / "HEAD").write_text("ref: ../../../etc/passwd")
    assert git_head(folder) == ("", "")
