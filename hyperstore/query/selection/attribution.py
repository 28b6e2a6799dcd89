"""From what the parts of a selection found to the frames that each version gives to it."""

from collections.abc import Iterator, Sequence
from itertools import compress
from operator import itemgetter

from pyroaring import BitMap

from hyperstore.codec import Struct, decoder
from hyperstore.dataset.edit import root
from hyperstore.dataset.handle import Handle
from hyperstore.errors import QueryError
from hyperstore.frames.keys import frame_id, frame_key_of, moment_of
from hyperstore.ids import ObjectId
from hyperstore.limits import SELECTION_DATASETS_MAX
from hyperstore.query.selection.mergedorder import Stretch
from hyperstore.query.versionsets.parts import Found, Part
from hyperstore.tree import cursor

__all__ = ["frame_id_of", "stretches_of", "walked_entries", "walked_moments"]


class _IdRecord(Struct):
    id: str


_read_id = decoder(_IdRecord)
_HEX_KEY_BYTES = 17


def stretches_of(handle: Handle, parts: Sequence[Part], found: Sequence[Found]) -> list[Stretch]:
    """Return what is wanted of each version; a frame of a dataset of the first one that has it."""
    groups = {one: at for at, one in enumerate(dict.fromkeys(map(_dataset, parts)))}
    if len(groups) > SELECTION_DATASETS_MAX:
        raise QueryError(
            f"the queries ask {len(groups)} datasets; {SELECTION_DATASETS_MAX} is the most"
        )
    wanted: dict[tuple[int, bytes], tuple[Part, BitMap]] = {}
    removed = [BitMap() for _ in groups]
    for part, one in zip(parts, found, strict=True):
        group = groups[_dataset(part)]
        key = group, part.view.snapshot.roots["order"]
        before = wanted.get(key)
        wanted[key] = (part, one.frames) if before is None else (part, before[1] | one.frames)
        removed[group] |= one.removed
    taken = [BitMap() for _ in groups]
    stretches = []
    for (group, _), (part, frames) in wanted.items():
        frames = frames - taken[group] if taken[group] else frames
        if len(wanted) > 1:
            taken[group] = taken[group] | frames
        stretches.append(Stretch(handle, part.view.snapshot, frames, group))
    for group, gone in enumerate(removed):
        if gone:
            held = [each.wanted for each in stretches if each.group == group]
            stretches.append(Stretch(handle, None, gone.difference(*held), group))
    return stretches


def _dataset(part: Part) -> str:
    return part.view.home.dataset_id


def frame_id_of(payload: bytes) -> str:
    """Return the id of a stored frame."""
    return _read_id(payload, what="frame").id


def _walked(stretch: Stretch) -> Iterator[tuple[bytes, bytes]]:
    assert stretch.snapshot is not None
    return cursor.scan(stretch.handle.staging().nodes, root(stretch.snapshot, "order"))


def walked_moments(stretch: Stretch) -> Iterator[tuple[bytes, int]]:
    """Yield (encoded context, timestamp) of one version, out of its tree."""
    keys = map(itemgetter(0), _walked(stretch))
    if stretch.is_whole:
        return map(moment_of, keys)
    return map(moment_of, compress(keys, map(stretch.wanted.__contains__, stretch.frames.order)))


def walked_entries(stretch: Stretch) -> Iterator[tuple[str, ObjectId]]:
    """Yield (frame id, object id) of one version, out of its tree."""
    wanted, is_whole = stretch.wanted, stretch.is_whole
    for (key, value), number in zip(_walked(stretch), stretch.frames.order, strict=True):
        if is_whole or number in wanted:
            held = frame_key_of(key)
            if held[0] == 1 and len(held) == _HEX_KEY_BYTES:
                yield held[1:].hex(), ObjectId(value)
            else:
                yield frame_id(held), ObjectId(value)
