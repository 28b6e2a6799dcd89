"""Programs written for a test, run by the real runner in a process of its own."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import dedent

from tests.support.command import Done, spawn

__all__ = ["run_plain", "run_program", "write_program"]


def write_program(folder: Path, text: str, name: str = "program.py") -> Path:
    """Write a program into a folder; return its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))
    return path


def run_program(
    folder: Path,
    *words: object,
    stdin: str | None = None,
    settings: Mapping[str, str] | None = None,
    command: Sequence[str] = ("-m", "hyperstore.allegroai"),
    before: Callable[[], None] | None = None,
) -> Done:
    """Run a program in a folder, where its store is made if it makes one."""
    said = map(str, words)
    return spawn(folder, *said, stdin=stdin, settings=settings, program=command, before=before)


def run_plain(folder: Path, *words: object, stdin: str | None = None) -> Done:
    """Run a program as Python alone does."""
    return spawn(folder, *map(str, words), stdin=stdin, program=())
