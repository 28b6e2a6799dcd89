"""Runs as they are recorded: found, listed, removed, and whether their process still lives.

`runsrecorder.py` writes them.
"""

import socket
from collections.abc import Sequence

from hyperstore.dataset.handle import Handle
from hyperstore.dataset.transact import Move, transact
from hyperstore.errors import LockedError, NotFoundError, UsageError, count_of
from hyperstore.history.branches import RefReader
from hyperstore.history.run import RUNNING, Run, read_run, run_ref, runs
from hyperstore.limits import ID_PREFIX_DIGITS_MIN
from hyperstore.storage.host import process_lives, running_system

__all__ = ["LOST", "find_run", "list_runs", "remove_runs", "status_of"]

LOST = "lost"  # Its process is gone, and did not say how it ended.


def list_runs(handle: Handle) -> list[Run]:
    """Return all runs of a store, newest first."""
    with handle.database.reading() as reader:
        return runs(reader)


def find_run(handle: Handle, text: str) -> Run:
    """Return the run of an id, of the first digits of one, or the newest of a name."""
    if not isinstance(text, str):
        raise UsageError(f"a run is named by its id or its name, not by {text!a}")
    known = list_runs(handle)
    named = [run for run in known if run.name == text]
    digits = text.lower()
    found = [run for run in known if run.id == digits] or (
        [run for run in known if run.id.startswith(digits)]
        if len(digits) >= ID_PREFIX_DIGITS_MIN
        else []
    )
    if len(found) > 1:
        some = ", ".join(run.id[:12] for run in found[:4])
        raise UsageError(f"{len(found)} runs begin with {text!a}: {some}; give more digits")
    if not found and not named:
        raise NotFoundError(f"no run {text!a}; `hyperstore runs` lists them")
    return (found or named)[0]


def status_of(run: Run) -> str:
    """Return how a run stands; `lost` where it goes on by its record, and its process is gone."""
    if run.status != RUNNING:
        return run.status
    process = run.process
    boot = running_system().partition(":")[0]
    if process.host == socket.gethostname() and process.machine.partition(":")[0] != boot:
        return LOST  # The machine was started anew since.
    lives = process_lives(process.machine, process.pid, process.started)
    return LOST if lives is False else RUNNING


def remove_runs(handle: Handle, run_ids: Sequence[str]) -> list[Run]:
    """Drop the records of runs, by one operation; LockedError while one of them goes on."""

    def prepare(refs: RefReader) -> tuple[Sequence[Move], list[Run]]:
        moves, gone = [], []
        for run_id in dict.fromkeys(run_ids):
            found = read_run(refs, run_id)
            if found is None:
                raise NotFoundError(f"no run {run_id} any more: it was removed")
            if status_of(found[1]) == RUNNING:
                raise LockedError(f"run {found[1].name!a} goes on; end it first")
            moves.append(Move(run_ref(run_id), found[0], None))
            gone.append(found[1])
        return moves, gone

    what = "run" if len(run_ids) == 1 else count_of(len(run_ids), "run")
    return transact(handle, handle.staging(), f"remove {what}", prepare)
