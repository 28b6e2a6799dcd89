"""Programs written for a test, run by the real runner in a process of its own."""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import dedent

from tests.support.command import Done, environment

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
    return _run([*command, *map(str, words)], folder, stdin, settings, before)


def run_plain(folder: Path, *words: object, stdin: str | None = None) -> Done:
    """Run a program as Python alone does."""
    return _run([*map(str, words)], folder, stdin, None)


def _run(
    words: list[str],
    folder: Path,
    stdin: str | None,
    settings: Mapping[str, str] | None,
    before: Callable[[], None] | None = None,
) -> Done:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment(settings),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=before,
    )
    return Done(done.returncode, done.stdout, done.stderr)
