"""A folder with a store for the tests of the command."""

import json
from pathlib import Path

import pytest

from tests.support.command import Command
from tests.support.frames import Wire, wires


@pytest.fixture
def hs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("HYPERSTORE_DIR", "HYPERSTORE_EDITOR", "NO_COLOR", "VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    return Command()


@pytest.fixture
def store(hs: Command) -> Command:
    """Return the command in a folder with an empty draft `cells@Current`."""
    hs("init", "--quiet")
    hs("dataset", "create", "cells")
    return hs


@pytest.fixture
def cells(store: Command) -> Command:
    """Return the command where `cells@Current` holds ten frames in one commit."""
    store("add", "-", stdin=lines(wires(10)))
    store("commit", "-m", "Add ten")
    return store


def lines(frames: list[Wire]) -> str:
    """Return frames as JSON lines."""
    return "".join(json.dumps(frame) + "\n" for frame in frames)
