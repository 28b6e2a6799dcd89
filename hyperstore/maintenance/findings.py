"""Faults as they are found: each once, with all that is lost by it, and what can be done."""

import time
from collections import Counter
from dataclasses import dataclass, field

from hyperstore.ids import ObjectId
from hyperstore.maintenance.report import Fault

__all__ = ["REPAIRS", "Findings", "OutOfTime"]

_FETCH = "add the same content again, or fetch it from a clone; or go back to an earlier commit"
_REBUILD = "it follows from the frames: commit again from the version's frames"
REPAIRS = {
    "damaged-store": "restore the store from a clone or a backup",
    "foreign-store": "open it with the version of hyperstore that wrote it",
    "damaged-table": "clone the store: what can be read is taken over",
    "damaged-row": "clone the store: records that can be read are taken over",
    "damaged-object": _FETCH,
    "false-id": _FETCH,
    "lost-object": _FETCH,
    "bad-object": _FETCH,
    "wrong-kind": _FETCH,
    "unindexed-object": "its bytes are sound: add it again, or clone the store",
    "damaged-ref": "set it again: reflog tells where it pointed",
    "dangling-ref": "set it to an earlier commit: reflog tells which, or fetch the object",
    "damaged-operation": "none is needed to read; undo and reflog do not know this operation",
    "damaged-mark": "fetch the object, or forget it again",
    "missing-media": "copy it from another store's media folder, or add its frames again",
    "damaged-media": "delete it, then add its frames again from the original, with copy_media",
    "wrong-sequence": "clone the store: numbers are given anew",
    "bad-tree": _REBUILD,
    "wrong-frame-key": _REBUILD,
    "wrong-order": _REBUILD,
    "wrong-count": _REBUILD,
    "wrong-totals": _REBUILD,
    "wrong-changes": "none is needed to read; log shows counts that are false",
}
_MISSED = frozenset({"lost-object", "dangling-ref"})
_SHOWN = 5


class OutOfTime(Exception):
    """The time for a check is up."""


@dataclass(slots=True)
class _Found:
    code: str
    where: str
    message: str
    lost: dict[str, None] = field(default_factory=dict)

    def fault(self) -> Fault:
        shown = list(self.lost)[:_SHOWN]
        more = len(self.lost) - len(shown)
        lost = ", ".join(shown) + (f" and {more} more" if more else "")
        return Fault(self.code, self.where, self.message, lost, REPAIRS[self.code])


class Findings:
    """What one check found so far."""

    def __init__(self, max_seconds: float | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self._found: dict[tuple[str, str], _Found] = {}
        self._objects: dict[ObjectId, _Found] = {}
        self._end = None if max_seconds is None else time.monotonic() + max_seconds

    def add(self, code: str, where: str, message: str, *, lost: str = "") -> None:
        """Take in a fault that is not of one object."""
        found = self._found.setdefault((code, where), _Found(code, where, message))
        if lost:
            found.lost[lost] = None

    def add_object(self, code: str, oid: ObjectId, message: str, *, lost: str = "") -> None:
        """Take in a fault of an object; of several faults of one, the first stands for all."""
        found = self._objects.get(oid)
        if found is None:
            found = _Found(code, f"object {oid.hex()}", message)
            found = self._objects[oid] = self._found.setdefault((code, found.where), found)
        if lost:
            found.lost[lost] = None

    def is_bad(self, oid: ObjectId) -> bool:
        """Tell whether a fault of this object is known."""
        return oid in self._objects

    @property
    def missed(self) -> bool:
        """Whether anything is not here that something leads to."""
        return any(code in _MISSED for code, _ in self._found)

    def anew(self) -> "Findings":
        """Return findings without any, for a second look within the same time."""
        made = Findings()
        made._end = self._end
        return made

    def confirm(self, again: "Findings") -> None:
        """Take back what is missed here and was not missed in a second look."""
        for key, found in list(self._found.items()):
            if key[0] in _MISSED and key not in again._found:
                del self._found[key]
                self._objects = {oid: one for oid, one in self._objects.items() if one is not found}

    def faults(self) -> list[Fault]:
        """Return the faults in the order in which they were found."""
        return [found.fault() for found in self._found.values()]

    def look_at_clock(self) -> None:
        """Raise OutOfTime once the time is up."""
        if self._end is not None and time.monotonic() >= self._end:
            raise OutOfTime
