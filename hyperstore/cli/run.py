"""`run`: a program for allegroai and clearml, run on this store."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import click

from hyperstore.cli.output import Output
from hyperstore.cli.verb import OUTPUT, Verb
from hyperstore.dataset.opening import STORE_VARIABLE

__all__ = ["run_command"]


@click.command(
    "run",
    cls=Verb,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument(
    "words", metavar="SCRIPT [ARGS]...", nargs=-1, required=True, type=click.UNPROCESSED
)
@click.pass_context
def run_command(ctx: click.Context, words: tuple[str, ...]) -> NoReturn:
    """Run a program that was written for allegroai and clearml, unchanged.

    As `python SCRIPT ARGS` would, with these imports answered here; `-m MODULE` works as well. The
    program takes the place of this command: its output, signals and exit code are its own. Tasks
    that it begins are listed by `hyperstore runs`.
    """
    output = ctx.meta[OUTPUT]
    assert isinstance(output, Output)
    output.flush()
    if ctx.find_root().params.get("folder") is not None:  # As -C wins over the variable elsewhere.
        os.environ.pop(STORE_VARIABLE, None)
    # A checkout may be in this process's path only.
    root = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH", "")
    if Path(root).name != "site-packages" and root not in known.split(os.pathsep):
        os.environ["PYTHONPATH"] = f"{known}{os.pathsep}{root}" if known else root
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    os.execv(sys.executable, [sys.executable, *flags, "-m", "hyperstore.allegroai", *words])
