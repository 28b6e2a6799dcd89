"""fsck: everything that a store promises of its bytes, checked; damage is reported, never raised.

Three levels. *quick* reads every row's outline, every ref, commit, snapshot and node. *sample*
also hashes a share of the objects, drawn by a seed. *full* hashes them all, decodes every frame,
compares each with the keys under which it stands, and counts totals and changes again.
"""

import os
from collections.abc import Callable

from hyperstore.dataset.store import Store
from hyperstore.errors import UsageError
from hyperstore.maintenance.report import Report

__all__ = ["LEVELS", "fsck", "fsck_path"]

LEVELS = ("quick", "sample", "full")
Progress = Callable[[str, int, int], None]
"""Told what is being done, how far it is, and how far it will go."""


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
    raise NotImplementedError


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
    raise NotImplementedError
