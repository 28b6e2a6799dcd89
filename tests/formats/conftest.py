"""A folder of pictures, a store beside it, and a draft in that."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import hyperstore
from tests.support.folders import Pictures


@pytest.fixture
def pictures(tmp_path: Path) -> Iterator[Pictures]:
    """Return an empty folder `pics` and an empty draft."""
    with hyperstore.init(tmp_path / ".hyperstore") as store:
        (tmp_path / "pics").mkdir()
        yield Pictures(store.create_dataset("cells").version(), tmp_path / "pics")
