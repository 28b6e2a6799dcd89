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

So nothing depends on how much time passes between two transactions, and a collection may rest
there: it is an iterator of bounded steps, which `gc` runs through, and automatic.py a few at a
time. What it marked stays true, since objects do not change and numbers are not given again; how
young is young, and what the log still holds, is judged as of its beginning, which keeps the more.
All that the log came to name since stays, whatever time it says: a clock may be set back.
Only another collection, which moves records to other rows, may not come between: see turn.py.
"""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple

from hyperstore.dataset.handle import Handle
from hyperstore.dataset.store import Store
from hyperstore.errors import DiskFullError
from hyperstore.ids import Kind, ObjectId, new_id
from hyperstore.limits import (
    AUTO_BATCH,
    AUTO_JOIN,
    AUTO_OPERATIONS,
    AUTO_SWEEP,
    GRACE_S,
    ID_BYTES,
    JOIN_ROWS_MAX,
    MARK_BATCH,
    RESERVE_BYTES,
    SWEEP_CUT,
    SWEEP_OBJECTS_MAX,
)
from hyperstore.maintenance.compact import compact_file
from hyperstore.maintenance.reach import Bits, Marking
from hyperstore.maintenance.report import Collected, Progress
from hyperstore.maintenance.reserve import cut_reserve, settle_reserve
from hyperstore.maintenance.roots import Moment, logged, roots
from hyperstore.maintenance.settled import CACHE_FOLDER, Settled, write_settled
from hyperstore.storage.host import now_ms as clock_ms
from hyperstore.storage.packing import SEQUENCE_MAX, row_number
from hyperstore.storage.reader import Reader
from hyperstore.storage.survey import SurveyedRecord, SurveyedRow
from hyperstore.storage.sweep import Swept
from hyperstore.storage.writer import Writer

__all__ = ["SLICES", "WHOLE", "Collection", "Pace", "gc"]

# What undo may name again.
_ANCHORS = frozenset((Kind.COMMIT, Kind.SNAPSHOT, Kind.TAG, Kind.DATAVIEW, Kind.LOCK))
_SNAPSHOTS, _CONTENT = 1, 2  # What is swept second and last.
_PASSES: dict[int, int] = {
    Kind.SNAPSHOT: _SNAPSHOTS,
    Kind.NODE: _CONTENT,
    Kind.FRAME: _CONTENT,
}
# What one of these costs in objects looked at, which take some 3 us each.
_OPERATION_READ, _TAKEN_OUT, _ROW_JOINED = 8, 16, 16


class Pace(NamedTuple):
    """How much is done in one transaction."""

    batch: int  # Nodes that are read at once,
    batches: int  # and how often.
    operations: int
    rows: int  # That are surveyed.
    sweep: int  # Objects that are taken out.
    join: int  # Rows that are looked at, to be joined.


WHOLE = Pace(MARK_BATCH, 16, 4096, 64, SWEEP_OBJECTS_MAX, JOIN_ROWS_MAX)
SLICES = Pace(AUTO_BATCH, 1, AUTO_OPERATIONS, 1, AUTO_SWEEP, AUTO_JOIN)


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
    collection = Collection(
        store.handle, WHOLE, prune_now=prune_now, now_ms=now_ms, progress=progress
    )
    if dry_run:
        return collection.run(dry_run=True)
    with database.collecting() as turn:
        turn.sign(bytes.fromhex(new_id()), 0)
        if not prune_now and not compact:
            return collection.run()
        with database.alone():
            found = collection.run()
            if compact:
                compact_file(database)
                found = collection.report(dry_run=False, compacted=True)
            return found


def _silent(_task: str, _done: int, _of: int) -> None:
    """Tell nobody."""


class Collection:
    """One collection, from its beginning to its end.

    Whoever takes a step of it holds the turn, and nobody else has had it since the first one.
    """

    def __init__(
        self,
        handle: Handle,
        pace: Pace,
        *,
        prune_now: bool = False,
        now_ms: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._database = database = handle.database
        self._cache = handle.folder / CACHE_FOLDER
        self._pace = pace
        self._most = pace.sweep  # Objects taken out in one transaction, less on a full disk.
        self._now_ms = clock_ms() if now_ms is None else now_ms
        self._spares_young = not prune_now
        self._grace_ms = 0 if prune_now else 1000 * handle.config.number("gc.grace", GRACE_S)
        self._progress = progress or _silent
        self._before = database.file_bytes()
        with database.reading() as reader:
            self._last = reader.last_sequence()  # What comes later is none of this run's business.
            self._operation = reader.last_operation()  # The newest whose roots are known, or will.
        self._marking = Marking(Bits(self._last), batch=pace.batch)
        self._held_from = SEQUENCE_MAX  # The first number that a writer in flight may have given.
        self._pins = 0
        self._read: dict[str, int] = {}  # How much of each pin is marked.
        self._dead = [bytearray() for _ in range(_CONTENT + 1)]
        self._objects = self._bytes = self._kept = self._young = 0
        self._settled = self._last

    def run(self, *, dry_run: bool = False) -> Collected:
        """Run to the end at once."""
        for _ in self.steps(dry_run=dry_run):
            pass
        return self.report(dry_run=dry_run)

    def steps(self, *, dry_run: bool = False) -> Iterator[int]:
        """Mark and choose, and unless `dry_run` sweep and join; yield outside of transactions."""
        if not dry_run:
            self._database.drop_copies()
        yield from self._mark_logged()
        yield from self._mark()
        yield from self._spare()
        yield from self._mark()
        yield from self._choose()
        if dry_run:
            self._objects = sum(map(len, self._dead)) // ID_BYTES
            return
        self._objects = self._bytes = 0
        yield from self._sweep()
        yield from self._join()
        settle_reserve(self._database.folder)
        settled = Settled(min(self._settled, self._held_from - 1), self._kept + self._young)
        write_settled(self._cache, self._database.store_id, settled)

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

    def _mark_logged(self) -> Iterator[int]:
        """Take in what the log held first, in pieces; what came later is read with the refs."""
        moment = Moment(self._now_ms, self._grace_ms)
        working_left: dict[str, int] = {}
        before = self._operation + 1
        while before > 1:
            with self._database.reading() as reader:
                operations = list(islice(reader.operations(before=before), self._pace.operations))
                named = set(logged(operations, moment, working_left))
                self._marking.add(reader.numbers(named))  # Others were collected before.
            before = operations[-1].number if operations else 1
            yield _OPERATION_READ * len(operations)

    def _mark(self) -> Iterator[int]:
        """Mark all that the roots lead to now, in short reads.

        At the end next to nothing has come since: the last round was one read, and no rest.
        """
        rests = 1
        while rests:
            rests = 0
            with self._database.reading() as reader:
                self._add_roots(reader)
                done = self._step(reader)
            while not done:
                rests += 1
                looked = self._marking.looked
                with self._database.reading() as reader:
                    done = self._step(reader)
                yield self._marking.looked - looked

    def _step(self, reader: Reader) -> bool:
        done = self._marking.step(reader, self._pace.batches)
        self._progress("mark", len(self._marking.live), 0)
        return done

    def _add_roots(self, reader: Reader) -> None:
        pins = self._database.pins(self._read)
        self._pins = len(pins)
        self._held_from = min(
            (pin.sequence for pin in pins if pin.sequence is not None), default=SEQUENCE_MAX
        )
        moment = Moment(self._now_ms, self._grace_ms, tuple(pins), after=self._operation)
        named = roots(reader, moment)
        numbers, live = reader.numbers(named), self._marking.live
        # Those that are lost too: to step on one is an error.
        self._marking.add(oid for oid in named if oid not in numbers or numbers[oid] not in live)
        self._operation = reader.last_operation()

    # Choosing.

    def _spare(self) -> Iterator[int]:
        """Mark what young commits and snapshots lead to: they stay, so all of it must."""
        for rows in self._surveyed():
            for row in rows:
                anchors = [
                    record.oid
                    for record in row.records
                    if record.kind in _ANCHORS and self._is_spared(row, record)
                ]
                self._marking.add(anchors)
            yield sum(len(row.records) for row in rows)

    def _is_spared(self, row: SurveyedRow, record: SurveyedRecord) -> bool:
        """Tell whether an object stays though no root leads to it: young, or of a writer's."""
        return record.indexed and (self._is_young(row) or record.sequence >= self._held_from)

    def _is_young(self, row: SurveyedRow) -> bool:
        return self._spares_young and row.created_ms > self._now_ms - self._grace_ms

    def _choose(self) -> Iterator[int]:
        """Gather the ids of what is not marked, old, and not held by a writer, by pass."""
        live = self._marking.live
        for rows in self._surveyed():
            for row in rows:
                # What a clock that went wrong dated later than now is waited for by nobody.
                if self._is_young(row) and row.created_ms <= self._now_ms:
                    self._settled = min(self._settled, row_number(row.key) - 1)
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
            yield sum(len(row.records) for row in rows)

    def _surveyed(self) -> Iterator[list[SurveyedRow]]:
        """Yield the rows that are sound enough to be rewritten, as many as one short read gives."""
        after, more = b"", True
        while more:
            rows = []
            with self._database.reading() as reader:
                for _ in range(self._pace.rows):
                    row = reader.survey_row(after)
                    if row is None:
                        more = False
                        break
                    after = row.key
                    if not row.damage:
                        rows.append(row)
            yield rows

    # Sweeping.

    def _sweep(self) -> Iterator[int]:
        """Delete what was chosen, from the newest on: what leads to others arrived after them."""
        total = sum(map(len, self._dead)) // ID_BYTES
        for ids in self._dead:
            end = len(ids)
            while end:
                start = max(0, end - self._most * ID_BYTES)
                doomed = [
                    ObjectId(bytes(ids[at : at + ID_BYTES])) for at in range(start, end, ID_BYTES)
                ]
                # Outside first, so that little is left to be marked inside.
                yield from self._mark()
                if self._has_swept(doomed):
                    end = start
                    self._most = min(2 * self._most, self._pace.sweep)
                    self._progress("sweep", self._objects, total)
                yield _TAKEN_OUT * len(doomed)

    def _has_swept(self, doomed: list[ObjectId]) -> bool:
        """Delete these, if the disk has room for the pages that change; else try fewer next."""
        try:
            swept = self._database.write(partial(self._delete, doomed))
        except DiskFullError as error:
            if len(doomed) == 1 and not cut_reserve(self._database.folder):
                raise DiskFullError(
                    f"{error}. Taking garbage out needs a little room first: make "
                    f"{RESERVE_BYTES:,} bytes free on that disk, then run `hyperstore gc`"
                ) from None
            self._most = max(1, len(doomed) // SWEEP_CUT)
            return False
        self._objects += swept.objects
        self._bytes += swept.record_bytes
        return True

    def _delete(self, doomed: list[ObjectId], writer: Writer) -> Swept:
        self._add_roots(writer)
        self._marking.step(writer)
        live, last = self._marking.live, min(self._last, self._held_from - 1)
        numbers = writer.numbers(doomed)
        return writer.delete_objects(
            oid for oid, number in numbers.items() if number <= last and number not in live
        )

    def _join(self) -> Iterator[int]:
        """Join the short rows that sweeping and small writes leave."""
        after: bytes | None = b""
        while after is not None:
            try:
                after = self._database.write(partial(self._join_some, after))
            except DiskFullError:  # What was swept is room for others; rows stay short until later.
                return
            yield _ROW_JOINED * self._pace.join

    def _join_some(self, after: bytes, writer: Writer) -> bytes | None:
        return writer.join_rows(after, most=self._pace.join)[0]
