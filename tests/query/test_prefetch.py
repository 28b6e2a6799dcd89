"""Files of a view that are fetched while a program goes on, or ends."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hyperstore
from hyperstore import Store
from hyperstore.dataset.fetching import Stop, Wish, fetch_into_cache
from hyperstore.dataset.view import Frame
from hyperstore.query.views.prefetch import Prefetch
from tests.support.webserver import private_cache, web_server

PROGRAM = """
import sys
import hyperstore
from hyperstore import DataView

store = hyperstore.open(sys.argv[1])
begun = DataView(store=store).add_query("web").prefetch(1, wait=False)
sys.stdin.readline()
print(begun.is_done)
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Return a new store, and a cache of its own."""
    private_cache(tmp_path / "cache", monkeypatch)
    with hyperstore.init(tmp_path / "store") as made:
        yield made


def add(store: Store, uris: list[str]) -> None:
    """Add a frame for each file."""
    frames = [
        {"id": f"f{at}", "sources": [{"id": "default", "uri": uri}]} for at, uri in enumerate(uris)
    ]
    assert store.create_dataset("web").version().add_frames(frames) == []


def test_a_program_that_ends_waits_for_no_file(store: Store) -> None:
    """Neither for what has begun, which here never comes, nor for what would follow."""
    with web_server() as web:
        web.files = {f"{at}.bin": b"half half" for at in range(30)}
        add(store, [web.url(f"/held/{name}") for name in web.files])
        child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(store.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HYPERSTORE_MEDIA_TIMEOUT": "60"},
            text=True,
        )
        with child:
            try:
                assert web.begun.wait(60)
                assert child.communicate("\n", timeout=60)[0] == "False\n"
            finally:
                child.kill()
        assert child.returncode == 0
        assert len(web.asked) == 1


def test_a_fault_of_any_kind_is_raised_by_who_waits(store: Store) -> None:
    """It is not that nothing was to be fetched."""

    def read(number: int) -> Frame:
        raise ZeroDivisionError(number)

    begun = Prefetch(map(read, range(3)), str(store.path), Wish())
    for ask in (begun.wait, begun.stop):
        with pytest.raises(ZeroDivisionError):
            ask()


def test_what_is_stopped_begins_nothing_more(store: Store) -> None:
    """Frames that were read by then are not fetched, and have not failed either."""
    with web_server() as web:
        web.files = {"a.bin": b"a"}
        add(store, [web.url("/files/a.bin")])
        stop = Stop()

        def frames() -> Iterator[Frame]:
            yield from store.dataset("web").version()
            stop.ask()

        done = fetch_into_cache(frames(), str(store.path), stop=stop)
        assert (done.files, done.failures, web.asked) == (0, [], [])
        done = fetch_into_cache(store.dataset("web").version(), str(store.path))
        assert (done.files, done.frames, len(web.asked)) == (1, 1, 1)
