"""Task: the program's side of a run that the store records.

One process has one current task. Processes that it starts belong to it: a fork takes it over, and
another Python finds it by the environment. Only the process that began a run ends it.
"""

import atexit
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hyperstore.allegroai import ending
from hyperstore.allegroai.begin import beginning, plain_text
from hyperstore.allegroai.logger import Logger, current_record
from hyperstore.allegroai.parameters import ARGUMENTS, record_parsing
from hyperstore.allegroai.taskrecord import TaskRecord
from hyperstore.allegroai.tasktypes import TaskTypes
from hyperstore.dataset.arguments import documented, names_of
from hyperstore.dataset.default import default_handle, find_default
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.opening import open_handle
from hyperstore.dataset.runs import find_run, list_runs
from hyperstore.dataset.runsrecorder import Recorder
from hyperstore.errors import HyperstoreError, NotFoundError, UsageError
from hyperstore.history.run import ABORTED, COMPLETED, FAILED, RUNNING

if TYPE_CHECKING:
    import argparse

__all__ = ["Logger", "Task"]

_Kind = TaskTypes
_current: list["Task"] = []
_watched: list[bool] = []  # Whether errors and parsing are watched, once in a process.


class Task(TaskRecord):
    """One run. Got by `Task.init`, `Task.current_task` or `Task.get_task`."""

    TaskTypes = TaskTypes

    _process = 0  # The process that began it; 0 for a run of others.

    @classmethod
    @documented
    def init(
        cls,
        project_name: str | None = None,
        task_name: str | None = None,
        task_type: _Kind | str = _Kind.training,
        tags: Sequence[str] | str | None = None,
        reuse_last_task_id: bool | str = True,
        continue_last_task: bool | str | int = False,
        output_uri: str | bool | None = None,
        auto_connect_arg_parser: bool | dict[str, bool] = True,
        auto_connect_frameworks: bool | dict[str, bool] = True,
        auto_resource_monitoring: bool | dict[str, object] = True,
        auto_connect_streams: bool | dict[str, bool] = True,
        deferred_init: bool = False,
    ) -> "Task":
        """Begin the run of this process, or return it where it has begun.

        Each run is one of its own: nothing is reused or continued. Of what clearml connects by
        itself, it is the arguments that argparse parses.
        """
        kind = _kind(task_type)
        running = cls.current_task()
        if running is not None:
            named = (project_name or running.project, task_name or running.name)
            if running._process == os.getpid() and named != (running.project, running.name):
                raise UsageError(
                    f"task {running.name!a} of project {running.project!a} goes on in this "
                    "process; close() it before another one begins"
                )
            return running
        handle = _store()
        user = "" if handle is None else handle.config.user()
        run = beginning(
            name=plain_text(task_name or ""),
            project=plain_text(project_name or ""),
            kind=kind,
            tags=[plain_text(one) for one in names_of(tags or (), what="a tag")],
            output=plain_text(str(output_uri)) if isinstance(output_uri, str | Path) else "",
            user=user,
            pid=os.getpid(),
        )
        made = cls(run, handle, None if handle is None else Recorder.begin(handle, run))
        made._process = os.getpid()
        _current[:] = [made]
        if handle is not None:
            os.environ[ending.RUN_VARIABLE] = f"{run.id}:{handle.folder}"
        atexit.register(made._end_at_exit)
        if not _watched:
            _watched.append(True)
            ending.watch_errors()
            if auto_connect_arg_parser:
                record_parsing(_parsed)
        return made

    @classmethod
    def current_task(cls) -> "Task | None":
        """Return the task of this process, or of the one that started it; None without."""
        if not _current:
            joined = _joined()
            if joined is not None:
                _current[:] = [joined]
        return _current[0] if _current else None

    @classmethod
    @documented
    def get_task(
        cls,
        task_id: str | None = None,
        project_name: str | None = None,
        task_name: str | None = None,
        tags: Sequence[str] | str | None = None,
        allow_archived: bool = True,
        task_filter: dict[str, object] | None = None,
    ) -> "Task":
        """Return a run of the store, by id, or the newest of a name and a project."""
        if task_filter:
            raise UsageError("task_filter is a query for a server; name the task")
        handle = default_handle()
        if task_id is not None:
            run = find_run(handle, task_id)
            return cls(run, handle, Recorder(handle, run))
        found = cls.get_tasks(project_name=project_name, task_name=task_name, tags=tags)
        if not found:
            raise NotFoundError(f"no run of name {task_name!a} and project {project_name!a}")
        return found[0]

    @classmethod
    @documented
    def get_tasks(
        cls,
        task_ids: Sequence[str] | None = None,
        project_name: str | None = None,
        task_name: str | None = None,
        tags: Sequence[str] | str | None = None,
        allow_archived: bool = True,
    ) -> "list[Task]":
        """Return the runs of the store that have all of this, newest first."""
        handle = default_handle()
        wanted = set(names_of(tags or (), what="a tag"))
        return [
            cls(run, handle, Recorder(handle, run))
            for run in list_runs(handle)
            if (task_ids is None or run.id in task_ids)
            and project_name in (None, run.project)
            and task_name in (None, run.name)
            and wanted.issubset(run.tags)
        ]

    @staticmethod
    def running_locally() -> bool:
        """Always: there is nowhere else."""
        return True

    @staticmethod
    def is_main_task() -> bool:
        """Tell whether this process began the current run."""
        return bool(_current) and _current[0]._process == os.getpid()

    @staticmethod
    def add_requirements(package_name: str, package_version: str | None = None) -> None:
        """Do nothing: what is installed is what a program runs with here."""

    @staticmethod
    @documented
    def force_requirements_env_freeze(
        force: bool = True, requirements_file: str | None = None
    ) -> None:
        """Do nothing, as add_requirements."""

    @staticmethod
    def ignore_requirements(package_name: str) -> None:
        """Do nothing, as add_requirements."""

    @staticmethod
    def set_credentials(**given: object) -> None:
        """Do nothing: there is no server, and what it was to be told is not kept."""

    def execute_remotely(self, *args: object, **kwargs: object) -> None:
        """Refuse: there are no other machines here."""
        raise UsageError("execute_remotely needs a server with agents; this program runs here")

    # This run.

    def get_logger(self) -> Logger:
        """Return what reports to this run."""
        return Logger(self)

    def get_last_iteration(self) -> int:
        """Return 0: iterations are not counted."""
        return 0

    def flush(self, wait_for_uploads: bool = False) -> bool:
        """Record what is known so far."""
        if self._recorder is not None:
            self._recorder.flush()
        return True

    def close(self) -> None:
        """End the run as completed; after that another one may begin."""
        self._end(COMPLETED)

    @documented
    def mark_completed(
        self,
        ignore_errors: bool = True,
        status_message: str | None = None,
        force: bool = False,
    ) -> None:
        """End the run as completed."""
        self._end(COMPLETED, status_message or "")

    @documented
    def mark_failed(
        self,
        ignore_errors: bool = True,
        status_reason: str | None = None,
        status_message: str | None = None,
        force: bool = False,
    ) -> None:
        """End the run as failed."""
        self._end(FAILED, status_reason or status_message or "")

    @documented
    def mark_stopped(self, force: bool = False, status_message: str | None = None) -> None:
        """End the run as aborted."""
        self._end(ABORTED, status_message or "")

    def _end(self, status: str, error: str = "") -> None:
        if self._process not in (0, os.getpid()):
            self.flush()  # A process that another one started; that one ends the run.
            return
        if self in _current:
            _current.remove(self)
            os.environ.pop(ending.RUN_VARIABLE, None)
        if self._recorder is not None and self.run.status == RUNNING:
            self._recorder.end(status, plain_text(error))

    def _end_at_exit(self) -> None:
        if self._process == os.getpid() and self in _current:
            self._end(*ending.outcome())


