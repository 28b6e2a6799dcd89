"""Where the files of a run go: a folder of the store's, or a place of its own below what it said.

That place is PROJECT/NAME.ID. So no run writes over what another one left, whatever they are called
and wherever they are told to put it; and the SHA-256 of what was left stands in the record.
"""

import re
import shutil
import tempfile
from pathlib import Path

from hyperstore.allegroai.begin import plain_text
from hyperstore.codec import replace
from hyperstore.dataset.handle import RUNS_FOLDER
from hyperstore.dataset.secrets import without_password
from hyperstore.errors import MediaError, UsageError
from hyperstore.history.run import Artifact, Run
from hyperstore.media.local import local_file
from hyperstore.media.send import Sender
from hyperstore.media.sending import content_of
from hyperstore.media.settings import media_settings
from hyperstore.media.uri import shown
from hyperstore.storage.translation import disk_errors

__all__ = [
    "checked_name",
    "fetched",
    "leave_file",
    "leave_text",
    "place_below",
    "run_folder",
    "with_artifact",
]

_ODD = re.compile(r"[^\w.+=-]")
_SEGMENT_MAX = 100  # Characters of a name in a path.


def run_folder(store: Path, run_id: str) -> Path:
    """Return the folder of a run in its store, which is made now."""
    folder = store / RUNS_FOLDER / run_id
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def place_below(base: str, run: Run) -> str:
    """Return the run's own place below a folder or a URI, which stays what it was if it is one."""
    if "://" not in base:  # The program may change folders before it is looked up.
        base = str(Path(base).expanduser().absolute())
    names = [*filter(None, run.project.split("/")), run.name]
    path = "/".join(_ODD.sub("_", one)[:_SEGMENT_MAX].strip(".") or "_" for one in names)
    return f"{base.rstrip('/')}/{path}.{run.id}"


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
        sender.settle()
    finally:
        sender.close(destination)
    return Artifact(name=name, sha256=content.sha256, size=content.size, uri=uri)


def leave_text(text: str, name: str, destination: str) -> Artifact:
    """Keep text as a file at a destination."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
        file.flush()
        return leave_file(Path(file.name), name, destination)


def _leave_folder(path: Path, name: str, destination: str) -> Artifact:
    with tempfile.TemporaryDirectory(prefix="hyperstore-") as scratch:
        try:
            packed = Path(shutil.make_archive(f"{scratch}/packed", "zip", path))
        except OSError as error:
            raise MediaError(f"{shown(str(path))} cannot be packed: {error}") from None
        return leave_file(packed, f"{name}.zip", destination)


def fetched(left: Artifact, *, force: bool = False) -> str:
    """Return the path here of what a run left; MediaError where that is not what it left."""
    path = local_file(left.uri, force=force, empty_ok=True, sha256=left.sha256)
    if left.sha256 and content_of(path).sha256 != left.sha256:
        raise MediaError(
            f"{shown(left.uri)} is not what the run left as {left.name!a}: it has another SHA-256 "
            "than is recorded; somebody has written over it"
        )
    return path


def with_artifact(run: Run, left: Artifact) -> Run:
    """Return a run's record with one more artifact, which takes the place of one of its name."""
    uri = plain_text(without_password(left.uri))
    left = replace(left, name=plain_text(left.name), uri=uri)
    others = [one for one in run.artifacts if one.name != left.name]
    return replace(run, artifacts=[*others, left])


def checked_name(name: object) -> str:
    """Return the name of an artifact or a model, which is a file's as well."""
    if not isinstance(name, str) or not name or ".." in name.split("/") or "\0" in name:
        raise UsageError(f"what a run leaves has a plain path as its name, not {name!a}")
    return name.strip("/")
