"""A default store for what is tried in this process, and no task left behind."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperstore.allegroai import ending, logger, parameters, task
from hyperstore.dataset.handle import unshare
from hyperstore.dataset.runswatch import WATCHERS


@pytest.fixture
def default_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Name a folder for the default store, which is not there yet."""
    folder = tmp_path / "store"
    monkeypatch.setenv("HYPERSTORE_DIR", str(folder))
    monkeypatch.setenv("HYPERSTORE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv(ending.RUN_VARIABLE, raising=False)
    parameters.PARSED.clear()  # The test runner's own.
    yield folder
    WATCHERS.clear()
    task._current.clear()
    logger._full.clear()
    os.environ.pop(ending.RUN_VARIABLE, None)
    unshare(folder)
