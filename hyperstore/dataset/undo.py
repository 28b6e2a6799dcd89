"""Undo: the refs of one operation go back to where they were, where all would still be in order.

That every ref stands where the operation left it is not enough: a name may have been taken since,
or something may have come to rest on what the operation made, by refs that it never moved.
"""

from collections.abc import Iterator, Sequence

from hyperstore.dataset.handle import Handle
from hyperstore.dataset.transact import Move, transact
from hyperstore.errors import ConflictError, MissingObjectError
from hyperstore.history.branches import (
    HEAD,
    RefReader,
    dataset_ref,
    datasets,
    head_ref,
    version_ref,
    working_ref,
)
from hyperstore.ids import Kind, ObjectId
from hyperstore.storage.reflog import Operation

__all__ = ["UNDO", "said_of", "undo"]

UNDO = "undo "  # What the log says of an undo, before the number of what it took back.


def undo(handle: Handle, undone: Operation) -> None:
    """Move back what an operation moved; of HEAD only where it has gone nowhere else since.

    ConflictError where a ref is not where that operation left it, or where what comes back would
    not be in order; MissingObjectError where what it replaced was collected.
    """

    def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
        moves = []
        for move in undone.moves:
            if refs.ref(move.name) == move.new:
                moves.append(Move(move.name, move.new, move.old))
            elif move.name != HEAD or len(undone.moves) == 1:  # Nothing rests on HEAD.
                raise _conflict(undone, f"{move.name} was moved again since")
        fault = next(_faults(_After(refs, moves)), None)
        if fault is not None:
            raise _conflict(undone, fault)
        return moves, None

    olds = [move.old for move in undone.moves if move.old is not None]
    with handle.database.reading() as reader:
        gone = set(olds) - reader.has_many(olds)
    if gone:
        raise MissingObjectError(
            f"operation {undone.number} cannot be undone: what it replaced was collected"
        )
    transact(handle, handle.staging(), f"{UNDO}{undone.number}", prepare)


def said_of(operation: Operation) -> str:
    """Return what an operation did, without the command line that follows it."""
    return operation.command.partition("\n")[0]


def _conflict(undone: Operation, why: str) -> ConflictError:
    return ConflictError(
        f"operation {undone.number} ({said_of(undone)}) cannot be undone: {why}; "
        "undo the later operations first"
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
