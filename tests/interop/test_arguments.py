"""Arguments of the documented calls that would be taken for something else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hyperstore.dataset.arguments import documented
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


def test_a_call_that_takes_any_word_takes_it() -> None:
    """It looks itself at what it knows; and a flag that may be a word too may be one."""

    @documented
    def call(name: str, upload: bool | str = False, **others: object) -> tuple[object, ...]:
        return name, upload, others

    assert call("a", "s3://bucket", more=1) == ("a", "s3://bucket", {"more": 1})
    assert call("a", upload="s3://bucket") == ("a", "s3://bucket", {})


@pytest.mark.parametrize("words", ["a", [1], ["__$not"], ["__$nor"], ["__$not", "__$all"]])
def test_a_filter_of_tags_speaks_of_tags(default_store: Path, words: object) -> None:
    """Labels are something else: what is seen in a picture."""
    with pytest.raises(UsageError, match=r"\btags?\b") as raised:
        DatasetVersion.get_datasets(tags=words)  # type: ignore[arg-type]
    assert "label" not in str(raised.value)
