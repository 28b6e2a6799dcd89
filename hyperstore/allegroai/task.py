"""Task: the program's side of a run that the store records.

One process has one current task. Processes that it starts belong to it: a fork takes it over, and
another Python finds it by the environment. Only the process that began a run ends it.
"""

import os
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from hyperstore.allegroai import ending
from hyperstore.allegroai.begin import beginning, plain_text
from hyperstore.allegroai.logger import Logger, current_record
from hyperstore.allegroai.parameters import (
    ARGUMENTS,
    PARSED,
    connected_arguments,
    record_parsing,
)
from hyperstore.allegroai.taskrecord import word_of
from hyperstore.allegroai.tasktypes import TaskTypes
from hyperstore.allegroai.taskviews import TaskViews
from hyperstore.codec import replace
from hyperstore.dataset.arguments import documented, names_of
from hyperstore.dataset.default import default_handle
from hyperstore.dataset.handle import Handle, reopened
from hyperstore.dataset.runs import find_run, list_runs
from hyperstore.dataset.runsjoin import join_run
from hyperstore.dataset.runsrecorder import Recorder
from hyperstore.dataset.secrets import text_without_secrets
from hyperstore.errors import HyperstoreError, NotFoundError, UsageError
from hyperstore.history.run import ABORTED, COMPLETED, FAILED, RUNNING, decode_run, encode_run
from hyperstore.ids import Kind, object_id

__all__ = ["Logger", "Task"]

_Kind = TaskTypes
_current: list["Task"] = []
_seed: list[int] = []  # For random numbers, from the next task on.


class Task(TaskViews):
    """One run. Got by `Task.init`, `Task.current_task` or `Task.get_task`."""

    TaskTypes = TaskTypes

    _process = 0  # The process that began it; 0 for a run of others, -1 for one joined.
    _arguments: bool | Mapping[str, bool] = False  # What is recorded of what argparse parses.

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
        itself, it is the arguments that argparse parses, before or after this call.
        """
        for given, what in ((project_name, "a project"), (task_name, "a task's name")):
            if given is not None:
                word_of(given, what, empty_ok=True)
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
            output="",
            user=user,
            pid=os.getpid(),
        )
        told = str(output_uri) if isinstance(output_uri, str | Path) else ""
        shown = plain_text(text_without_secrets(told))
        run = replace(run, program=replace(run.program, output=shown))
        made = cls(run, handle, None if handle is None else Recorder.begin(handle, run))
        made._process = os.getpid()
        made._told_output = told
        made._arguments = auto_connect_arg_parser
        _current[:] = [made]
        if handle is not None:
            os.environ[ending.RUN_VARIABLE] = f"{run.id}:{handle.folder}"
        made._ends_by(made._end_at_exit)
        _sow()
        for parsed in PARSED:
            _parsed(parsed)
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
    def set_packages(packages: object) -> None:
        """Do nothing, as add_requirements."""

    @staticmethod
    def ignore_requirements(package_name: str) -> None:
        """Do nothing, as add_requirements."""

    @staticmethod
    def set_credentials(**given: object) -> None:
        """Do nothing: there is no server, and what it was to be told is not kept."""

    @staticmethod
    def set_random_seed(random_seed: int | None) -> None:
        """Say what the next tasks seed `random` with, and NumPy and PyTorch where they are loaded.

        Without this call, or with None, nothing is seeded.
        """
        if random_seed is not None and type(random_seed) is not int:
            raise UsageError(f"a seed is a whole number, not {random_seed!a}")
        _seed[:] = [] if random_seed is None else [random_seed]

    @classmethod
    def create(cls, *args: object, **kwargs: object) -> NoReturn:
        """Refuse: a task here is a program that runs."""
        raise UsageError("Task.create makes tasks for agents; Task.init records this program")

    def set_base_docker(self, *args: object, **kwargs: object) -> NoReturn:
        """Refuse: nothing is run in containers here."""
        raise UsageError("Task.set_base_docker is for agents, which there are none of here")

    def execute_remotely(self, *args: object, **kwargs: object) -> None:
        """Refuse: there are no other machines here."""
        raise UsageError("execute_remotely needs a server with agents; this program runs here")

    # This run.

    def get_logger(self) -> Logger:
        """Return what reports to this run."""
        return Logger(self)

    @property
    def logger(self) -> Logger:
        """What reports to this run."""
        return Logger(self)

    def reload(self) -> None:
        """Record what is known so far, and read the record anew."""
        if self._recorder is not None:
            self._recorder.update(lambda run: run)

    def get_last_iteration(self) -> int:
        """Return 0: iterations are not counted."""
        return 0

    def flush(self, wait_for_uploads: bool = False) -> bool:
        """Record what is known so far."""
        if self._recorder is not None:
            self._settle_views()
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
            self._settle_views()
            self._recorder.end(status, plain_text(text_without_secrets(error)))

    def _end_at_exit(self) -> None:
        if self in _current:
            self._end(*ending.outcome())

    def _ends_by(self, call: Callable[[], object]) -> None:
        if self._recorder is not None:
            self._recorder.ends_by(call)

    def __reduce__(self) -> tuple[Callable[..., "Task"], tuple[object, ...]]:
        return _again, (self.folder, encode_run(self.run))


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
    recorder = join_run()
    if recorder is None:
        return None
    joined = Task(recorder.run, recorder.handle, recorder)
    joined._process = -1
    return joined


def _again(folder: Path | None, payload: bytes) -> Task:
    """Return a task that was pickled: the current one, or the run of that id in its store."""
    run = decode_run(payload, object_id(Kind.RUN, payload))
    current = Task.current_task()
    if current is not None and current.id == run.id:
        return current
    handle = None if folder is None else reopened(folder)
    found = Task(run, handle, None if handle is None else Recorder(handle, run))
    found._process = -1  # Another process began it, and ends it.
    return found


def _parsed(values: dict[str, object]) -> None:
    """Record what argparse has parsed, as far as the current task wishes it."""
    if _current:
        task = _current[0]
        wanted = connected_arguments(values, task._arguments)
        if wanted:
            task.connect(wanted, name=ARGUMENTS)


def _sow() -> None:
    """Seed what makes random numbers."""
    for seed in _seed:
        random.seed(seed)
        numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
        if numpy is not None:
            numpy.random.seed(seed % 2**32)
        if torch is not None:
            torch.manual_seed(seed)


record_parsing(_parsed)
