"""The files that a task leaves: artifacts and models, where they go, and how they are had again."""

import json
import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hyperstore.allegroai.archive import extracted, is_archive
from hyperstore.allegroai.begin import plain_text
from hyperstore.allegroai.destination import (
    checked_name,
    fetched,
    leave_file,
    leave_text,
    place_below,
    run_folder,
    with_artifact,
)
from hyperstore.allegroai.taskrecord import TaskRecord
from hyperstore.codec import replace
from hyperstore.dataset.arguments import documented
from hyperstore.dataset.secrets import text_without_secrets
from hyperstore.errors import HyperstoreError, UsageError, a_type
from hyperstore.history.run import Artifact

__all__ = ["KeptModel", "Left", "TaskFiles"]

_MODELS = "models/"


class Left:
    """A file that a run left."""

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self.name = artifact.name
        self.size = artifact.size
        self.url = artifact.uri
        self.hash = artifact.sha256

    @documented
    def get_local_copy(
        self,
        extract_archive: bool = True,
        raise_on_error: bool = False,
        force_download: bool = False,
    ) -> str:
        """Return the path of the file here; of a folder that of its archive, unpacked.

        MediaError where it is not what the run left.
        """
        path = fetched(self._artifact, force=force_download)
        return extracted(path) if extract_archive and is_archive(path) else path

    def get(self, force_download: bool = False) -> object:
        """Return what was kept: a dict, a list or text as it was, a file as its path."""
        path = self.get_local_copy(force_download=force_download)
        if self.url.endswith(f"/artifacts/{self.name}.json"):
            return json.loads(Path(path).read_text(encoding="utf-8"))
        if self.url.endswith(f"/artifacts/{self.name}.txt"):
            return Path(path).read_text(encoding="utf-8")
        return Path(path)

    def __repr__(self) -> str:
        return f"<artifact {self.name} {text_without_secrets(self.url)}>"


class KeptModel:
    """Weights that a run left, under the id of the run, a dot, and the model's name."""

    def __init__(self, run_id: str, artifact: Artifact) -> None:
        self._artifact = artifact
        self.name = artifact.name.removeprefix(_MODELS)
        self.id = f"{run_id}.{self.name}"
        self.task = run_id
        self.url = artifact.uri

    @documented
    def get_weights(self, raise_on_error: bool = False, force_download: bool = False) -> str:
        """Return the path of the weights here; MediaError where they are not what was left."""
        return fetched(self._artifact, force=force_download)

    @documented
    def get_local_copy(
        self,
        extract_archive: bool | None = None,
        raise_on_error: bool = False,
        force_download: bool = False,
    ) -> str:
        """Return the path of the weights here."""
        return self.get_weights(force_download=force_download)

    def __repr__(self) -> str:
        return f"<model {self.name} {text_without_secrets(self.url)}>"


class TaskFiles(TaskRecord):
    """A run's record, with the files that it names."""

    _told_output = ""  # As the program said it: the record is without what is secret in it.
    _passing = ""  # A folder for a run that has none in a store.

    @property
    def output_uri(self) -> str:
        """Where files go, as it was said; empty for the run's folder in the store."""
        return self._told_output or self.run.program.output

    @output_uri.setter
    def output_uri(self, value: str | bool | Path | None) -> None:
        said = plain_text(str(value)) if isinstance(value, str | Path) else ""
        self._told_output = said
        shown = text_without_secrets(said)
        self.change(lambda run: replace(run, program=replace(run.program, output=shown)))

    @documented
    def get_output_destination(self, extra_path: str | None = None) -> str:
        """Return where this run's files go: below `output_uri`, or its own folder in the store."""
        base = self.place(self.output_uri) if self.output_uri else self._own_folder()
        return f"{base}/{extra_path.strip('/')}" if extra_path else base

    def place(self, uri: str) -> str:
        """Return the place below a folder or a URI that is this run's alone."""
        return place_below(uri, self.run)

    def _own_folder(self) -> str:
        """Return the run's folder in its store; a passing one, said once, where it cannot be."""
        if self._passing:
            return self._passing
        try:
            if self.folder is not None:
                return str(run_folder(self.folder, self.id))
            why = "it has no store"
        except HyperstoreError as error:
            why = str(error)
        self._passing = tempfile.mkdtemp(prefix="hyperstore-run-")
        logging.getLogger("hyperstore").warning(
            "this run's files are left in %s: %s", self._passing, why
        )
        return self._passing

    @documented
    def upload_artifact(
        self,
        name: str,
        artifact_object: object,
        metadata: Mapping[str, object] | None = None,
        delete_after_upload: bool = False,
        auto_pickle: bool | None = None,
        preview: object = None,
        wait_on_upload: bool = False,
        extension_name: str | None = None,
        retries: int = 0,
        sort_keys: bool = True,
    ) -> bool:
        """Keep a file, a folder (as a zip), or JSON of a dict or list, with the run.

        Nothing is pickled: an object of another kind is written to a file by its program first.
        """
        place = f"artifacts/{checked_name(name)}"
        if isinstance(artifact_object, dict | list):
            text = json.dumps(artifact_object, indent=1, sort_keys=sort_keys, default=str)
            left = self._left_text(name, text, f"{place}.json")
        elif isinstance(artifact_object, str | Path) and Path(artifact_object).exists():
            path = Path(artifact_object)
            left = self.leave(name, path, f"{place}/{path.name}", self.get_output_destination())
            if delete_after_upload and path.is_file():
                path.unlink()
        elif isinstance(artifact_object, str):
            left = self._left_text(name, artifact_object, f"{place}.txt")
        else:
            raise UsageError(
                f"an artifact is a file, a folder, a dict, a list or text, not "
                f"{a_type(artifact_object)}: nothing is pickled; write it to a file first"
            )
        self.note(left)
        return True

    def _left_text(self, name: str, text: str, place: str) -> Artifact:
        destination = self.get_output_destination()
        self._refuse_taken(name, f"{destination}/{place}")
        return replace(leave_text(text, place, destination), name=name)

    def leave(self, name: str, path: Path, place: str, destination: str) -> Artifact:
        """Bring a file to a place that nothing else of this run has; return it by its name."""
        self._refuse_taken(name, f"{destination}/{place}{'.zip' if path.is_dir() else ''}")
        return replace(leave_file(path, place, destination), name=name)

    def note(self, left: Artifact) -> None:
        """Record what was left, in the place of what had the name before."""
        self.change(lambda run: with_artifact(run, left))

    def _refuse_taken(self, name: str, uri: str) -> None:
        other = [one.name for one in self.run.artifacts if one.uri == uri and one.name != name]
        if other:
            raise UsageError(f"{name!a} would write over {other[0]!a} of this run; rename it")

    @property
    def artifacts(self) -> dict[str, Left]:
        """The files that were kept, by name."""
        return {one.name: Left(one) for one in self.run.artifacts}

    @property
    def models(self) -> dict[str, list[KeptModel]]:
        """What the run left as models, as `output`; nothing is known of `input`."""
        left = [one for one in self.run.artifacts if one.name.startswith(_MODELS)]
        return {"input": [], "output": [KeptModel(self.id, one) for one in left]}
