"""A disk that is really full: one clear error; reading goes on, and work does too with room."""

from pathlib import Path
from random import Random

from hyperstore.dataset.store import init, open_store
from hyperstore.errors import DiskFullError
from tests.support.disks import fill_up
from tests.support.faults_children import expected, faults_of, in_child, show
from tests.support.model import State, apply, do
from tests.support.workload import begun, frames

__all__ = ["full"]


def full(folder: Path) -> object:
    """Fill the small file system `folder` up by adding frames, then to its last block."""
    store, ballast, filler = folder / "store", folder / "ballast", folder / "filler"
    state = State()
    for step in begun(Random(1)):
        state = apply(state, step)
    ballast.write_bytes(bytes(2 * 1024 * 1024))

    def fill() -> list[str]:
        with init(store) as opened:
            for step in begun(Random(1)):
                do(opened, step)
            version = opened.dataset("cells").version()
            wrong, refused = [], 0
            for seed in range(200):
                before = len(version)
                try:
                    version.add_frames(frames(Random(seed), 40, size=20_000))
                except DiskFullError:
                    refused += 1
                    if len(version) != before:
                        wrong.append(f"{before} frames became {len(version)} by a call that failed")
                    break
                version.reset(hard=True)
            if not refused:
                wrong.append("the disk did not become full")
            version.reset(hard=True)
            return wrong

    def look() -> list[str]:
        with open_store(store) as opened:
            if show(opened) != expected(state):
                return ["it does not show what was acknowledged"]
            return faults_of(opened)

    def go_on() -> list[str]:
        more = frames(Random(99), 20)
        with open_store(store) as opened:
            try:
                opened.dataset("cells").version().add_frames(frames(Random(9), 40, size=20_000))
            except DiskFullError:
                pass
            else:
                return ["what needs room was taken without"]
            ballast.unlink()
            filler.unlink()
            opened.dataset("cells").version().add_frames(more)
            after = apply(state, ("add", "cells", "Current", more))
            return [] if show(opened) == expected(after) else ["with room again it lost frames"]

    faults: list[str] = []
    for number, part in enumerate((fill, look, go_on)):
        if number == 1:
            fill_up(filler)
        ended, answer = in_child(part)
        faults += answer if isinstance(answer, list) else [f"{part.__name__}: {ended} {answer}"]
    return {"faults": faults}
