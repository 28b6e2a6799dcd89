"""Arguments of the documented calls that would be taken for something else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hyperstore.dataset.dataset import Dataset, DatasetVersion
from hyperstore.errors import UsageError

_CALLS: list[Callable[[DatasetVersion], object]] = [
    lambda version: version.commit_version("With masks"),  # type: ignore[arg-type]
    lambda version: version.commit_version(publish="no"),  # type: ignore[arg-type]
    lambda version: version.delete_frames(["f"], 10, True, "s3"),  # type: ignore[arg-type]
    lambda version: version.add_frames([], "warn"),  # type: ignore[arg-type]
    lambda _: Dataset.delete("cells", "all", "force"),  # type: ignore[arg-type]
    lambda _: Dataset.delete("cells", delete_all_versions="0"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("call", _CALLS)
def test_a_word_in_the_place_of_a_flag_is_refused_and_changes_nothing(
    default_store: Path, call: Callable[[DatasetVersion], object]
) -> None:
    """A commit's message that is taken for `publish` would freeze the version for good."""
    Dataset.create("cells")
    version = DatasetVersion.get_current(dataset_name="cells")
    version.add_frames([{"id": "f", "sources": [{"id": "default", "uri": "s3://b/f.png"}]}])
    with pytest.raises(UsageError, match="is True or False, not"):
        call(version)
    assert (version.published, len(version), version.status().state) == (False, 1, "draft")


def test_numbers_do_for_flags(default_store: Path) -> None:
    """Many programs write 0 and 1."""
    Dataset.create("cells")
    version = DatasetVersion.get_current(dataset_name="cells")
    version.commit_version(1)  # type: ignore[arg-type]
    assert version.published
