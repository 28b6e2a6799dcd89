"""A default store for calls on the classes, and a draft in it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hyperstore import Dataset, DatasetVersion, SingleFrame
from hyperstore.dataset.handle import unshare

__all__ = ["Again"]

Again = Callable[[SingleFrame], SingleFrame]


@pytest.fixture
def default_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Name a folder for the default store, which is not there yet."""
    folder = tmp_path / "store"
    monkeypatch.setenv("HYPERSTORE_DIR", str(folder))
    yield folder
    unshare(folder)


@pytest.fixture
def draft(default_store: Path) -> DatasetVersion:
    """Return the empty draft of a new dataset."""
    return Dataset.create("cells").get_version()


@pytest.fixture
def again(draft: DatasetVersion) -> Again:
    """Return a function that registers a frame and reads it back."""

    def stored(frame: SingleFrame) -> SingleFrame:
        assert draft.add_frames([frame]) == []
        found = draft.get_frame(frame.id)
        assert isinstance(found, SingleFrame)
        return found

    return stored
