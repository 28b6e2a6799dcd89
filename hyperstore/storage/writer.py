"""The one write transaction: on disk as a whole when its block ends, or not at all."""

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import NoReturn, cast

from hyperstore.errors import CorruptError, ForkError, HyperstoreError
from hyperstore.ids import ObjectId
from hyperstore.storage import copying, objects, reflog, refs, repack, sweep
from hyperstore.storage.environment import (
    BadTransactionError,
    EngineError,
    Environment,
    MapFullError,
    Transaction,
)
from hyperstore.storage.header import HEADER_KEY, Header, encode_header
from hyperstore.storage.objects import ObjectState
from hyperstore.storage.reader import Reader

__all__ = ["Writer"]


class VoidTransaction:
    """Stands where a transaction was that stayed with the parent of a fork."""

    def _refuse(self, *_asked: object, **_options: object) -> NoReturn:
        raise EngineError("the transaction stayed with the parent")

    get = put = delete = cursor = stat = _refuse


class Writer(Reader):
    """A write inside a `with` block; reads through it see its edits.

    No code of a user, no encoding and no network belong inside the block: everybody else waits.
    """

    __slots__ = ("_fault", "_now_ms", "outgrew_map")

    def __init__(self, environment: Environment, now_ms: int) -> None:
        super().__init__(environment)
        self._now_ms = now_ms
        self._fault: HyperstoreError | None = None
        self.outgrew_map = False

    def __enter__(self) -> "Writer":
        environment = self._environment
        self._transaction = environment.begin_write(self)
        self._tables = environment.tables
        self._generation = environment.generation
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._generation != self._environment.generation:
            if kind is None:
                raise ForkError(
                    f"{self._environment.folder}: this write was begun before the process forked; "
                    "only the parent can finish it"
                )
            return
        try:
            if kind is None:
                self._transaction.commit()
            else:
                self._transaction.abort()
        except EngineError as fault:
            raise self._translated(fault) from fault
        finally:
            self._environment.end_write(full=self.outgrew_map)

    def _shared_moment(self) -> None:
        return None

    def void(self) -> object:
        """In the child of a fork: let go of the parent's transaction, and return it to be kept."""
        transaction = getattr(self, "_transaction", None)  # None while it waits for its turn.
        self._transaction = cast("Transaction", VoidTransaction())
        return transaction

    def moment(self) -> tuple[int, int]:
        """Return the state in which the write began, before its own edits."""
        return self._environment.openings, self._transaction.id() - 1

    def put_many(
        self,
        records: Iterable[tuple[ObjectId, int, bytes]],
        *,
        reused: list[ObjectId] | None = None,
    ) -> int:
        """Store those (id, kind, payload) that are not here; return how many they were.

        Whatever is here but damaged is stored anew. That the ids are right is the caller's word.
        A writer that does not refer to all of them in this same block pins what is appended to
        `reused`, those that were here: nothing else may lead to them.
        """
        try:
            return objects.put_objects(
                self._transaction, self._tables, records, self._now_ms, reused
            )
        except EngineError as error:
            raise self._translated(error) from error

    def move(self, name: str, expected: ObjectId | None, new: ObjectId | None) -> None:
        """Point the ref at `new` if it points at `expected`, else ConflictError; None is no ref."""
        try:
            refs.move_ref(self._transaction, self._tables.refs, name, expected, new)
        except EngineError as error:
            raise self._translated(error) from error

    def log(self, *, time_ms: int, actor: str, command: str, moves: Sequence[reflog.Move]) -> int:
        """Append to the operation log; return the operation's number."""
        try:
            return reflog.append_operation(
                self._transaction,
                self._tables.oplog,
                time_ms=time_ms,
                actor=actor,
                command=command,
                moves=moves,
            )
        except EngineError as error:
            raise self._translated(error) from error

    def delete_objects(self, dead: Iterable[ObjectId]) -> sweep.Swept:
        """Take objects out; what is left keeps its sequence numbers. Give bounded batches."""
        try:
            return sweep.delete_objects(self._transaction, self._tables, dead)
        except EngineError as error:
            raise self._translated(error) from error

    def join_rows(self, after: bytes, *, most: int) -> tuple[bytes | None, int]:
        """Join rows behind the key `after` that are short for their pages; see repack.py."""
        try:
            return repack.join_rows(self._transaction, self._tables, after, most)
        except EngineError as error:
            raise self._translated(error) from error

    def append_rows(self, table: str, rows: list[tuple[bytes, bytes]]) -> None:
        """Put rows as they are behind those of a table, in a copy that is being made."""
        try:
            if copying.append_rows(self._transaction, getattr(self._tables, table), rows):
                return
        except EngineError as error:
            raise self._translated(error) from error
        raise CorruptError(f"rows of table {table} are out of order. Run fsck")

    def mark_missing(self, oids: Iterable[ObjectId]) -> None:
        """Write down that objects which are not here are missing on purpose."""
        self._mark(oids, ObjectState.MISSING)

    def forget(self, oids: Sequence[ObjectId]) -> sweep.Swept:
        """Take objects out for good, leaving tombstones."""
        swept = self.delete_objects(oids)
        self._mark(oids, ObjectState.FORGOTTEN)
        return swept

    def _mark(self, oids: Iterable[ObjectId], state: ObjectState) -> None:
        try:
            objects.mark_absent(self._transaction, self._tables, oids, state, self._now_ms)
        except EngineError as error:
            raise self._translated(error) from error

    def _translated(self, error: EngineError) -> HyperstoreError:
        self.outgrew_map = self.outgrew_map or isinstance(error, MapFullError)
        if isinstance(error, BadTransactionError) and self._fault is not None:
            return type(self._fault)(str(self._fault))  # What ended it, not that it has ended.
        fault = super()._translated(error)
        self._fault = self._fault or fault
        return fault

    def _recover(self) -> None:
        """Nothing: what a write has lost is not made good by beginning again."""

    def put_header(self, header: Header) -> None:
        """Write who the store is."""
        try:
            self._transaction.put(HEADER_KEY, encode_header(header), db=self._tables.header)
        except EngineError as error:
            raise self._translated(error) from error
