"""A store and a draft for the tests of the dataset layer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import hyperstore
from hyperstore import DatasetVersion, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return an empty store in a folder of its own."""
    with hyperstore.init(tmp_path / "store") as made:
        yield made


@pytest.fixture
def draft(store: Store) -> DatasetVersion:
    """Return the empty draft of a new dataset."""
    return store.create_dataset("cells").version()
