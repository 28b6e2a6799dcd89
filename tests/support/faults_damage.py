"""Flipped bits and cut files: found by a full check, never read as something else, never deadly."""

import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from random import Random

from hyperstore.dataset.store import Store, open_store
from hyperstore.errors import HyperstoreError
from hyperstore.maintenance.check import fsck_path
from tests.support.faults_children import Template, begin, expected, in_child, show
from tests.support.model import Portrait, apply, essence
from tests.support.workload import operations

__all__ = ["flip", "truncate", "used_bytes"]

_PAGE = 4096
_HEAD = struct.Struct("<QHHHH")  # Number, padding, flags, end of the index, begin of the entries.
_META, _OVERFLOW = 0x08, 0x04
_DATA = Path("db") / "data.mdb"


def flip(folder: Path, flips: int, seed: int) -> object:
    """Flip one bit at a time of the bytes in use; say how it showed."""
    store, sound, truth = _damageable(folder, seed)
    choice = Random(seed)
    spans = list(used_bytes(sound))
    counts = {"found": 0, "unread": 0}
    faults = []
    for number in range(flips):
        start, stop = choice.choices(spans, weights=[b - a for a, b in spans])[0]
        place, bit = choice.randrange(start, stop), choice.randrange(8)
        damaged = bytearray(sound)
        damaged[place] ^= 1 << bit
        _lay(store, damaged)
        ended, answer = in_child(lambda: _look(store, truth))
        if ended or not isinstance(answer, dict):
            faults.append(f"flip {number}, byte {place} bit {bit}: {answer or f'signal {ended}'}")
            continue
        counts["found"] += answer["found"]
        counts["unread"] += answer["unread"]
        faults += [f"flip {number}, byte {place} bit {bit}: {one}" for one in answer["wrong"]]
    return {**counts, "flips": flips, "faults": faults}


def truncate(folder: Path, cuts: int, seed: int) -> object:
    """Cut the file at random lengths; say how it showed."""
    store, sound, truth = _damageable(folder, seed)
    choice = Random(seed)
    counts = {"found": 0, "unread": 0}
    faults = []
    end = max(stop for _, stop in used_bytes(sound))
    for number in range(cuts):
        # Half of the cuts at a page's end, where nothing looks torn.
        length = choice.randrange(end)
        length = length // _PAGE * _PAGE if number % 2 else length
        _lay(store, sound[:length])
        ended, answer = in_child(lambda: _look(store, truth))
        if ended or not isinstance(answer, dict):
            faults.append(f"cut at {length}: {answer or f'signal {ended}'}")
            continue
        counts["found"] += answer["found"]
        counts["unread"] += answer["unread"]
        faults += [f"cut at {length}: {one}" for one in answer["wrong"]]
    return {**counts, "cuts": cuts, "faults": faults}


def _damageable(folder: Path, seed: int) -> tuple[Path, bytes, Portrait]:
    """Make a store with history whose file has no free page; return its folder, file, truth."""
    template = Template(folder / "template", seed)
    steps = list(operations(Random(seed), template.state, 12))
    state = template.state
    for step in steps:
        state = apply(state, step)
    assert in_child(lambda: begin(template.folder, steps)) == (0, None)
    compact = folder / "compact"

    def copy() -> None:
        with open_store(template.folder) as store:
            store.handle.database.compact_copy(compact)

    assert in_child(copy) == (0, None)
    shutil.copyfile(compact / "data.mdb", template.folder / _DATA)
    return template.copy(folder / "store"), (template.folder / _DATA).read_bytes(), expected(state)


def _lay(store: Path, data: bytes | bytearray) -> None:
    (store / "db" / "lock.mdb").unlink(missing_ok=True)
    (store / _DATA).write_bytes(data)


def used_bytes(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the parts of a data file without free pages that mean something to LMDB or to us.

    Of a page of a tree: its head, index and entries. Of a run of pages with one long value: all
    to the last byte that is not zero. Of the two meta pages: the newer one's record.
    """
    page = 0
    newest = max((0, 1), key=lambda one: struct.unpack_from("<Q", data, one * _PAGE + 144)[0])
    while (page + 1) * _PAGE <= len(data):
        begin = page * _PAGE
        _, _, flags, lower, upper = _HEAD.unpack_from(data, begin)
        if flags & _META:
            if page == newest:
                yield begin + 10, begin + 12  # The flags, which tell the kind of page.
                yield begin + 16, begin + 152
            page += 1
        elif flags & _OVERFLOW:
            pages = lower | upper << 16
            end = begin + len(data[begin : begin + pages * _PAGE].rstrip(b"\0"))
            yield begin, begin + 8
            yield begin + 10, end
            page += pages
        elif flags:
            yield begin, begin + 8
            yield begin + 10, begin + lower
            yield begin + upper, begin + _PAGE
            page += 1
        else:  # Space behind the pages.
            return


def _look(folder: Path, truth: Portrait) -> dict[str, object]:
    """Check and read a damaged store; return what was found, and what was read wrong."""
    found = _check(folder)
    wrong: list[str] = []
    unread = 0
    try:
        with open_store(folder) as store:
            try:
                if show(store) != truth:
                    wrong.append("the store shows something else")
            except HyperstoreError:
                unread = 1
                wrong += _read_piecewise(store, truth)
    except HyperstoreError:
        unread = 1
    return {"found": found, "unread": unread, "wrong": wrong}


def _check(folder: Path) -> int:
    return 0 if fsck_path(folder, level="full").ok else 1


def _read_piecewise(store: Store, truth: Portrait) -> list[str]:
    """Read frame by frame what can still be read, and compare each with the truth."""
    wrong: list[str] = []
    for name, dataset in truth.items():
        assert isinstance(dataset, dict)
        for version_name, portrait in dataset["versions"].items():
            frames = {str(frame["id"]): frame for frame in portrait["frames"]}
            try:
                version = store.dataset(name).version(version_name)
                view = version.view()
            except HyperstoreError:
                continue
            for frame_id, frame in frames.items():
                try:
                    read = essence(view.get_frame(frame_id).to_dict())
                except HyperstoreError:
                    continue
                if read != frame:
                    wrong.append(f"frame {frame_id} of {name}@{version_name} reads as another")
    return wrong
