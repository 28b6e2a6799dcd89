"""One cache and many: processes that want the same, that die on the way, that make room."""

import hashlib
import os
import random
import signal
import time
from multiprocessing import get_context
from pathlib import Path
from threading import Thread

import pytest

from hyperstore.errors import HyperstoreError
from hyperstore.limits import CACHE_YOUNG_S
from hyperstore.media.local import local_file
from tests.support.children import run_crowd
from tests.support.webserver import WebServer

# The server of these tests is a thread of a process that forks, which newer Pythons warn of.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

PROCESSES = 8


def contents(name: str) -> bytes:
    """Return what a file of that name holds, so that any process can tell."""
    return hashlib.sha256(name.encode()).digest() * 700


def test_processes_that_want_one_file_download_it_once(web: WebServer) -> None:
    """Workers of one training run begin with the same pictures."""
    names = [f"{at}.jpg" for at in range(20)]
    web.files.update({name: contents(name) for name in names})
    urls = {name: web.url(f"/files/{name}") for name in names}

    def work(at: int) -> None:
        for name in random.Random(at).sample(names, len(names)):
            assert Path(local_file(urls[name])).read_bytes() == contents(name)

    run_crowd(work, PROCESSES)
    assert len(web.asked) == len(names)


def test_threads_that_want_one_file_download_it_once(web: WebServer) -> None:
    """Loaders use threads as well."""
    found: list[str] = []
    threads = [
        Thread(target=lambda: found.append(local_file(web.url("/held/cat.jpg")))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    web.begun.wait(30)
    web.release.set()
    for thread in threads:
        thread.join(60)
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(web.asked) == 1


def test_a_killed_download_leaves_no_file(web: WebServer, cache: Path) -> None:
    """Half a file under its name would be half a picture for ever; nor is the next one held up."""
    child = os.fork()
    if child == 0:
        try:
            local_file(web.url("/held/cat.jpg"))
        finally:
            os._exit(0)
    assert web.begun.wait(30)
    os.kill(child, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert list(cache.glob("??/*")) == []
    web.release.set()
    path = Path(local_file(web.url("/held/cat.jpg")))
    assert path.read_bytes() == web.files["cat.jpg"]
    assert list((cache / "partial").iterdir()) == []


def test_who_waits_for_a_killed_download_takes_over(web: WebServer) -> None:
    """The lock ends with the process that held it."""
    child = os.fork()
    if child == 0:
        try:
            local_file(web.url("/held/cat.jpg"))
        finally:
            os._exit(0)
    assert web.begun.wait(30)
    found: list[str] = []
    waiting = Thread(target=lambda: found.append(local_file(web.url("/held/cat.jpg"))))
    waiting.start()
    web.release.set()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    waiting.join(60)
    assert Path(found[0]).read_bytes() == web.files["cat.jpg"]


def test_who_waits_for_a_failed_download_fails_by_itself(web: WebServer) -> None:
    """Each caller gets an answer, and nobody waits for ever."""
    failures: list[HyperstoreError] = []

    def want() -> None:
        try:
            local_file(web.url("/cut/cat.jpg"))
        except HyperstoreError as error:
            failures.append(error)

    threads = [Thread(target=want) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(failures) == 6


def test_what_is_handed_out_is_there_while_others_make_room(
    web: WebServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every path is opened when it is answered, though all files look old and few have room."""
    names = [f"{at}.jpg" for at in range(40)]
    web.files.update({name: contents(name) for name in names})
    urls = {name: web.url(f"/files/{name}") for name in names}
    monkeypatch.setenv("HYPERSTORE_CACHE_MAX_BYTES", str(10 * len(contents(""))))

    rounds = get_context("fork").Barrier(PROCESSES, timeout=60)

    def work(at: int) -> None:
        chosen = random.Random(at)
        for _ in range(10):
            for _ in range(8):
                name = chosen.choice(names)
                assert Path(local_file(urls[name])).read_bytes() == contents(name)
            # Nobody reads now, so all that is there may look as if nobody had for a while.
            if rounds.wait() == 0:
                long_ago = time.time() - 2 * CACHE_YOUNG_S
                for path in cache.glob("??/*"):
                    os.utime(path, (long_ago, long_ago))
            rounds.wait()

    run_crowd(work, PROCESSES)
    assert len(web.asked) > len(names)  # Files went and came again.
    assert list((cache / "partial").iterdir()) == []
