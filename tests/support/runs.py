"""Runs for tests, recorded as a program's would be."""

import os

from hyperstore.dataset.handle import Handle
from hyperstore.dataset.runsrecorder import Recorder
from hyperstore.history.run import RUNNING, Process, Program, Run
from hyperstore.ids import new_id
from hyperstore.storage.host import now_ms, process_started, running_system

__all__ = ["begin_run", "run_of"]


def run_of(name: str, pid: int | None = None) -> Run:
    """Return the record of a run that begins now, of this process unless said."""
    process = os.getpid() if pid is None else pid
    return Run(
        id=new_id(),
        name=name,
        process=Process(
            machine=running_system(), pid=process, started=process_started(os.getpid())
        ),
        program=Program(),
        started=now_ms(),
        status=RUNNING,
    )


def begin_run(handle: Handle, name: str = "train") -> Recorder:
    """Begin a run of this process; `end` it, or what follows is recorded too."""
    return Recorder.begin(handle, run_of(name))
