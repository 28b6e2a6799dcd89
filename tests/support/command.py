"""Running the command: in this process, which is quick, and as a process of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from hyperstore.cli.main import cli

__all__ = ["PROJECT", "Command", "Done", "environment", "interrupted", "spawn"]

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Done:
    """What one run of the command answered."""

    code: int
    out: str
    err: str

    def rows(self) -> list[dict[str, object]]:
        """Return the JSON objects of the output, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class Command:
    """The command in the current folder, in this process. Calling it expects exit code 0."""

    def __call__(self, *words: str, stdin: str | bytes | None = None) -> Done:
        done = self.run(*words, stdin=stdin)
        assert done.code == 0, f"{words} ended with {done.code}: {done.err or done.out}"
        return done

    def run(self, *words: str, stdin: str | bytes | None = None) -> Done:
        """Run the command and return whatever it answers."""
        result = CliRunner().invoke(cli, list(words), input=stdin, catch_exceptions=False)
        return Done(result.exit_code, result.stdout, result.stderr)

    def fails(self, *words: str, code: int, stdin: str | bytes | None = None) -> str:
        """Run what must end with this code and one line on stderr; return the line."""
        done = self.run(*words, stdin=stdin)
        assert done.code == code, f"{words} ended with {done.code}: {done.err or done.out}"
        assert done.err.startswith("error: "), done.err
        assert done.err.count("\n") == 1, done.err
        return done.err.removeprefix("error: ").rstrip("\n")


def environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for a process: ours, without what would change the command."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("HYPERSTORE") and name not in ("NO_COLOR", "COLUMNS")
    }
    return {**kept, "PYTHONPATH": str(PROJECT), "TERM": "xterm", **(settings or {})}


def spawn(
    folder: Path,
    *words: str,
    stdin: str | None = None,
    settings: Mapping[str, str] | None = None,
    program: Sequence[str] = ("-m", "hyperstore"),
    before: Callable[[], None] | None = None,
) -> Done:
    """Run the command, or what else Python is to run, as a process in a folder."""
    done = subprocess.run(
        [sys.executable, *program, *words],
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


def interrupted(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Press Ctrl-C until the process has ended, as people do, and return what it said.

    Python looks for signals before it waits in a read. One that comes right after that look is only
    seen with the next one, whatever the program does.
    """
    for _ in range(10):
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=15)
    process.kill()
    raise AssertionError(process.communicate())
