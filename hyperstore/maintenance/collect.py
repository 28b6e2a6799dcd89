"""gc: taking out what nothing leads to any more, while others read and write.

First all that roots lead to is marked, in short reads; then what was not is swept, in short
writes. Meanwhile others move refs, and refer to old objects that they found in the store. The rule
that keeps theirs:

    *In a sweeping transaction nothing is deleted before all that the roots of that transaction's
    own state lead to is marked.*

There is one writer at a time, so the state is what all others have committed. Whatever they have
published is led to by a ref. Whatever they mean to publish is either new, of a number above the
last one at the beginning, which is never swept; or was found in the store in a transaction of
theirs that came before, and was pinned inside it; or will be looked for in one that comes later,
and written anew if it is gone. `transact` looks again, inside the transaction that moves the refs,
for the commits and snapshots on which its moves rest: they are swept before what they lead to, so
where one is still here, all of it is.
"""

from collections.abc import Callable, Iterator
from functools import partial

from hyperstore.dataset.handle import now_ms as clock_ms
from hyperstore.dataset.store import Store
from hyperstore.ids import Kind, ObjectId
from hyperstore.limits import GRACE_S, ID_BYTES, JOIN_ROWS_MAX, SWEEP_OBJECTS_MAX
from hyperstore.maintenance.compact import compact_file
from hyperstore.maintenance.reach import Bits, Marking
from hyperstore.maintenance.report import Collected
from hyperstore.maintenance.roots import Moment, roots
from hyperstore.storage.database import Database
from hyperstore.storage.packing import SEQUENCE_MAX
from hyperstore.storage.reader import Reader
from hyperstore.storage.survey import SurveyedRecord, SurveyedRow
from hyperstore.storage.writer import Writer

__all__ = ["Progress", "gc"]

Progress = Callable[[str, int, int], None]
"""Told what is being done, how far it is, and how far it will go (0: not known)."""

_BATCHES_AT_ONCE = 16  # In one read: some ten thousand entries.
_ROWS_AT_ONCE = 64
_ANCHORS = frozenset((Kind.COMMIT, Kind.SNAPSHOT, Kind.TAG))  # What undo may name again.
_SNAPSHOTS, _CONTENT = 1, 2  # What is swept second and last.
_PASSES: dict[int, int] = {
    Kind.SNAPSHOT: _SNAPSHOTS,
    Kind.NODE: _CONTENT,
    Kind.FRAME: _CONTENT,
}


def gc(
    store: Store,
    *,
    dry_run: bool = False,
    prune_now: bool = False,
    compact: bool = False,
    now_ms: int | None = None,
    progress: Progress | None = None,
) -> Collected:
    """Take out objects that no root leads to and that are older than `gc.grace`.

    `prune_now` spares no young ones and needs the store to itself: LockedError if another process
    has it open. `compact` then rewrites the data file without its free pages, and needs that too.
    CorruptError, with nothing taken out, where damage hides what must stay: run fsck.
    """
    database = store.handle.database
    now = clock_ms() if now_ms is None else now_ms
    grace_ms = 0 if prune_now else 1000 * store.config.number("gc.grace", GRACE_S)
    collection = _Collection(database, now, grace_ms, progress or _silent)
    if dry_run:
        return collection.run(dry_run=True)
    with database.collecting():
        if not prune_now and not compact:
            return collection.run(dry_run=False)
        with database.alone():
            found = collection.run(dry_run=False)
            if compact:
                compact_file(database)
                found = collection.report(dry_run=False, compacted=True)
            return found


def _silent(_task: str, _done: int, _of: int) -> None:
    """Tell nobody."""


