"""Where the files of a run go: a folder of the store's, or where the program says."""

import shutil
from pathlib import Path

from hyperstore.allegroai.begin import plain_text
from hyperstore.codec import replace
from hyperstore.dataset.handle import RUNS_FOLDER
from hyperstore.errors import MediaError, UsageError
from hyperstore.history.run import Artifact, Run
from hyperstore.ids import new_id
from hyperstore.media.send import Sender
from hyperstore.media.sending import content_of
from hyperstore.media.settings import media_settings
from hyperstore.media.uri import shown
from hyperstore.storage.translation import disk_errors

__all__ = ["checked_name", "leave_file", "run_folder", "with_artifact"]


def run_folder(store: Path, run_id: str) -> Path:
    """Return the folder of a run in its store, which is made now."""
    folder = store / RUNS_FOLDER / run_id
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def leave_file(path: Path, name: str, destination: str) -> Artifact:
    """Bring a file, or a folder as an archive of it, to a destination; return where it is.

    What is there by that name is replaced.
    """
    if path.is_dir():
        return _leave_folder(path, name, destination)
    uri = f"{destination.rstrip('/')}/{name}"
    settings = media_settings(None)
    sender = Sender(timeout_s=settings.timeout_s, retries=settings.retries)
    try:
        content = content_of(str(path))
        sender.replace(str(path), content, uri, destination)
    finally:
        sender.close(destination)
    return Artifact(name=name, size=content.size, uri=uri)


def _leave_folder(path: Path, name: str, destination: str) -> Artifact:
    base = path.parent / f".{path.name}.{new_id()}"
    try:
        packed = Path(shutil.make_archive(str(base), "zip", path))
    except OSError as error:
        raise MediaError(f"{shown(str(path))} cannot be packed: {error}") from None
    try:
        return leave_file(packed, f"{name}.zip", destination)
    finally:
        packed.unlink(missing_ok=True)


def with_artifact(run: Run, left: Artifact) -> Run:
    """Return a run's record with one more artifact, which takes the place of one of its name."""
    left = replace(left, name=plain_text(left.name), uri=plain_text(left.uri))
    others = [one for one in run.artifacts if one.name != left.name]
    return replace(run, artifacts=[*others, left])


def checked_name(name: object) -> str:
    """Return the name of an artifact, which is a file's as well."""
    if not isinstance(name, str) or not name or ".." in name.split("/") or "\0" in name:
        raise UsageError(f"an artifact is named by a plain path such as 'model/best', not {name!a}")
    return name.strip("/")
