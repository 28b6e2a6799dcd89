"""What fsck and gc say: plain values that can be printed, or written as JSON."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from hyperstore.codec import Value

__all__ = ["Collected", "Fault", "Progress", "Report"]

Progress = Callable[[str, int, int], None]
"""Told what is being done, how far it is, and how far it will go (0: not known)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was written. `code` is a fixed word for programs."""

    code: str
    where: str  # A ref, an object, a row: what the fault is in.
    message: str
    lost: str = ""  # What cannot be read because of it; empty where nothing is lost.
    repair: str = ""  # What can be done about it.


@dataclass(slots=True)
class Report:
    """What a check found. `complete` is false where time ran out before its end."""

    level: str
    faults: list[Fault] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    complete: bool = True

    @property
    def ok(self) -> bool:
        """Whether nothing was found; what was not looked at is not counted."""
        return not self.faults

    def to_dict(self) -> dict[str, Value]:
        """Return the report as JSON can hold it."""
        return {
            "ok": self.ok,
            "level": self.level,
            "complete": self.complete,
            "counts": {**self.counts},
            "faults": [asdict(fault) for fault in self.faults],
        }


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection took out, or with `dry_run` would have; bytes are those of records."""

    dry_run: bool
    objects: int
    record_bytes: int
    kept_objects: int  # Reached from a root.
    young_objects: int  # Not reached, and too young, or held by a writer in flight.
    pins: int  # Living readers and writers.
    file_bytes_before: int
    file_bytes: int
    used_bytes: int  # Of the file, without its free pages, which later writes fill.
    compacted: bool = False

    def to_dict(self) -> dict[str, Value]:
        """Return the figures as JSON can hold them."""
        return asdict(self)
