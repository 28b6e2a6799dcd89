"""Stores: made, opened, refused; datasets, the place to stand, undo."""

import os
import pickle
import time
from pathlib import Path

import pytest

import hyperstore
from hyperstore import SingleFrame, Store
from hyperstore.dataset.opening import find_store
from hyperstore.errors import (
    ConflictError,
    CorruptError,
    ExistsError,
    HyperstoreError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from tests.support.frames import wire, wires


def test_a_store_is_found_again_with_all_it_holds(tmp_path: Path) -> None:
    """The folder is the store; nothing else is needed."""
    with hyperstore.init(tmp_path / "s") as store:
        store.create_dataset("cells").version().add_frames(wires(5))
        store_id = store.id
    with hyperstore.open(tmp_path / "s") as store:
        assert store.id == store_id
        assert [one.name for one in store.datasets()] == ["cells"]
        assert len(store.dataset("cells").version("Current")) == 5


def test_init_of_a_store_that_is_there_opens_it(tmp_path: Path) -> None:
    """A set-up script runs every morning."""
    with hyperstore.init(tmp_path / "s") as store:
        store.create_dataset("cells")
    with hyperstore.init(tmp_path / "s") as store:
        assert [one.name for one in store.datasets()] == ["cells"]


def test_init_refuses_a_folder_with_other_files(tmp_path: Path) -> None:
    """A store inside somebody's project folder would be mixed up with their files."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RefusedError, match=r"\.hyperstore"):
        hyperstore.init(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["notes.txt"]


def test_init_refuses_a_path_that_is_a_file(tmp_path: Path) -> None:
    """The file would be in the way, and is somebody's."""
    (tmp_path / "s").write_text("mine")
    with pytest.raises(UsageError, match="is a file"):
        hyperstore.init(tmp_path / "s")
    with pytest.raises(UsageError, match="is a file"):
        hyperstore.open(tmp_path / "s")


def test_open_says_what_makes_a_store_where_there_is_none(tmp_path: Path) -> None:
    """The first thing a new user sees."""
    with pytest.raises(NotFoundError, match="hyperstore init"):
        hyperstore.open(tmp_path / "s")
    hyperstore.init(tmp_path / "p" / ".hyperstore").close()
    with pytest.raises(NotFoundError, match="did you mean"):
        hyperstore.open(tmp_path / "p")


def test_a_damaged_data_file_is_refused_by_name(tmp_path: Path) -> None:
    """A truncated file would end the process if it were mapped."""
    with hyperstore.init(tmp_path / "s") as store:
        store.create_dataset("cells").version().add_frames(wires(500))
    data = tmp_path / "s" / "db" / "data.mdb"
    os.truncate(data, data.stat().st_size // 2)
    with pytest.raises(CorruptError):
        hyperstore.open(tmp_path / "s")


def test_a_store_is_found_from_any_folder_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As git finds its repository; the variable comes first."""
    monkeypatch.delenv("HYPERSTORE_DIR", raising=False)
    hyperstore.init(tmp_path / ".hyperstore").close()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_store(below) == tmp_path / ".hyperstore"
    monkeypatch.setenv("HYPERSTORE_DIR", str(tmp_path / "other"))
    assert find_store(below) == tmp_path / "other"


def test_a_new_dataset_has_one_empty_draft_named_current(store: Store) -> None:
    """Frames can be added at once."""
    dataset = store.create_dataset("cells", comment="blood", tags=["a", "a"])
    (version,) = dataset.versions()
    assert (version.name, len(version), version.published, version.head) == (
        "Current",
        0,
        False,
        None,
    )
    assert dataset.record.comment == "blood"
    assert dataset.record.tags == ["a"]


def test_names_of_datasets_are_unique_in_a_project(store: Store) -> None:
    """A name alone must say which one."""
    store.create_dataset("cells")
    with pytest.raises(ExistsError):
        store.create_dataset("cells")
    store.create_dataset("cells", project="lab")
    with pytest.raises(UsageError, match="name the project"):
        store.dataset("cells")
    assert store.dataset("cells", project="lab").record.project == "lab"
    other = store.create_dataset("other", project="lab")
    with pytest.raises(ExistsError):
        other.rename("cells")


def test_a_dataset_is_renamed_and_found_by_name_and_id(store: Store) -> None:
    """The id stays, so links stay."""
    dataset = store.create_dataset("cells")
    dataset.rename("blood")
    assert store.dataset("blood") == store.dataset(dataset.id) == dataset
    with pytest.raises(NotFoundError, match="'blood'"):
        store.dataset("cells")


def test_deleting_a_dataset_that_is_not_empty_takes_force(store: Store) -> None:
    """Typing one word must not lose a year of labels."""
    dataset = store.create_dataset("cells")
    dataset.version().add_frames(wires(3))
    with pytest.raises(RefusedError, match="force"):
        store.delete_dataset("cells")
    store.delete_dataset("cells", force=True)
    assert store.datasets() == []
    with pytest.raises(NotFoundError, match="deleted"):
        len(dataset.version())


def test_undo_brings_a_deleted_dataset_back_whole(store: Store) -> None:
    """Undo works over all the refs of an operation."""
    dataset = store.create_dataset("cells")
    version = dataset.version()
    version.add_frames(wires(3))
    version.commit("Add")
    version.tag("v1")
    store.delete_dataset("cells", force=True)
    store.undo()
    assert store.dataset("cells").commit_tags() == {"v1": version.head}
    assert len(store.dataset("cells").version()) == 3


def test_undo_steps_back_and_an_undo_can_be_undone(store: Store) -> None:
    """Going back too far must not lose anything either."""
    version = store.create_dataset("cells").version()
    version.add_frames([wire("a")])
    version.add_frames([wire("b")])
    store.undo()
    assert [one.id for one in version] == ["a"]
    store.undo()
    assert len(version) == 0
    newest = next(store.operations())
    store.undo(newest.number)
    assert [one.id for one in version] == ["a"]


def test_undo_refuses_what_a_later_operation_built_on(store: Store) -> None:
    """It would throw the later work away."""
    version = store.create_dataset("cells").version()
    version.add_frames([wire("a")])
    first = next(store.operations()).number
    version.add_frames([wire("b")])
    with pytest.raises(ConflictError, match="moved again"):
        store.undo(first)
    assert len(version) == 2


def test_every_operation_is_logged_with_its_moves(store: Store) -> None:
    """The reflog is a view of this log."""
    version = store.create_dataset("cells").version()
    version.add_frames([wire("a")])
    version.commit("Add one")
    log = list(store.operations())
    assert [one.command for one in log] == ["commit: Add one", "add frames", "create dataset cells"]
    assert [len(one.moves) for one in log] == [1, 1, 3]
    assert [one.number for one in log] == [3, 2, 1]


def test_the_place_to_stand_is_kept_and_survives_a_rename(store: Store, tmp_path: Path) -> None:
    """The command stands somewhere, as git stands on a branch."""
    assert store.head() is None
    version = store.create_dataset("cells").version()
    store.set_head(version)
    version.rename("night")
    found = store.head()
    assert found == version
    assert found is not None
    assert found.name == "night"
    store.delete_dataset("cells", force=True)
    assert store.head() is None


def test_settings_are_kept_and_checked(store: Store) -> None:
    """A wrong setting must not wait to be found by the night job."""
    store.set_config("user.name", 'Ada "the first"\\')
    store.set_config("gc.grace", 60)
    store.set_config("roots.nas", "/mnt/nas")
    assert store.config.text("user.name") == 'Ada "the first"\\'
    assert store.config.roots() == {"nas": "/mnt/nas"}
    store.set_config("gc.grace", None)
    assert store.config.number("gc.grace", 5) == 5
    refused: list[tuple[str, str | int]] = [
        ("nope", 1),
        ("gc.grace", -1),
        ("gc.grace", "x"),
        ("user.name", "a\nb"),
        ("roots.a b", "/x"),
        ("roots.nas", "relative"),
    ]
    for key, value in refused:
        with pytest.raises(UsageError):
            store.set_config(key, value)
    (store.path / "config.toml").write_text("[user\n")
    with pytest.raises(HyperstoreError, match=r"config\.toml"):
        store.create_dataset("cells")


def test_handles_pickle_as_paths_and_open_again(store: Store) -> None:
    """They travel into worker processes."""
    version = store.create_dataset("cells").version()
    version.add_frames(wires(3))
    again = pickle.loads(pickle.dumps(version))
    assert [one.id for one in again] == [one.id for one in version]
    view = pickle.loads(pickle.dumps(version.view()))
    assert view.content_id == version.content_id


def test_two_stores_in_different_places_agree_on_content(tmp_path: Path) -> None:
    """content_id says that two laptops hold the same frames."""
    ids = []
    for name in ("one", "two"):
        folder = tmp_path / name
        (folder / "images").mkdir(parents=True)
        with hyperstore.init(folder / ".hyperstore") as store:
            frame = wire("a")
            frame["sources"] = [{"id": "default", "uri": str(folder / "images" / "a.jpg")}]
            version = store.create_dataset("cells").version()
            version.add_frames([frame])
            ids.append(version.content_id)
            (found,) = version
            assert isinstance(found, SingleFrame)
            assert found.source == str(folder / "images" / "a.jpg")
    assert ids[0] == ids[1]


def test_a_clock_before_1970_writes_as_if_it_were_that_year(
    store: hyperstore.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A board without a battery begins anywhere; its frames are no worse for it."""
    monkeypatch.setattr(time, "time_ns", lambda: -(10**18))
    draft = store.create_dataset("x").version()
    assert draft.add_frames([{"sources": [{"id": "default", "uri": "s3://a/b"}]}]) == []
    assert draft.commit("first") is not None
    assert [info.time for info in draft.log()] == [0]


def test_a_dataset_is_deleted_by_its_id_though_another_is_named_so(store: hyperstore.Store) -> None:
    """Names are free, and may look like ids; what was in hand is deleted, and nothing else."""
    meant = store.create_dataset("meant")
    store.create_dataset(meant.id)
    store.delete_dataset(meant)
    assert [one.name for one in store.datasets()] == [meant.id]
