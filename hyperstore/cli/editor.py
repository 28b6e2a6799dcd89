"""The user's editor, for messages and frames."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from hyperstore.errors import RefusedError, UsageError

__all__ = ["edited", "edited_message", "may_ask", "read_message"]

_VARIABLES = ("HYPERSTORE_EDITOR", "VISUAL", "EDITOR")


def read_message(parts: tuple[str, ...], file: Path | None = None) -> str | None:
    """Return a message given as -m (several are paragraphs) or as a file; None for neither."""
    if parts and file is not None:
        raise UsageError("give the message by -m or by -F, not by both")
    if file is None:
        return "\n\n".join(parts) if parts else None
    if os.fspath(file) == "-" and sys.stdin is None:
        raise RefusedError("standard input is closed; give the message by -m, or a file")
    try:
        with click.open_file(os.fspath(file), encoding="utf-8") as stream:
            text: str = stream.read()
            return text
    except UnicodeDecodeError:
        raise UsageError(f"the message in {file} is not UTF-8") from None


def may_ask() -> bool:
    """Whether a person sits at a terminal, or an editor was named on purpose."""
    if os.environ.get(_VARIABLES[0]):
        return True
    try:
        return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
    except ValueError:  # Closed.
        return False


def edited(text: str, suffix: str) -> str:
    """Return the text as the user left it. UsageError where the editor fails."""
    named = next((os.environ[name] for name in _VARIABLES if os.environ.get(name)), "vi")
    with tempfile.TemporaryDirectory(prefix="hyperstore-") as folder:
        path = Path(folder) / f"EDIT{suffix}"
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
        try:
            words = shlex.split(named)
            done = subprocess.run([*words, str(path)], check=False)
        except (OSError, ValueError) as error:
            raise UsageError(f"the editor {named!a} cannot be run: {error}") from None
        if done.returncode != 0:
            raise UsageError(f"the editor {named!a} failed ({done.returncode}); nothing changed")
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise UsageError("what the editor left is not UTF-8; nothing changed") from None


def edited_message(template: str) -> str:
    """Return a message without its comments; UsageError where none is left."""
    text = edited(template, ".txt")
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("#")).strip()
    if not kept:
        raise UsageError("the message is empty; nothing was committed")
    return kept