current_record[:] = [Task.current_task]


def _kind(task_type: object) -> str:
    if isinstance(task_type, TaskTypes):
        return task_type.value
    known = [one.value for one in TaskTypes]
    if task_type not in known:
        raise UsageError(f"a task is of type {', '.join(known)}, not {task_type!a}")
    return str(task_type)


def _store() -> Handle | None:
    """Return the default store, made if need be; None, said in the log, where it cannot be had."""
    try:
        return default_handle(create=True)
    except HyperstoreError as error:
        import logging

        logging.getLogger("hyperstore").warning("this run is not recorded: %s", error)
        return None


def _joined() -> Task | None:
    """Return the task of the process that started this one, while it goes on."""
    run_id, _, folder = os.environ.get(ending.RUN_VARIABLE, "").partition(":")
    if not folder:
        return None
    try:
        found = find_default()
        if found is None or str(found.folder) != folder:
            found = open_handle(folder, readonly=False, allow_network=False)
        recorder = Recorder.join(found, run_id)
    except HyperstoreError:
        return None
    if recorder is None:
        return None
    joined = Task(recorder.run, found, recorder)
    joined._process = -1
    atexit.register(joined.flush)
    return joined


def _parsed(found: "argparse.Namespace") -> None:
    """Record what argparse has parsed."""
    if _current:
        _current[0].connect(found, name=ARGUMENTS)