class _Collection:
    """One run."""

    def __init__(self, database: Database, now_ms: int, grace_ms: int, progress: Progress) -> None:
        self._database = database
        self._now_ms = now_ms
        self._grace_ms = grace_ms
        self._progress = progress
        self._before = database.file_bytes()
        with database.reading() as reader:
            self._last = reader.last_sequence()  # What comes later is none of this run's business.
        self._marking = Marking(Bits(self._last))
        self._operation = 0  # The newest whose roots are known.
        self._held_from = SEQUENCE_MAX  # The first number that a writer in flight may have given.
        self._pins = 0
        self._read: dict[str, int] = {}  # How much of each pin is marked.
        self._dead = [bytearray() for _ in range(_CONTENT + 1)]
        self._objects = self._bytes = self._kept = self._young = 0

    def run(self, *, dry_run: bool) -> Collected:
        """Mark and choose, and unless `dry_run` sweep and join."""
        if not dry_run:
            self._database.drop_copies()
        self._mark()
        self._spare()
        self._choose()
        if dry_run:
            self._objects = sum(map(len, self._dead)) // ID_BYTES
        else:
            self._objects = self._bytes = 0
            self._sweep()
            self._join()
        return self.report(dry_run=dry_run)

    def report(self, *, dry_run: bool, compacted: bool = False) -> Collected:
        """Return the figures as they are now."""
        with self._database.reading() as reader:
            used = reader.used_bytes()
        return Collected(
            dry_run=dry_run,
            objects=self._objects,
            record_bytes=self._bytes,
            kept_objects=self._kept,
            young_objects=self._young,
            pins=self._pins,
            file_bytes_before=self._before,
            file_bytes=self._database.file_bytes(),
            used_bytes=used,
            compacted=compacted,
        )

    # Marking.

    def _mark(self) -> None:
        """Mark all that the roots lead to now, in short reads."""
        with self._database.reading() as reader:
            self._add_roots(reader)
        done = False
        while not done:
            with self._database.reading() as reader:
                done = self._marking.step(reader, _BATCHES_AT_ONCE)
            self._progress("mark", len(self._marking.live), 0)

    def _add_roots(self, reader: Reader) -> None:
        pins = self._database.pins(self._read)
        self._pins = len(pins)
        self._held_from = min(
            (pin.sequence for pin in pins if pin.sequence is not None), default=SEQUENCE_MAX
        )
        moment = Moment(self._now_ms, self._grace_ms, tuple(pins), after=self._operation)
        self._marking.add(roots(reader, moment))
        self._operation = reader.last_operation()

    # Choosing.

    def _spare(self) -> None:
        """Mark what young commits and snapshots lead to: they stay, so all of it must."""
        for row in self._rows():
            anchors = [
                record.oid
                for record in row.records
                if record.kind in _ANCHORS and self._is_spared(row, record)
            ]
            self._marking.add(anchors)
        self._mark()

    def _is_spared(self, row: SurveyedRow, record: SurveyedRecord) -> bool:
        """Tell whether an object stays though no root leads to it: young, or of a writer's."""
        young = row.created_ms > self._now_ms - self._grace_ms
        return record.indexed and (young or record.sequence >= self._held_from)

    def _choose(self) -> None:
        """Gather the ids of what is not marked, old, and not held by a writer, by pass."""
        live = self._marking.live
        for row in self._rows():
            for record in row.records:
                if not record.indexed or record.sequence > self._last:
                    continue
                if record.sequence in live:
                    self._kept += 1
                elif self._is_spared(row, record):
                    self._young += 1
                else:
                    self._dead[_PASSES.get(record.kind, 0)] += record.oid
                    self._bytes += record.record_bytes

    def _rows(self) -> Iterator[SurveyedRow]:
        """Yield the rows that are sound enough to be rewritten, in short reads."""
        after = b""
        while True:
            with self._database.reading() as reader:
                for _ in range(_ROWS_AT_ONCE):
                    row = reader.survey_row(after)
                    if row is None:
                        return
                    after = row.key
                    if not row.damage:
                        yield row

    # Sweeping.

    def _sweep(self) -> None:
        """Delete what was chosen, from the newest on: what leads to others arrived after them."""
        total = sum(map(len, self._dead)) // ID_BYTES
        for ids in self._dead:
            for start in reversed(range(0, len(ids), SWEEP_OBJECTS_MAX * ID_BYTES)):
                chunk = ids[start : start + SWEEP_OBJECTS_MAX * ID_BYTES]
                doomed = [
                    ObjectId(bytes(chunk[at : at + ID_BYTES]))
                    for at in range(0, len(chunk), ID_BYTES)
                ]
                self._mark()  # Outside first, so that little is left to be marked inside.
                self._database.write(partial(self._delete, doomed))
                self._progress("sweep", self._objects, total)

    def _delete(self, doomed: list[ObjectId], writer: Writer) -> None:
        self._add_roots(writer)
        self._marking.step(writer)
        live, last = self._marking.live, min(self._last, self._held_from - 1)
        numbers = writer.numbers(doomed)
        swept = writer.delete_objects(
            oid for oid, number in numbers.items() if number <= last and number not in live
        )
        self._objects += swept.objects
        self._bytes += swept.record_bytes

    def _join(self) -> None:
        """Join the short rows that sweeping and small writes leave."""
        after: bytes | None = b""
        while after is not None:
            after = self._database.write(partial(_join_some, after))


def _join_some(after: bytes, writer: Writer) -> bytes | None:
    return writer.join_rows(after, most=JOIN_ROWS_MAX)[0]
