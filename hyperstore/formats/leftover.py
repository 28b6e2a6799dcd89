"""Hidden names for what is being written, and an end for what killed processes left under them.

Such a file or folder stands beside its target, or within it. Whoever writes there next takes away
those that nobody has added to for a day.
"""

import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from hyperstore.ids import new_id
from hyperstore.limits import EXPORT_LEFT_S

__all__ = ["hidden_name", "is_hidden_name", "sweep"]

_NAME = re.compile(r"\.hyperstore-export-[0-9a-f]{32}")


def hidden_name() -> str:
    return f".hyperstore-export-{new_id()}"


def is_hidden_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def sweep(folder: Path) -> None:
    """Take away what was left in a folder; what cannot be is left to the next one."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if is_hidden_name(entry.name) and not entry.is_symlink():
                with suppress(OSError):
                    _take_away(entry)


def _take_away(entry: os.DirEntry[str]) -> None:
    is_folder = entry.is_dir(follow_symlinks=False)
    places = [place for place, _, _ in os.walk(entry.path)] if is_folder else [entry.path]
    if time.time() - max(Path(place).stat().st_mtime for place in places) <= EXPORT_LEFT_S:
        return  # A file that is added to a folder changes its time, so this one is being written.
    if is_folder:
        shutil.rmtree(entry.path, ignore_errors=True)
    else:
        Path(entry.path).unlink()
