"""Models: the files that a run leaves as what it has learnt, and those of earlier runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hyperstore.allegroai.destination import checked_name
from hyperstore.allegroai.parameters import Connectable
from hyperstore.allegroai.task import Task
from hyperstore.allegroai.taskfiles import KeptModel
from hyperstore.dataset.arguments import documented
from hyperstore.dataset.default import default_handle
from hyperstore.dataset.runs import list_runs
from hyperstore.errors import NotFoundError, UsageError
from hyperstore.history.run import Artifact

__all__ = ["InputModel", "OutputModel"]

_PREFIX = "models/"


class OutputModel(Connectable):
    """A model of a task. Its id is the task's, a dot, and its name."""

    @documented
    def __init__(
        self,
        task: Task | None = None,
        config_text: str | None = None,
        config_dict: Mapping[str, object] | None = None,
        label_enumeration: Mapping[str, int] | None = None,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        comment: str | None = None,
        framework: object = None,
        base_model_id: str | None = None,
    ) -> None:
        found = Task.current_task() if task is None else task
        if found is None:
            raise UsageError("a model belongs to a task; call Task.init first, or give task")
        self._task = found
        self.name = checked_name(name or found.name)
        self.url: str | None = None
        self._destination: str | None = None
        if config_text is not None or config_dict is not None:
            self.update_design(config_text=config_text, config_dict=config_dict)
        if label_enumeration is not None:
            self.update_labels(label_enumeration)

    @property
    def id(self) -> str:
        return f"{self._task.id}.{self.name}"

    def said(self) -> dict[str, object]:
        return {f"output/{self.name}": self.id}

    @property
    def task(self) -> str:
        """The id of its task."""
        return self._task.id

    def set_upload_destination(self, uri: str) -> None:
        """Say where its weights go: by default where the task's files do."""
        self._destination = uri

    def update_labels(self, labels: Mapping[str, int]) -> None:
        """Record which number stands for which label."""
        self._task.connect_label_enumeration(labels)

    @documented
    def update_design(
        self, config_text: str | None = None, config_dict: Mapping[str, object] | None = None
    ) -> None:
        """Record how the model is built."""
        said = {"design": config_text} if config_dict is None else dict(config_dict)
        self._task.connect_configuration(said, name=f"Model {self.name}")

    @documented
    def update_weights(
        self,
        weights_filename: str | None = None,
        upload_uri: str | None = None,
        target_filename: str | None = None,
        auto_delete_file: bool = True,
        register_uri: str | None = None,
        iteration: int | None = None,
        update_comment: bool = True,
        is_package: bool = False,
        async_enable: bool = True,
    ) -> str:
        """Keep a file of weights, over the one before; or record where they are. Return the URI.

        They lie in a folder of the model's own, in the run's own place below `upload_uri`.

        The file that was given stays, whatever `auto_delete_file` says.
        """
        if (weights_filename is None) == (register_uri is None):
            raise UsageError("give weights_filename, or register_uri, and not both")
        if register_uri is not None:
            left = Artifact(name=_PREFIX + self.name, uri=register_uri)
        else:
            assert weights_filename is not None
            path = Path(weights_filename)
            if not path.exists():
                raise NotFoundError(f"there is no file {weights_filename!a}")
            told = upload_uri or self._destination
            base = self._task.place(told) if told else self._task.get_output_destination()
            name = _PREFIX + self.name
            file = checked_name(target_filename or path.name)
            left = self._task.leave(name, path, f"{name}/{file}", base)
        self._task.note(left)
        self.url = left.uri
        return left.uri

    def publish(self) -> None:
        """Do nothing: a model is as its run left it."""

    def wait_for_uploads(
        self, timeout: float | None = None, max_num_uploads: int | None = None
    ) -> None:
        """Do nothing: weights are there when update_weights returns."""


class InputModel(KeptModel, Connectable):
    """The weights that an earlier run left, by the model's id, or by its name the newest ones."""

    @documented
    def __init__(
        self,
        model_id: str | None = None,
        name: str | None = None,
        project: str | None = None,
        tags: Sequence[str] | None = None,
        only_published: bool = False,
    ) -> None:
        if model_id is None and name is None:
            raise UsageError("a model is named by model_id or name")
        for run in list_runs(default_handle()):
            for one in run.artifacts:
                known = one.name.removeprefix(_PREFIX)
                is_named = model_id in (None, f"{run.id}.{known}") and name in (None, known)
                if one.name.startswith(_PREFIX) and is_named and project in (None, run.project):
                    super().__init__(run.id, one)
                    return
        raise NotFoundError(f"no run has left a model {(model_id or name)!a}")

    def said(self) -> dict[str, object]:
        return {f"input/{self.name}": self.id}
