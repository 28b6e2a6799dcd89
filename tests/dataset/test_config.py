"""config.toml: several writers, and what stands in its place that is no file of settings."""

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
        store.set_config("gc.auto", None)
