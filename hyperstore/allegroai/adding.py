"""Entries stored as frames of a version, with what failed said of each."""

from hyperstore.allegroai.dataentry import DataEntry
from hyperstore.allegroai.vectors import VectorFields
from hyperstore.dataset.dataset import Dataset, DatasetVersion
from hyperstore.errors import HyperstoreError
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.group import FrameGroup

__all__ = ["Errors", "add_entries"]

Errors = dict[str, dict[str, object]]
"""What went wrong, by `upload` or `register` and the ids of entries."""


def add_entries(
    version: DatasetVersion,
    entries: list[DataEntry],
    destination: str | None,
    errors: Errors,
    *,
    retries: int,
    force: bool,
    most: float | None,
    hashed: bool,
) -> int:
    """Store entries whose files go to one place; return how many were stored."""
    vectors = VectorFields(Dataset.get(dataset_id=version.dataset_id))
    frames: dict[str, SingleFrame | FrameGroup] = {}
    for entry in entries:
        try:
            vectors.check(entry.metadata)
            frame: SingleFrame | FrameGroup = SingleFrame.from_dict(entry.to_api_object())
            if hashed:
                members = frame.values() if isinstance(frame, FrameGroup) else [frame]
                for member in members:
                    member.update_source_files_hash()
            frames[entry.id] = frame
        except HyperstoreError as error:
            errors["register"][entry.id] = str(error)
    uploads: dict[str, object] = {}
    if destination is not None:
        uploads = {"auto_upload_destination": destination, "local_dataset_root_path": "/"}
        uploads |= {"upload_retries": retries, "force_upload": force}
    failures = version.add_frames(
        list(frames.values()),
        max_request_size_mb=most,
        **uploads,  # type: ignore[arg-type]
    )
    for failure in failures:
        entry_id = str(getattr(failure["frame"], "id", None))
        where = "upload" if failure["error_type"] == "upload" else "register"
        errors[where][entry_id] = failure["error"]
        frames.pop(entry_id, None)
    if destination is not None:
        for entry in entries:
            if entry.id in frames:
                entry.moved_to(frames[entry.id].to_dict())
    return len(frames)
