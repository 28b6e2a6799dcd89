"""The checks in their order, over a database alone: what fsck does, and what proves a copy."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from hyperstore.errors import HyperstoreError
from hyperstore.ids import ObjectId
from hyperstore.maintenance.findings import Findings
from hyperstore.maintenance.keptcheck import KeptCheck
from hyperstore.maintenance.refs import History, check_history, check_refs
from hyperstore.maintenance.report import Fault, Progress
from hyperstore.maintenance.rows import TakeFrame, check_rows
from hyperstore.maintenance.sums import FrameFacts, Sums
from hyperstore.maintenance.trees import TreeCheck
from hyperstore.storage.database import Database

__all__ = ["check_database", "check_into"]


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
    if full:
        with database.reading() as reader:
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
    history = History()
    with _faults_taken(findings, "table refs"):
        history = check_refs(database, findings)
    with _faults_taken(findings, "history"):
        check_history(database, findings, history)
    with _faults_taken(findings, "trees"):
        trees = TreeCheck(database, findings)
        snapshots = trees.check_all(history, progress)
        if facts is not None:
            sums = Sums(database, trees.nodes, facts, findings)
            sums.check_changes(history, sums.check_snapshots(snapshots))
    with _faults_taken(findings, "kept files"):
        kept.check(findings, database.folder.parent, progress)


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
