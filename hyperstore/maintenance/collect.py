"""gc: taking out what nothing leads to any more, while others read and write."""

from collections.abc import Callable

from hyperstore.dataset.store import Store
from hyperstore.maintenance.report import Collected

__all__ = ["gc"]

Progress = Callable[[str, int, int], None]
"""Told what is being done, how far it is, and how far it will go."""


def gc(
    store: Store,
    *,
    dry_run: bool = False,
    prune_now: bool = False,
    compact: bool = False,
    now_ms: int | None = None,
    progress: Progress | None = None,
) -> Collected:
    """Take out objects that no root leads to and that are older than `gc.grace`.

    `prune_now` spares no young ones and needs the store to itself: LockedError if another process
    has it open. `compact` then rewrites the data file without its free pages, and needs that too.
    CorruptError, with nothing taken out, where damage hides what must stay: run fsck.
    """
    raise NotImplementedError
