"""Every stored row: records against their index, and as many hashed as are wanted."""

from collections.abc import Callable, Set
from random import Random

from hyperstore.errors import CorruptError, HyperstoreError, MissingObjectError
from hyperstore.history.commit import (
    check_maps,
    decode_commit,
    decode_record,
    decode_snapshot,
    decode_tag,
)
from hyperstore.history.dataview import check_view, decode_view
from hyperstore.history.lock import decode_lock
from hyperstore.history.run import decode_run
from hyperstore.ids import Kind, ObjectId, object_id
from hyperstore.maintenance.findings import Findings
from hyperstore.maintenance.report import Progress
from hyperstore.storage.database import Database
from hyperstore.storage.survey import SurveyedRecord, SurveyedRow
from hyperstore.tree.node import decode as decode_node

__all__ = ["TakeFrame", "check_rows"]

TakeFrame = Callable[[int, ObjectId, bytes], None]
"""Told sequence number, id and payload of each frame that is as it was written."""

_ROWS_AT_ONCE = 64


def check_rows(
    database: Database,
    findings: Findings,
    *,
    share: float,
    random: Random,
    take_frame: TakeFrame | None = None,
    progress: Progress | None = None,
) -> None:
    """Check each row's outline, and of a share of the rows, 0 to 1, every object.

    Others may write meanwhile: what is held against a row is read in the row's own transaction.
    """
    with database.reading() as reader:
        total, first_last = reader.count_objects(), reader.last_sequence()
    after, matched, sound, done = b"", 0, True, 0
    while True:
        findings.look_at_clock()
        rows, elsewhere = [], set()
        with database.reading() as reader:
            last = reader.last_sequence()
            for _ in range(_ROWS_AT_ONCE):
                row = reader.survey_row(after, whole=share > 0 and random.random() < share)
                if row is None:
                    break
                after = row.key
                rows.append(row)
                elsewhere |= reader.has_many([one.oid for one in row.records if not one.indexed])
        for row in rows:
            matched += sum(one.indexed and one.sequence <= first_last for one in row.records)
            _check_row(row, findings, last, elsewhere, take_frame)
            sound = sound and not row.damage
            done += len(row.records)
        if progress is not None:
            progress("objects", done, max(done, total))
        if len(rows) < _ROWS_AT_ONCE:
            break
    findings.counts["objects"] = done
    if matched != total or not sound:
        _check_index(database, findings)


def _check_row(
    row: SurveyedRow,
    findings: Findings,
    last: int,
    elsewhere: Set[ObjectId],
    take_frame: TakeFrame | None,
) -> None:
    """Check the records of one row; `elsewhere` are objects to which the index leads otherwise."""
    name = f"row {row.key.hex()} of table objects"
    if row.damage:
        findings.add("damaged-row", name, row.damage)
    for record in row.records:
        if record.indexed:
            if record.sequence > last:
                message = f"{name} holds number {record.sequence}, and {last} is the last one given"
                findings.add("wrong-sequence", name, message)
        elif record.oid not in elsewhere:
            if not record.damage and not row.damage:
                message = f"no index leads to object {record.oid.hex()}, which is in {name}"
                findings.add_object("unindexed-object", record.oid, message)
            continue
        else:
            continue  # An old copy: the object was damaged once, and added again.
        if record.damage:
            findings.add_object("damaged-object", record.oid, record.damage)
        elif record.payload is not None:
            _check_object(record, record.payload, findings, take_frame)


def _check_object(
    record: SurveyedRecord, payload: bytes, findings: Findings, take_frame: TakeFrame | None
) -> None:
    findings.counts["hashed"] += 1
    oid, kind = record.oid, record.kind
    if object_id(kind, payload) != oid:
        message = f"object {oid.hex()} is damaged: its content has another hash"
        findings.add_object("false-id", oid, message)
        return
    try:
        if kind == Kind.NODE:
            decode_node(payload)
        elif kind == Kind.SNAPSHOT:
            check_maps(decode_snapshot(payload, oid))
        elif kind == Kind.COMMIT:
            check_maps(decode_commit(payload, oid))
        elif kind == Kind.TAG:
            check_maps(decode_tag(payload, oid))
        elif kind == Kind.RECORD:
            check_maps(decode_record(payload, oid))
        elif kind == Kind.RUN:
            check_maps(decode_run(payload, oid))
        elif kind == Kind.DATAVIEW:
            check_view(decode_view(payload, oid))
        elif kind == Kind.LOCK:
            decode_lock(payload, oid)
        elif kind == Kind.FRAME and take_frame is not None:
            take_frame(record.sequence, oid, payload)
    except HyperstoreError as fault:
        code = "bad-tree" if kind == Kind.NODE else "bad-object"
        findings.add_object(code, oid, f"object {oid.hex()} was stored so: {fault}")


def _check_index(database: Database, findings: Findings) -> None:
    """Find the entries of the index that lead to no sound record."""
    after = b""
    while True:
        findings.look_at_clock()
        with database.reading() as reader:  # One for all: gc may take out what others would find.
            oids = reader.survey_ids(after)
            for oid in oids:
                try:
                    reader.get_record(oid)
                except (CorruptError, MissingObjectError) as fault:
                    findings.add_object("damaged-object", oid, str(fault))
        if not oids:
            return
        after = max(oids)
