"""`version`: of the program, the format and the engine. Needs no store, and little else."""

import platform

import click

from hyperstore.cli.output import Output
from hyperstore.cli.verb import OUTPUT, Verb, json_option
from hyperstore.limits import FORMAT_VERSION
from hyperstore.storage.environment import ENGINE

__all__ = ["PROGRAM_VERSION", "version_command"]

PROGRAM_VERSION = "0.1.0"  # As in pyproject.toml; asking the installed package takes 40 ms.


@click.command("version", cls=Verb)
@json_option
@click.pass_context
def version_command(ctx: click.Context, as_json: bool = False) -> None:
    """Show the versions of the program, the format that it writes, the engine, and Python."""
    output = ctx.meta[OUTPUT]
    assert isinstance(output, Output)
    if as_json:
        output.json(
            {
                "version": PROGRAM_VERSION,
                "format": FORMAT_VERSION,
                "engine": ENGINE,
                "python": platform.python_version(),
            }
        )
        return
    output.line(f"hyperstore {PROGRAM_VERSION}")
    output.line(f"format {FORMAT_VERSION}, engine {ENGINE}, Python {platform.python_version()}")
