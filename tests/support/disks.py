"""Small and read-only disks, where this user may mount them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.faults import cannot_run

__all__ = ["fill_up", "read_only", "small_disk"]


@contextmanager
def small_disk(folder: Path, size_kb: int) -> Iterator[Path]:
    """Give a folder that holds so much, all of it in memory."""
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a disk of `small_disk`, or any folder of a user who is not root, refuse writing."""
    if os.geteuid():
        places = [folder, *folder.rglob("*")]
        modes = [place.stat().st_mode for place in places]
        for place, mode in zip(places, modes, strict=True):
            place.chmod(mode & ~0o222)
        try:
            yield
        finally:
            for place, mode in zip(places, modes, strict=True):
                place.chmod(mode)
        return
    _mount("-o", "remount,ro", str(folder))
    try:
        yield
    finally:
        _mount("-o", "remount,rw", str(folder))


def fill_up(path: Path) -> None:
    """Take all the room that is left, to the last block."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def _mount(*words: str) -> None:
    try:
        done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        cannot_run("there is no mount command here")
    if done.returncode:
        cannot_run(f"this user cannot mount a small disk: {done.stderr.strip()}")
