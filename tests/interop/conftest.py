"""A default store for calls on the classes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperstore.dataset.handle import unshare


@pytest.fixture
def default_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Name a folder for the default store, which is not there yet."""
    folder = tmp_path / "store"
    monkeypatch.setenv("HYPERSTORE_DIR", str(folder))
    yield folder
    unshare(folder)
