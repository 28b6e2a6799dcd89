"""The checks in their order, over a database alone: what fsck does, and what proves a copy."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from hyperstore.errors import HyperstoreError
from hyperstore.history.commit import Snapshot
from hyperstore.ids import ObjectId, SnapshotId
from hyperstore.maintenance.findings import Findings
from hyperstore.maintenance.keptcheck import KeptCheck
from hyperstore.maintenance.moment import Readable, one_moment
from hyperstore.maintenance.refs import History, check_history, check_refs
from hyperstore.maintenance.report import Fault, Progress
from hyperstore.maintenance.rows import TakeFrame, check_rows
from hyperstore.maintenance.sums import FrameFacts, Sums
from hyperstore.maintenance.trees import TreeCheck
from hyperstore.storage.database import Database

__all__ = ["check_database", "check_into"]

Snapshots = dict[SnapshotId, Snapshot]


def check_database(database: Database) -> list[Fault]:
    """Return the faults that a quick check finds."""
    findings = Findings()
    check_into(findings, database)
    return findings.faults()


def check_into(
    findings: Findings,
    database: Database,
    *,
    share: float = 0.0,
    full: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> None:
    """Check the structure, a share of the objects, and if `full` every object and every count.

    OutOfTime comes out where the findings say so; damage never does.
    """
    facts, kept = None, KeptCheck()
    with database.reading() as reader:
        begun = reader.moment()
        if full:
            facts = FrameFacts(reader.last_sequence())
    with _faults_taken(findings, "table objects"):
        check_rows(
            database,
            findings,
            share=1.0 if full else share,
            random=Random(seed),  # Not for secrets: it draws a sample.
            take_frame=None if facts is None else _both(facts.take, kept.take),
            progress=progress,
        )

    def sum_up(history: History, trees: TreeCheck, snapshots: Snapshots) -> None:
        if facts is not None:
            sums = Sums(database, trees.nodes, facts, findings)
            sums.check_changes(history, sums.check_snapshots(snapshots))

    _check_structure(findings, database, then=sum_up, progress=progress)
    with _faults_taken(findings, "kept files"):
        kept.check(findings, database.folder.parent, progress)
    if findings.missed:
        _look_again(findings, database, begun)


def _check_structure(
    findings: Findings,
    database: Readable,
    *,
    then: Callable[[History, TreeCheck, Snapshots], None] | None = None,
    progress: Progress | None = None,
) -> None:
    """Check what refs and the log lead to, then what is to be held against it."""
    history = History()
    with _faults_taken(findings, "table refs"):
        history = check_refs(database, findings)
    with _faults_taken(findings, "history"):
        check_history(database, findings, history)
    with _faults_taken(findings, "trees"):
        trees = TreeCheck(database, findings)
        snapshots = trees.check_all(history, progress)
        if then is not None:
            then(history, trees, snapshots)


def _look_again(findings: Findings, database: Database, begun: tuple[int, int]) -> None:
    """Take back what was missed only since somebody moved what led to it, and collected it.

    That shows in one read of everything. It keeps the file from using old pages again, so it is
    made only where something is missed, and somebody wrote meanwhile.
    """
    with one_moment(database) as held:
        with held.reading() as reader:
            if reader.moment() == begun:
                return
        again = findings.anew()
        _check_structure(again, held)
    findings.confirm(again)


def _both(first: TakeFrame, second: TakeFrame) -> TakeFrame:
    def take(number: int, oid: ObjectId, payload: bytes) -> None:
        first(number, oid, payload)
        second(number, oid, payload)

    return take


@contextmanager
def _faults_taken(findings: Findings, what: str) -> Iterator[None]:
    """Make damage that ends the block a fault, so that the checks behind it still run."""
    try:
        yield
    except HyperstoreError as error:
        findings.add("damaged-table", what, str(error), lost=what)
