"""Undo: the refs of one operation go back to where they were, where all would still be in order.

That every ref stands where the operation left it is not enough: a name may have been taken since,
or something may have come to rest on what the operation made, by refs that it never moved.

The record of a run is nothing that anybody did: it is passed over, where none is named by number.

HEAD is only a place to stand, and nothing rests on it: it stops no undo, and goes to no version
that is gone. Where the one on which it stands goes, it goes to where it stood last before that.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from hyperstore.dataset.handle import Handle
from hyperstore.dataset.transact import Move, transact
from hyperstore.errors import ConflictError, HyperstoreError, MissingObjectError, NotFoundError
from hyperstore.history.branches import (
    HEAD,
    RefReader,
    dataset_ref,
    datasets,
    head_ref,
    version_ref,
    working_ref,
)
from hyperstore.history.commit import HeadRecord, decode_record
from hyperstore.history.run import RUN_PREFIX
from hyperstore.ids import Kind, ObjectId
from hyperstore.limits import PLACES_LOOKED
from hyperstore.storage.reflog import Operation

__all__ = ["UNDO", "said_of", "undo", "undo_last"]

UNDO = "undo "  # What the log says of an undo, before the number of what it took back.


def undo(handle: Handle, undone: Operation) -> None:
    """Move back what an operation moved; of HEAD only where it has gone nowhere else since.

    ConflictError where a ref is not where that operation left it, or where what comes back would
    not be in order; MissingObjectError where what it replaced was collected.
    """
    if not _undo(handle, undone):
        raise _conflict(
            undone,
            "HEAD was moved again since, or where it stood is gone",
            "`hyperstore switch` goes to any version",
        )


def undo_last(handle: Handle, operations: Iterable[Operation]) -> Operation:
    """Undo the newest of the operations that is not undone yet, and return it.

    One that moved nothing but HEAD, which cannot go back any more, is passed over.
    """
    undone: set[int] = set()
    for operation in operations:
        said = said_of(operation)
        if said.startswith(UNDO) and said[len(UNDO) :].isdecimal():
            if operation.number not in undone:
                undone.add(int(said[len(UNDO) :]))
        elif operation.number not in undone and not _records_a_run(operation):
            try:
                if _undo(handle, operation):
                    return operation
            except (ConflictError, MissingObjectError) as error:
                raise _with_way_past(error) from None
    raise NotFoundError("nothing to undo")


def _records_a_run(operation: Operation) -> bool:
    """Tell whether an operation did nothing but record a run; removing one is a deed."""
    return all(
        move.name.startswith(RUN_PREFIX) and move.new is not None for move in operation.moves
    )


def said_of(operation: Operation) -> str:
    """Return what an operation did, without the command line that follows it."""
    return operation.command.partition("\n")[0]


def _undo(handle: Handle, undone: Operation) -> bool:
    """Undo an operation; return False where only HEAD was to move, and cannot."""
    stood = _stood(handle)

    def prepare(refs: RefReader) -> tuple[Sequence[Move], bool]:
        moves = []
        for move in undone.moves:
            if refs.ref(move.name) == move.new:
                moves.append(Move(move.name, move.new, move.old))
            elif move.name != HEAD:
                raise _moved_again(handle, undone, move.name)
        fault = next(_faults(_After(refs, moves)), None)
        if fault is not None:
            raise _conflict(undone, fault)
        moves = _with_head(refs, moves, stood)
        return moves, any(move.old != move.new for move in moves)

    olds = [move.old for move in undone.moves if move.old is not None and move.name != HEAD]
    with handle.database.reading() as reader:
        gone = set(olds) - reader.has_many(olds)
    if gone:
        raise MissingObjectError(
            f"operation {undone.number} ({said_of(undone)}) cannot be undone any more: what it "
            "replaced was collected as garbage"
        )
    return transact(handle, handle.staging(), f"{UNDO}{undone.number}", prepare)


def _stood(handle: Handle) -> list[ObjectId]:
    """Return where HEAD has stood of late, the last place first."""
    with handle.database.reading() as reader:
        return [
            place
            for operation in islice(reader.operations(), PLACES_LOOKED)
            for move in reversed(operation.moves)
            if move.name == HEAD
            for place in (move.new, move.old)
            if place is not None
        ]


def _with_head(refs: RefReader, moves: list[Move], stood: list[ObjectId]) -> list[Move]:
    """Return the moves with one of HEAD that leads to a version that will be there, if any does."""
    here = refs.ref(HEAD)
    after = _After(refs, moves)
    wanted = after.ref(HEAD)
    if wanted is None or _is_place(after, wanted):
        return moves
    if wanted == here and not _is_place(refs, here):  # Nor was it there before.
        return moves
    others = [move for move in moves if move.name != HEAD]
    places = (place for place in (here, *stood) if place is not None and _is_place(after, place))
    return [*others, Move(HEAD, here, next(places, here))]


def _is_place(refs: RefReader, place: ObjectId) -> bool:
    """Tell whether the version is there on which a record of HEAD stands, and that record."""
    try:
        record = decode_record(refs.get(place, Kind.RECORD), place)
    except MissingObjectError:
        return False
    return (
        isinstance(record, HeadRecord)
        and refs.ref(dataset_ref(record.dataset)) is not None
        and refs.ref(version_ref(record.dataset, record.version)) is not None
    )


def _moved_again(handle: Handle, undone: Operation, name: str) -> ConflictError:
    """Return the error that says which later operation moved a ref."""
    with handle.database.reading() as reader:
        for operation in reader.operations():
            if operation.number <= undone.number:
                break
            if any(move.name == name for move in operation.moves):
                done = f"operation {operation.number} ({said_of(operation)})"
                return _conflict(
                    undone, f"{name} was moved again since", f"undo {done} first, by its number"
                )
    return _conflict(undone, f"{name} was moved again since")


def _conflict(
    undone: Operation, why: str, way: str = "undo the later operations first"
) -> ConflictError:
    return ConflictError(
        f"operation {undone.number} ({said_of(undone)}) cannot be undone: {why}; {way}"
    )


def _with_way_past(error: HyperstoreError) -> HyperstoreError:
    return type(error)(
        f"{error}. Operations before it are undone by their numbers, which "
        "`hyperstore reflog --all` lists"
    )


class _After:
    """The refs as they will be, and which of them move."""

    def __init__(self, refs: RefReader, moves: Sequence[Move]) -> None:
        self._refs = refs
        self.moved = {move.name: move.new for move in moves}

    def get(self, oid: ObjectId, kind: Kind | None = None) -> bytes:
        return self._refs.get(oid, kind)

    def ref(self, name: str) -> ObjectId | None:
        return self.moved[name] if name in self.moved else self._refs.ref(name)

    def refs(self, prefix: str = "") -> list[tuple[str, ObjectId]]:
        found = dict(self._refs.refs(prefix))
        for name, new in self.moved.items():
            if new is None:
                found.pop(name, None)
            elif name.startswith(prefix):
                found[name] = new
        return sorted(found.items())


def _faults(after: _After) -> Iterator[str]:
    """Yield what would not be in order."""
    for name, new in after.moved.items():
        kind, _, rest = name.partition("/")
        dataset, _, version = rest.partition("/")
        if kind == "dataset":
            yield from _faults_of_dataset(after, dataset, is_there=new is not None)
        elif kind == "tag" and new is not None and after.ref(dataset_ref(dataset)) is None:
            yield f"tag {version!a} would be in a dataset that was deleted"
        elif kind in ("version", "head", "working"):
            yield from _faults_of_version(after, dataset, version)


def _faults_of_dataset(after: _After, dataset: str, *, is_there: bool) -> Iterator[str]:
    if not is_there:
        for kind in ("version", "tag"):
            if after.refs(f"{kind}/{dataset}/"):
                yield f"a {kind} that was made since is in the dataset"
        return
    known = [record for _, record in datasets(after)]
    mine = next(record for record in known if record.id == dataset)
    if any((one.project, one.name) == (mine.project, mine.name) for one in known if one != mine):
        yield f"another dataset has the name {mine.name!a} by now"


def _faults_of_version(after: _After, dataset: str, version: str) -> Iterator[str]:
    record, head, working = (
        after.ref(named(dataset, version)) for named in (version_ref, head_ref, working_ref)
    )
    if record is None:
        if head is not None or working is not None:
            yield f"version {version} was committed to or edited since"
    elif after.ref(dataset_ref(dataset)) is None:
        yield f"version {version} would be in a dataset that was deleted"
    elif working is None and (head is None or version_ref(dataset, version) not in after.moved):
        yield f"version {version} was published since, and does not change"
