"""config.toml: several writers, and what stands in its place that is no file of settings."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

import hyperstore
from hyperstore import Store
from hyperstore.errors import FormatError, UsageError


def test_settings_made_at_once_are_all_kept(store: Store) -> None:
    """Each is read, changed and written whole, so two at once would lose one of them."""

    def set_some(writer: int) -> None:
        with hyperstore.open(store.path) as mine:
            for number in range(25):
                mine.set_config(f"roots.w{writer}-{number}", f"/mnt/{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(set_some, range(4)))
    assert len(store.config.roots()) == 100


def test_setting_leaves_no_file_behind_and_keeps_the_mode(store: Store) -> None:
    """Whoever shared the file with a group, or kept it to themselves, meant it."""
    store.set_config("gc.grace", 60)
    file = store.path / "config.toml"
    file.chmod(0o640)
    store.set_config("gc.grace", 61)
    assert file.stat().st_mode & 0o777 == 0o640
    assert not [one for one in store.path.iterdir() if one.name not in ("config.toml", "db", "tmp")]


def test_a_folder_in_place_of_the_settings_is_named(store: Store) -> None:
    """A wrong copy made it; the name is what the user needs."""
    (store.path / "config.toml").mkdir()
    with pytest.raises(FormatError, match=r"config\.toml"):
        _ = store.config
    with pytest.raises(FormatError, match=r"config\.toml"):
        store.set_config("gc.grace", 60)


def test_a_key_that_is_none_is_refused(store: Store) -> None:
    """Unset as set, so that a mistyped key is not taken for unset."""
    with pytest.raises(UsageError, match="str"):
        store.set_config(5, 5)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="there are"):
        store.set_config("gc.when", None)


def test_settings_are_on_the_disk_before_they_take_the_place_of_the_old_ones(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut leaves an empty file: first the bytes are synced, then the name."""
    store.set_config("gc.grace", 60)
    synced: list[tuple[int, int, int]] = []
    sync = os.fsync

    def watched(handle: int) -> None:
        sync(handle)
        file = os.fstat(handle)
        synced.append((file.st_ino, file.st_size, (store.path / "config.toml").stat().st_ino))

    monkeypatch.setattr(os, "fsync", watched)
    store.set_config("gc.grace", 61)
    file, folder = (store.path / "config.toml").stat(), store.path.stat()
    (first, size, named), (last, _, named_last) = synced
    assert (first, size, last) == (file.st_ino, file.st_size, folder.st_ino)
    assert named != named_last == file.st_ino
