"""The default store where nobody made it before: who comes first, and from where."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperstore import Dataset, DatasetVersion, UsageError
from hyperstore.dataset.default import find_default
from hyperstore.dataset.handle import DATABASE_FOLDER, unshare
from hyperstore.storage.database import Database
from hyperstore.storage.host import folder_lock
from tests.support.children import run_crowd
from tests.support.frames import wire

WRITERS = 6


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder that the environment names, and in which there is nothing yet."""
    named = tmp_path / "store"
    monkeypatch.setenv("HYPERSTORE_DIR", str(named))
    yield named
    unshare(named)


def register(number: int) -> None:
    """Do what a program does first: make a dataset, and store a frame."""
    Dataset.create("cells").get_version().add_frames([wire(f"f{number}")])


def register_in_step(number: int, line: threading.Barrier) -> None:
    """Do it at the same moment as the others."""
    line.wait()
    register(number)


@pytest.mark.parametrize("turn", range(5))
def test_programs_that_write_first_at_once_all_store_their_frames(folder: Path, turn: int) -> None:
    """A job array starts all its tasks in one moment, on a machine where nothing is yet."""
    run_crowd(register, WRITERS)
    assert len(Dataset.get("cells").get_version()) == WRITERS


def test_threads_that_write_first_at_once_share_one_handle(folder: Path) -> None:
    """Two handles would have two bulk contexts of one version."""
    line, failed = threading.Barrier(WRITERS), list[BaseException]()
    handles: list[object] = []

    def work(number: int) -> None:
        try:
            register_in_step(number, line)
            handles.append(find_default())
        except BaseException as error:  # noqa: BLE001 - the test says which.
            failed.append(error)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(WRITERS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failed == []
    assert len({id(one) for one in handles}) == 1
    assert len(Dataset.get("cells").get_version()) == WRITERS


def test_who_opens_a_store_that_is_being_made_waits_for_its_maker(tmp_path: Path) -> None:
    """Between the folder and its header there is a moment, and a reader may come in it."""
    database = tmp_path / DATABASE_FOLDER
    database.mkdir()
    found: list[str] = []

    def look() -> None:
        with Database.open(database) as opened:
            found.append(opened.store_id)

    with folder_lock(database):
        reader = threading.Thread(target=look)
        reader.start()
        made = tmp_path / "elsewhere"
        with Database.create(made, store_id="5" * 32):
            pass
        (made / "data.mdb").rename(database / "data.mdb")
    reader.join()
    assert found == ["5" * 32]


def test_a_folder_without_a_database_is_no_store_yet(folder: Path) -> None:
    """Its maker may have died, or be about to begin; the first write completes it."""
    (folder / DATABASE_FOLDER).mkdir(parents=True)
    assert DatasetVersion.get_datasets() == []
    register(1)
    assert len(Dataset.get("cells").get_version()) == 1


def test_a_first_write_completes_a_store_whose_maker_died_early(folder: Path) -> None:
    """The engine's file was there, and nothing in it."""
    (folder / DATABASE_FOLDER).mkdir(parents=True)
    (folder / DATABASE_FOLDER / "data.mdb").touch()
    register(1)
    assert len(Dataset.get("cells").get_version()) == 1


@pytest.mark.parametrize("named", ["", "store"])
def test_the_default_store_stays_the_same_wherever_the_process_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    """A program that changes its folder halfway would find its datasets gone."""
    monkeypatch.setenv("HYPERSTORE_DIR", named)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "below").mkdir()
    (tmp_path.parent / f"{tmp_path.name}-beside").mkdir()
    register(1)
    first = find_default()
    assert first is not None
    try:
        for there in ("below", f"../{tmp_path.name}-beside"):
            os.chdir(tmp_path / there)
            register(2)
            assert find_default() is first
    finally:
        unshare(first.folder)


def test_a_file_where_the_store_should_be_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that leads to the wrong place is the usual reason."""
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("HYPERSTORE_DIR", str(file))
    with pytest.raises(UsageError, match=r"HYPERSTORE_DIR names .*file, which is a file"):
        Dataset.get("cells")


def test_a_program_may_still_write_at_its_exit(tmp_path: Path) -> None:
    """What it does then was registered before its first call, so it is done after ours is."""
    program = (
        "import atexit\n"
        "from hyperstore import Dataset\n"
        "from tests.support.frames import wire\n"
        "atexit.register(lambda: print(version.add_frames([wire('last')])))\n"
        "version = Dataset.create('cells').get_version()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "HYPERSTORE_DIR": str(tmp_path / "store")},
    )
    assert (done.stdout, "closed" in done.stderr) == ("[]\n", False)
