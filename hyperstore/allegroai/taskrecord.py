"""What a task says of its run, and records in it: name, tags, parameters.

`taskfiles.py` has the files.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from hyperstore.allegroai.begin import plain_text
from hyperstore.allegroai.parameters import (
    GENERAL,
    PROPERTIES,
    section_of,
    values_of,
    with_parameters,
)
from hyperstore.codec import replace
from hyperstore.dataset.arguments import documented, names_of
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.runs import LOST, status_of
from hyperstore.dataset.runsrecorder import Recorder
from hyperstore.errors import UsageError
from hyperstore.history.run import ABORTED, COMPLETED, FAILED, RUNNING, Run

__all__ = ["TaskRecord", "word_of"]

_T = TypeVar("_T")
_STATUSES = {
    RUNNING: "in_progress",
    COMPLETED: "completed",
    FAILED: "failed",
    ABORTED: "stopped",
    LOST: "stopped",
}


class TaskRecord:
    """A run and how to change its record; without a store it is known to this process alone."""

    def __init__(self, run: Run, handle: Handle | None, recorder: Recorder | None) -> None:
        self._run = run
        self._handle = handle
        self._recorder = recorder
        self._first_iteration = 0

    @property
    def run(self) -> Run:
        """The record as this process knows it."""
        return self._run if self._recorder is None else self._recorder.run

    @property
    def folder(self) -> Path | None:
        """The folder of its store."""
        return None if self._handle is None else self._handle.folder

    def change(self, change: Callable[[Run], Run]) -> None:
        """Replace the record by what `change` makes of it."""
        if self._recorder is None:
            self._run = change(self._run)
        else:
            self._recorder.update(change)

    # What it is called, and how it stands.

    @property
    def id(self) -> str:
        """32 hex digits, which `hyperstore runs` shows too."""
        return self.run.id

    task_id = id

    @property
    def name(self) -> str:
        return self.run.name

    @name.setter
    def name(self, value: str) -> None:
        self.set_name(value)

    @property
    def project(self) -> str:
        """The project's name, which is all that there is of it."""
        return self.run.project

    @property
    def task_type(self) -> str:
        return self.run.program.type

    @property
    def comment(self) -> str:
        return self.run.comment

    @comment.setter
    def comment(self, value: str) -> None:
        self.set_comment(value)

    @property
    def status(self) -> str:
        """As clearml says it: in_progress, completed, failed or stopped."""
        return _STATUSES[status_of(self.run)]

    def get_status(self) -> str:
        return self.status

    def get_project_name(self) -> str:
        return self.run.project

    def set_name(self, name: str) -> None:
        text = plain_text(word_of(name, "a task's name"))
        self.change(lambda run: replace(run, name=text))

    @documented
    def set_project(self, project_id: str | None = None, project_name: str | None = None) -> None:
        """Say to which project the run belongs; a project is its name."""
        text = plain_text(word_of(project_name or project_id, "a project"))
        self.change(lambda run: replace(run, project=text))

    def set_comment(self, comment: str) -> None:
        text = plain_text(word_of(comment, "a comment", empty_ok=True))
        self.change(lambda run: replace(run, comment=text))

    def get_tags(self) -> list[str]:
        return list(self.run.tags)

    def set_tags(self, tags: Iterable[str] | str) -> None:
        known = _tags(tags)
        self.change(lambda run: replace(run, tags=known))

    def add_tags(self, tags: Iterable[str] | str) -> None:
        more = _tags(tags)
        self.change(lambda run: replace(run, tags=list(dict.fromkeys([*run.tags, *more]))))

    # Parameters.

    @documented
    def connect(
        self, mutable: _T, name: str | None = None, ignore_remote_overrides: bool = False
    ) -> _T:
        """Record what a dict, a parser, a namespace or an object says; return it as it is."""
        values = values_of(mutable)
        self._tell(name or section_of(mutable), values)
        return mutable

    @documented
    def connect_configuration(
        self,
        configuration: _T,
        name: str | None = None,
        description: str | None = None,
        ignore_remote_overrides: bool = False,
    ) -> _T:
        """Record a configuration, a dict or the path of a file; return it as it is."""
        if isinstance(configuration, str | Path):
            self._tell("Configuration", {name or "file": str(configuration)})
        else:
            self._tell(name or "Configuration", values_of(configuration))
        return configuration

    def connect_label_enumeration(self, enumeration: Mapping[str, int]) -> Mapping[str, int]:
        """Record which number stands for which label."""
        self._tell("Labels", values_of(enumeration))
        return enumeration

    @documented
    def set_parameters(self, *args: Mapping[str, object], **kwargs: object) -> None:
        """Record parameters under names such as `Args/epochs`, in the place of all others."""
        values = {name: value for one in args for name, value in one.items()} | kwargs
        self.change(lambda run: _with_named(replace(run, parameters={}), values))

    def update_parameters(self, *args: Mapping[str, object], **kwargs: object) -> None:
        """Record more parameters."""
        values = {name: value for one in args for name, value in one.items()} | kwargs
        self.change(lambda run: _with_named(run, values))

    @documented
    def set_parameter(
        self,
        name: str,
        value: object,
        description: str | None = None,
        value_type: object = None,
    ) -> None:
        """Record one parameter."""
        self.change(lambda run: _with_named(run, {name: value}))

    @documented
    def get_parameters(
        self, backwards_compatibility: bool = True, cast: bool = False
    ) -> dict[str, object]:
        """Return the parameters by names such as `Args/epochs`: as text, or as they were."""
        return {
            f"{section}/{name}": _read(text, cast=cast)
            for section, said in self.run.parameters.items()
            for name, text in said.items()
        }

    def get_parameters_as_dict(self, cast: bool = False) -> dict[str, dict[str, object]]:
        """Return the parameters by section."""
        return {
            section: {name: _read(text, cast=cast) for name, text in said.items()}
            for section, said in self.run.parameters.items()
        }

    def get_parameter(self, name: str, default: object = None, cast: bool = False) -> object:
        return self.get_parameters(cast=cast).get(name, default)

    def _tell(self, section: str, values: Mapping[str, object]) -> None:
        self.change(lambda run: with_parameters(run, section, values))

    def set_user_properties(self, *given: Mapping[str, object], **named: object) -> bool:
        """Record properties of one's own: dicts of names and values, or of `name` and `value`."""
        values: dict[str, object] = {}
        for one in given:
            is_one = "value" in one and set(one) <= {"name", "value", "description", "type"}
            values |= {str(one.get("name")): one["value"]} if is_one else one
        self._tell(PROPERTIES, values | named)
        return True

    def get_user_properties(self, value_only: bool = False) -> dict[str, object]:
        """Return those properties: dicts with the value, or the values alone."""
        said = self.get_parameters_as_dict(cast=True).get(PROPERTIES, {})
        return {name: one if value_only else {"value": one} for name, one in said.items()}

    def set_progress(self, progress: int) -> None:
        """Record how far the run is, in percent."""
        if type(progress) is not int or not 0 <= progress <= 100:
            raise UsageError(f"progress is a whole number from 0 to 100, not {progress!a}")
        self.change(lambda run: replace(run, extra={**run.extra, "progress": progress}))

    def get_progress(self) -> int | None:
        found = self.run.extra.get("progress")
        return found if isinstance(found, int) else None

    def set_initial_iteration(self, offset: int = 0) -> int:
        """Count the iterations that are reported from here on; return it."""
        if type(offset) is not int:
            raise UsageError(f"the first iteration is a whole number, not {offset!a}")
        self._first_iteration = offset
        return offset

    def get_initial_iteration(self) -> int:
        return self._first_iteration

    def __repr__(self) -> str:
        return f"<Task {self.name} {self.id[:8]} {self.status}>"


def _with_named(run: Run, values: Mapping[str, object]) -> Run:
    """Return a run's record with parameters under names such as `Args/epochs`."""
    for full, value in values.items():
        section, slash, name = full.partition("/")
        run = with_parameters(run, section if slash else GENERAL, {name if slash else full: value})
    return run


def _read(text: str, *, cast: bool) -> object:
    value: object = json.loads(text)
    return value if cast or isinstance(value, str) else str(value)


def word_of(text: object, what: str, *, empty_ok: bool = False) -> str:
    """Return text; UsageError for anything else."""
    if not isinstance(text, str) or not (text or empty_ok):
        raise UsageError(f"{what} is a str, not {text!a}")
    return text


def _tags(tags: Iterable[str] | str) -> list[str]:
    return [plain_text(one) for one in names_of(tags, what="a tag")]
