"""Views under torch's loaders in processes of every kind, and under torchdata's; run as programs.

Expected orders come from plain iteration of the view, pixels from the numbers that were drawn.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hyperstore import DatasetVersion
from hyperstore.query.dataview import DataView
from tests.support.loading import COUNT, ids, pictured
from tests.support.optional import needed

PROGRAMS = Path(__file__).with_name("programs")
PROJECT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


def run(program: str, *words: object, **settings: str) -> "subprocess.Popen[str]":
    """Start a program of the folder."""
    return subprocess.Popen(
        [sys.executable, str(PROGRAMS / program), *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(PROJECT), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(started: "subprocess.Popen[str]") -> str:
    """Wait for a program to end well, and return what it printed last."""
    out, error = started.communicate(timeout=300)
    assert started.returncode == 0, error
    return out.splitlines()[-1] if out else ""


def shuffled(version: DatasetVersion, epoch: int) -> list[list[object]]:
    """Return the ids of a shuffled view as it iterates, with the sum of the pixels of each."""
    view = DataView(store=version._handle)
    view.add_query(dataset_id=version.dataset_id, version_id=version.version_id)
    view.set_iteration_parameters(order="random", random_seed=5)
    frames = view.course().in_epoch(epoch) if epoch else view
    return [[one.id, _sum(int(one.id[1:]))] for one in frames]


def _sum(number: int) -> int:
    return number * (8 + number % 5) * 6


@pytest.mark.parametrize(
    ("method", "workers", "passes"),
    [
        ("none", 0, ["index", "epochs", "resumed"]),
        ("fork", 2, ["index", "epochs", "resumed"]),
        ("fork", 8, ["epochs"]),
        ("forkserver", 2, ["index", "epochs", "resumed"]),
        ("forkserver", 8, ["epochs"]),
        ("spawn", 2, ["index", "resumed"]),
        ("spawn", 8, ["epochs"]),  # Each worker takes seconds to load torch.
    ],
)
def test_vw_43_a_view_is_read_under_a_data_loader(
    tmp_path: Path, method: str, workers: int, passes: list[str]
) -> None:
    """Each frame once, in the view's order, however many processes there are and whatever kind."""
    needed("torch", group="torch")
    store, version = pictured(tmp_path)
    with store:
        first, second = shuffled(version, 0), shuffled(version, 1)
    started = run("train_stream.py", tmp_path / "store", method, workers, *passes)
    found = json.loads(said(started))
    expected = {"index": first, "epochs": [first, second], "resumed": first}
    assert found == {name: expected[name] for name in passes}


@pytest.mark.parametrize(("world", "method", "workers"), [(2, "fork", 2)])
def test_ranks_train_in_step_on_their_shares(
    tmp_path: Path, world: int, method: str, workers: int
) -> None:
    """Each has as many batches as the others, no frame twice, and all end with one model."""
    needed("torch", group="torch")
    store, _ = pictured(tmp_path)
    store.close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = [
        run(
            "train_ranks.py",
            tmp_path / "store",
            method,
            workers,
            RANK=str(rank),
            WORLD_SIZE=str(world),
            MASTER_ADDR="127.0.0.1",
            MASTER_PORT=str(port),
            GLOO_SOCKET_IFNAME="lo",
            SAID=str(tmp_path),
        )
        for rank in range(world)
    ]
    for one in started:
        said(one)
    found = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(world)]
    even = COUNT - COUNT % world
    assert [one["seen"] for one in found] == [ids()[rank:even:world] for rank in range(world)]
    assert all(one["weights"] == found[0]["weights"] for one in found)
    assert all(one["state"]["epoch"] == 1 for one in found)
