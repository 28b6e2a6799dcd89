"""Refs, the operation log and marks of absence; then history, from all that they name."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from hyperstore.errors import CorruptError, FormatError, HyperstoreError, MissingObjectError
from hyperstore.history.commit import Commit, decode_commit, decode_record, decode_tag
from hyperstore.history.dataview import commits_of_view, decode_view
from hyperstore.history.lock import commits_of_lock, decode_lock
from hyperstore.history.run import decode_run, links_of_run
from hyperstore.ids import CommitId, Kind, ObjectId, SnapshotId
from hyperstore.limits import ID_BYTES
from hyperstore.maintenance.findings import Findings
from hyperstore.maintenance.moment import Readable
from hyperstore.storage.objects import ObjectState
from hyperstore.storage.reader import Reader
from hyperstore.storage.survey import SealedRow

__all__ = ["History", "check_history", "check_refs", "read_commit", "read_object"]

_KINDS = {
    "HEAD": Kind.RECORD,
    "dataset": Kind.RECORD,
    "version": Kind.RECORD,
    "head": Kind.COMMIT,
    "working": Kind.SNAPSHOT,
    "tag": Kind.TAG,
    "run": Kind.RUN,
    "lock": Kind.LOCK,
    "stamp": Kind.LOCK,
    "view": Kind.DATAVIEW,
}


@dataclass(slots=True)
class History:
    """What refs and the log lead to: every commit, and every snapshot with who names it."""

    commits: dict[CommitId, None] = field(default_factory=dict)
    snapshots: dict[SnapshotId, str] = field(default_factory=dict)


def read_object(
    database: Readable, findings: Findings, oid: ObjectId, kind: int, named_by: str
) -> bytes | None:
    """Return a payload; None where it cannot be read, the fault taken in, or is absent."""
    try:
        with database.reading() as reader:
            found, payload = reader.get_record(oid)
    except MissingObjectError as fault:
        if fault.state == ObjectState.LOST.value:
            findings.add_object("lost-object", oid, f"{fault} ({named_by} names it)", lost=named_by)
        else:
            findings.counts["absent"] += 1
        return None
    except CorruptError as fault:
        findings.add_object("damaged-object", oid, str(fault), lost=named_by)
        return None
    if found != kind:
        message = f"{named_by} names object {oid.hex()}, of kind {found} where {kind} is due"
        findings.add_object("wrong-kind", oid, message, lost=named_by)
        return None
    return payload


def check_refs(database: Readable, findings: Findings) -> History:
    """Check the rows of refs, log and marks; return what they name, to go on from."""
    history = History()
    for row in _rows(database, findings, "refs"):
        name = ascii(row.key.decode("utf-8", "replace"))[1:-1]
        findings.counts["refs"] += 1
        if row.damage or len(row.data) != ID_BYTES:
            findings.add("damaged-ref", f"ref {name}", row.damage or f"ref {name} holds no id")
            continue
        _check_ref(database, findings, history, name, ObjectId(row.data))
    _check_log(database, findings, history)
    for row in _rows(database, findings, "absent"):
        if row.damage:
            where = f"mark of object {row.key.hex()}"
            findings.add("damaged-mark", where, row.damage)
    return history


def _check_ref(
    database: Readable,
    findings: Findings,
    history: History,
    name: str,
    oid: ObjectId,
) -> None:
    named_by = f"ref {name}"
    kind = _KINDS.get(name.split("/", 1)[0])
    with database.reading() as reader:
        if not reader.has(oid) and _is_lost(reader, oid):
            message = f"{named_by} names object {oid.hex()}, which is lost"
            findings.add("dangling-ref", named_by, message, lost=named_by)
            return
    if kind is None:
        return
    payload = read_object(database, findings, oid, kind, named_by)
    if payload is None:
        return
    try:
        if kind == Kind.RECORD:
            decode_record(payload, oid)
        elif kind == Kind.TAG:
            history.commits[CommitId(ObjectId(decode_tag(payload, oid).commit))] = None
        elif kind == Kind.COMMIT:
            history.commits[CommitId(oid)] = None
        elif kind == Kind.LOCK:
            for commit in commits_of_lock(decode_lock(payload, oid)):
                history.commits[CommitId(commit)] = None
        elif kind == Kind.DATAVIEW:
            for commit in commits_of_view(decode_view(payload, oid)):
                history.commits[CommitId(commit)] = None
        elif kind == Kind.RUN:
            links = links_of_run(decode_run(payload, oid))
            _check_run(database, findings, history, links, named_by)
        else:
            history.snapshots.setdefault(SnapshotId(oid), named_by)
    except (CorruptError, FormatError) as fault:
        findings.add_object("bad-object", oid, str(fault), lost=named_by)


def _check_run(
    database: Readable,
    findings: Findings,
    history: History,
    links: list[ObjectId],
    named_by: str,
) -> None:
    """Take in what a run names; that need not be here, but if it is, whole."""
    with database.reading() as reader:
        kinds = {link: reader.kind_of(link) for link in reader.numbers(links)}
    for link, kind in kinds.items():
        if kind == Kind.LOCK:
            payload = read_object(database, findings, link, Kind.LOCK, named_by)
            for commit in () if payload is None else commits_of_lock(decode_lock(payload, link)):
                history.commits.setdefault(CommitId(commit), None)
        elif kind == Kind.COMMIT:
            history.commits.setdefault(CommitId(link), None)
        elif kind == Kind.SNAPSHOT:
            history.snapshots.setdefault(SnapshotId(link), named_by)


def _check_log(database: Readable, findings: Findings, history: History) -> None:
    """Read every operation; what the log alone names need not be here, but if it is, whole."""
    for row in _rows(database, findings, "oplog"):
        number = int.from_bytes(row.key, "big")
        where = f"operation {number}"
        findings.counts["operations"] += 1
        if row.damage:
            findings.add("damaged-operation", where, row.damage)
            continue
        try:
            with database.reading() as reader:
                operation = reader.operation(number)
                if operation is None:
                    raise CorruptError(f"operation {number} has a false key")
                moves = [
                    (move.name, side)
                    for move in operation.moves
                    for side in (move.old, move.new)
                    if side is not None
                ]
                here = reader.numbers({side for _, side in moves})
        except HyperstoreError as fault:
            findings.add("damaged-operation", where, str(fault))
            continue
        for name, side in moves:
            if side in here and name.startswith("head/"):
                history.commits.setdefault(CommitId(side), None)
            elif side in here and name.startswith("working/"):
                history.snapshots.setdefault(SnapshotId(side), where)


def check_history(database: Readable, findings: Findings, history: History) -> None:
    """Read every commit that is led to, and gather what they name; without recursion."""
    pending = list(history.commits)
    while pending:
        commit_id = pending.pop()
        findings.look_at_clock()
        commit = read_commit(database, findings, commit_id)
        if commit is None:
            history.commits.pop(commit_id, None)
            continue
        snapshot = SnapshotId(ObjectId(commit.snapshot))
        history.snapshots.setdefault(snapshot, f"commit {commit_id.hex()}")
        for parent in commit.parents:
            parent_id = CommitId(ObjectId(parent))
            if parent_id not in history.commits:
                history.commits[parent_id] = None
                pending.append(parent_id)
    findings.counts["commits"] = len(history.commits)


def read_commit(database: Readable, findings: Findings, commit_id: CommitId) -> Commit | None:
    """Return a commit, None where it cannot be read."""
    payload = read_object(database, findings, commit_id, Kind.COMMIT, "history")
    if payload is None:
        return None
    try:
        return decode_commit(payload, commit_id)
    except CorruptError as fault:
        findings.add_object("bad-object", commit_id, str(fault), lost="its snapshot and parents")
        return None


def _is_lost(reader: Reader, oid: ObjectId) -> bool:
    try:
        return reader.state(oid) is ObjectState.LOST
    except CorruptError:  # A damaged mark, which is found as such.
        return False


def _rows(database: Readable, findings: Findings, table: str) -> Iterator[SealedRow]:
    """Yield the rows of a table; where its pages are damaged, say so and end."""
    after = b""
    while True:
        findings.look_at_clock()
        try:
            with database.reading() as reader:
                rows = reader.survey_table(table, after)
        except HyperstoreError as fault:
            findings.add("damaged-table", f"table {table}", str(fault), lost=f"table {table}")
            return
        yield from rows
        if not rows:
            return
        after = max(row.key for row in rows)  # The last one need not be, where a key is damaged.
