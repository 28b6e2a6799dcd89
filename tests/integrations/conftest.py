"""Fixtures for tests of integrations."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperstore import DatasetVersion
from hyperstore.dataset.handle import unshare
from tests.support.loading import pictured

__all__ = ["version"]


@pytest.fixture
def version(tmp_path: Path) -> Iterator[DatasetVersion]:
    """Return a version of small pictures."""
    store, made = pictured(tmp_path)
    with store:
        yield made
    unshare(tmp_path / "store")
