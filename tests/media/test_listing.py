"""Which files lie below a folder: all of them, or an error."""

import shutil
from pathlib import Path

import pytest

from hyperstore.errors import MediaError
from hyperstore.media.listing import list_files


def test_links_that_lead_nowhere_are_no_files(tmp_path: Path) -> None:
    """They have no bytes, and end no listing."""
    (tmp_path / "a").write_bytes(b"123")
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert [tuple(one) for one in list_files(str(tmp_path))] == [("a", 3), ("link", 3)]


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A list without its files would pass for the whole."""
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "below").mkdir()
    found = list_files(str(tmp_path))
    assert next(found).path == "a"
    shutil.rmtree(tmp_path / "below")
    with pytest.raises(MediaError, match="below"):
        next(found)
