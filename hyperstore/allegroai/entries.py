"""Entries as they come from frames, and as they go to where their files are sent."""

from collections.abc import Iterable, Iterator

from hyperstore.allegroai.dataentry import DataEntry
from hyperstore.allegroai.dataentryimage import DataEntryImage
from hyperstore.allegroai.entryclasses import CLASSES, looks_like_pictures, resolved
from hyperstore.dataset.view import Frame
from hyperstore.errors import UsageError, a_type

__all__ = ["by_destination", "entry_of"]


def entry_of(frame: Frame) -> DataEntry:
    """Return a frame as the entry that it was, or as one of pictures if it looks like that."""
    wire = frame.to_dict()
    said = wire.get(CLASSES)
    name = said.get("entry") if isinstance(said, dict) else None
    plain = DataEntryImage if looks_like_pictures(wire) else DataEntry
    kind = resolved(name if isinstance(name, str) else None, DataEntry, plain)
    return kind.from_api_object(frame)


def by_destination(
    entries: Iterable[DataEntry], given: str | None
) -> Iterator[tuple[str | None, list[DataEntry]]]:
    """Yield entries together with where their files go; in groups, the last one at the end."""
    held: dict[str | None, list[DataEntry]] = {}
    for entry in entries:
        if not isinstance(entry, DataEntry):
            raise UsageError(f"a DataEntry is added, not {a_type(entry)}")
        own = {part.upload_destination or given for part in entry}
        if len(own) > 1:
            raise UsageError(f"the files of entry {entry.id!a} go to one destination, not {own!a}")
        group = held.setdefault(next(iter(own), given), [])
        group.append(entry)
    yield from held.items()
