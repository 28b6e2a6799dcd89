"""One state of the store, read through one short transaction."""

from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Self

from hyperstore.errors import CorruptError, ForkError, HyperstoreError
from hyperstore.ids import ObjectId
from hyperstore.storage import copying, numbered, objects, reflog, refs, survey
from hyperstore.storage.environment import (
    EngineError,
    Environment,
    Tables,
    Transaction,
    translated,
)
from hyperstore.storage.header import HEADER_KEY, Header, decode_header
from hyperstore.storage.objects import ObjectState
from hyperstore.storage.packing import Record

__all__ = ["Reader"]

_OPERATIONS_AT_ONCE = 256


class Reader:
    """Reads inside a `with` block. All that it returns is copied and outlives the block."""

    __slots__ = ("_environment", "_generation", "_tables", "_transaction")

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._transaction: Transaction
        self._tables: Tables

    def __enter__(self) -> Self:
        environment = self._environment
        self._transaction = environment.begin_read(self)
        self._tables = environment.tables
        self._generation = environment.generation
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._transaction.abort()
        finally:
            self._environment.gate.leave(self)

    def reopen(self) -> None:
        """Begin again, at the state of now: in the child of a fork, or after damage."""
        self._transaction = self._environment.begin_read(self)
        self._tables = self._environment.tables
        self._generation = self._environment.generation

    def moment(self) -> tuple[int, int]:
        """Return which state of the store is read: between equal ones nobody wrote."""
        return self._environment.openings, self._transaction.id()

    def _shared_moment(self) -> tuple[int, int] | None:
        """Return `moment`, unless nobody else sees this state, and its pages may yet move."""
        return self.moment()

    # Objects.

    def get(self, oid: ObjectId, kind: int | None = None) -> bytes:
        """Return the payload. MissingObjectError says why it is not here; damage is CorruptError.

        With `kind`, an object of another kind is a CorruptError: a reference led astray.
        """
        try:
            return objects.get_object(self._transaction, self._tables, oid, kind)[1]
        except EngineError as error:
            raise self._translated(error) from error

    def get_record(self, oid: ObjectId) -> tuple[int, bytes]:
        """Return kind and payload."""
        try:
            return objects.get_object(self._transaction, self._tables, oid)
        except EngineError as error:
            raise self._translated(error) from error

    def get_many(self, oids: Sequence[ObjectId], kind: int | None = None) -> list[bytes]:
        """Return the payloads in the order asked; the first that is not here raises."""
        try:
            return objects.get_payloads(self._transaction, self._tables, oids, kind)
        except EngineError as error:
            raise self._translated(error) from error

    def get_records(self, oids: Sequence[ObjectId]) -> list[tuple[int, bytes]]:
        """Return kind and payload of each object, in the order asked."""
        try:
            return objects.get_records(self._transaction, self._tables, oids)
        except EngineError as error:
            raise self._translated(error) from error

    def kind_of(self, oid: ObjectId) -> int:
        """Return the object's kind."""
        return self.get_record(oid)[0]

    def has(self, oid: ObjectId) -> bool:
        """Tell whether the object is here; it is not read."""
        return bool(self.has_many((oid,)))

    def has_many(self, oids: Iterable[ObjectId]) -> set[ObjectId]:
        """Return those of the ids whose objects are here."""
        try:
            return objects.present_ids(self._transaction, self._tables, oids)
        except EngineError as error:
            raise self._translated(error) from error

    def state(self, oid: ObjectId) -> ObjectState:
        """Say whether the object is here, and if not, why."""
        try:
            return objects.object_state(self._transaction, self._tables, oid)
        except EngineError as error:
            raise self._translated(error) from error

    def find(self, prefix: str, *, most: int = 16) -> list[ObjectId]:
        """Return at most `most` ids of objects here that begin with these hex digits."""
        try:
            return objects.find_ids(self._transaction, self._tables, prefix, most)
        except EngineError as error:
            raise self._translated(error) from error

    # Sequence numbers.

    def last_sequence(self) -> int:
        """Return the highest sequence number ever given, 0 before the first object."""
        try:
            return objects.last_sequence(self._transaction, self._tables)
        except EngineError as error:
            raise self._translated(error) from error

    def sequences(self, oids: Sequence[ObjectId]) -> list[int]:
        """Return the sequence number of each object, in the order asked."""
        try:
            return objects.sequences_of(self._transaction, self._tables, oids)
        except EngineError as error:
            raise self._translated(error) from error

    def payloads_at(
        self, numbers: Sequence[int], kind: int | None = None
    ) -> list[tuple[ObjectId, bytes]]:
        """Return id and payload of the objects with these sequence numbers, in the order asked.

        Checked as by id. MissingObjectError at the first number that no object here has: one
        that was collected, or that was damaged and has been stored anew, under another number.
        """
        try:
            return numbered.payloads_at(
                self._transaction,
                self._tables,
                numbers,
                kind,
                self._environment.places,
                self._shared_moment(),
            )
        except EngineError as error:
            raise self._translated(error) from error

    def written_ms(self, number: int) -> int:
        """Return when, in ms, the row was written that begins last of those not behind a number.

        0 where there is none, or a damaged one. A store that was put back from an older copy gives
        numbers a second time, and this then tells the second from the first.
        """
        try:
            return numbered.written_ms(self._transaction, self._tables, number)
        except EngineError as error:
            raise self._translated(error) from error

    def scan_objects(self, start: int = 0) -> Iterator[Record]:
        """Yield every object with a sequence number from `start` on, in order of arrival.

        A damaged row raises CorruptError and ends the scan; `survey_row` goes on behind it.
        """
        while True:
            try:
                found = objects.row_from(self._transaction, self._tables, start)
            except EngineError as error:
                raise self._translated(error) from error
            if found is None:
                return
            for record in found[1]:
                if record.sequence >= start:
                    yield record
            start = found[1][-1].sequence + 1

    def numbers(self, oids: Iterable[ObjectId]) -> dict[ObjectId, int]:
        """Return the sequence numbers of those objects that are here; reads the index only."""
        try:
            return survey.numbers_of(self._transaction, self._tables, oids)
        except EngineError as error:
            raise self._translated(error) from error

    def survey_row(self, after: bytes = b"", *, whole: bool = False) -> survey.SurveyedRow | None:
        """Return the row of objects behind the key `after`, whatever is wrong with it, or None."""
        try:
            return survey.survey_row(self._transaction, self._tables, after, whole=whole)
        except EngineError as error:
            raise self._translated(error) from error

    def survey_ids(self, after: bytes = b"", *, most: int = 4096) -> list[ObjectId]:
        """Return the ids of objects behind `after`, in order; as the index has them."""
        try:
            return survey.survey_ids(self._transaction, self._tables, after, most)
        except EngineError as error:
            raise self._translated(error) from error

    def survey_table(
        self, name: str, after: bytes = b"", *, most: int = 1024
    ) -> list[survey.SealedRow]:
        """Return rows of `refs`, `oplog` or `absent` behind a key, whatever is wrong with them."""
        try:
            return survey.survey_table(self._transaction, self._tables, name, after, most)
        except EngineError as error:
            raise self._translated(error) from error

    def rows_behind(self, table: str, after: bytes = b"") -> list[tuple[bytes, bytes]]:
        """Return rows of any table behind a key, as they are; none at its end."""
        try:
            found = getattr(self._tables, table)
            return copying.rows_behind(self._transaction, found, after)
        except EngineError as error:
            raise self._translated(error) from error

    def count_objects(self) -> int:
        """Return how many objects the index knows."""
        try:
            return self._transaction.stat(self._tables.oids)["entries"]
        except EngineError as error:
            raise self._translated(error) from error

    def used_bytes(self) -> int:
        """Return how many bytes of the data file hold rows; the rest is free or unused."""
        try:
            return survey.used_bytes(self._transaction, self._tables)
        except EngineError as error:
            raise self._translated(error) from error

    # Refs, operations.

    def ref(self, name: str) -> ObjectId | None:
        """Return what the ref points to, None where there is none."""
        try:
            return refs.read_ref(self._transaction, self._tables.refs, name)
        except EngineError as error:
            raise self._translated(error) from error

    def refs(self, prefix: str = "") -> list[tuple[str, ObjectId]]:
        """Return the refs whose names start with `prefix`, sorted by the names' UTF-8."""
        try:
            return refs.read_refs(self._transaction, self._tables.refs, prefix)
        except EngineError as error:
            raise self._translated(error) from error

    def operation(self, number: int) -> reflog.Operation | None:
        """Return operation `number`, None where there is none."""
        try:
            return reflog.read_operation(self._transaction, self._tables.oplog, number)
        except EngineError as error:
            raise self._translated(error) from error

    def operations(
        self, *, newest_first: bool = True, before: int | None = None
    ) -> Iterator[reflog.Operation]:
        """Yield operations by number, with `before` only those of a smaller one; lazy."""
        above, below = 0, 2**64 if before is None else before
        while True:
            try:
                piece = reflog.read_operations(
                    self._transaction,
                    self._tables.oplog,
                    above=above,
                    below=below,
                    newest_first=newest_first,
                    most=_OPERATIONS_AT_ONCE,
                )
            except EngineError as error:
                raise self._translated(error) from error
            reflog.check_numbers(piece)
            yield from piece
            if len(piece) < _OPERATIONS_AT_ONCE:
                return
            if newest_first:
                below = piece[-1].number
            else:
                above = piece[-1].number

    def last_operation(self) -> int:
        """Return the number of the newest operation, 0 where there is none."""
        try:
            return reflog.last_number(self._transaction, self._tables.oplog)
        except EngineError as error:
            raise self._translated(error) from error

    def has_header(self) -> bool:
        """Tell whether the store was ever completed."""
        try:
            return self._transaction.get(HEADER_KEY, None, self._tables.header) is not None
        except EngineError as error:
            raise self._translated(error) from error

    def header(self) -> Header:
        """Return who the store is."""
        try:
            value = self._transaction.get(HEADER_KEY, None, self._tables.header)
        except EngineError as error:
            raise self._translated(error) from error
        if value is None:
            raise CorruptError(
                f"{self._environment.folder} has no header: it was never completed. "
                "`init` completes it"
            )
        return decode_header(value)

    def _translated(self, error: EngineError) -> HyperstoreError:
        if self._generation != self._environment.generation:
            return ForkError(
                f"{self._environment.folder}: this transaction was begun before the process "
                "forked. Begin a new one"
            )
        fault = translated(error, self._environment.folder)
        if isinstance(fault, CorruptError):
            self._recover()
        return fault

    def _recover(self) -> None:
        """Begin again after damage, which ends a transaction: the rest can still be read."""
        self._transaction.abort()
        self.reopen()
