"""fsck: everything that a store promises of its bytes, checked; damage is reported, never raised.

Three levels. *quick* reads every row's outline, every ref, commit, snapshot and node. *sample*
also hashes a share of the objects, drawn by a seed. *full* hashes them all, decodes every frame,
compares each with the keys under which it stands, and counts totals and changes again.
"""

import os

from hyperstore.dataset.store import Store, open_store
from hyperstore.errors import CorruptError, FormatError, UsageError
from hyperstore.maintenance.findings import Findings, OutOfTime
from hyperstore.maintenance.report import Progress, Report
from hyperstore.maintenance.structure import check_into

__all__ = ["LEVELS", "fsck", "fsck_path"]

LEVELS = ("quick", "sample", "full")


def fsck(
    store: Store,
    *,
    level: str = "quick",
    percent: float = 5.0,
    seed: int = 0,
    max_seconds: float | None = None,
    progress: Progress | None = None,
) -> Report:
    """Check an open store; `percent` and `seed` are for `sample`. Changes nothing."""
    if level not in LEVELS:
        raise UsageError(f"a check is one of {', '.join(LEVELS)}, not {level!a}")
    if not 0 < percent <= 100:
        raise UsageError(f"a share of objects is more than 0 and at most 100 %, not {percent}")
    findings = Findings(max_seconds)
    complete = True
    try:
        check_into(
            findings,
            store.handle.database,
            share=percent / 100 if level == "sample" else 0.0,
            full=level == "full",
            seed=seed,
            progress=progress,
        )
    except OutOfTime:
        complete = False
    return Report(level, findings.faults(), dict(sorted(findings.counts.items())), complete)


def fsck_path(
    path: str | os.PathLike[str],
    *,
    level: str = "quick",
    percent: float = 5.0,
    seed: int = 0,
    max_seconds: float | None = None,
    progress: Progress | None = None,
) -> Report:
    """Check the store in a folder; one that is so damaged that it does not open is a fault too.

    Where there is no store, NotFoundError comes out as from `open_store`.
    """
    try:
        store = open_store(path, readonly=True)
    except (CorruptError, FormatError) as fault:
        findings = Findings()
        code = "damaged-store" if isinstance(fault, CorruptError) else "foreign-store"
        findings.add(code, os.fspath(path), str(fault), lost="the store, as far as it goes here")
        return Report(level, findings.faults(), {}, complete=False)
    with store:
        return fsck(
            store,
            level=level,
            percent=percent,
            seed=seed,
            max_seconds=max_seconds,
            progress=progress,
        )
