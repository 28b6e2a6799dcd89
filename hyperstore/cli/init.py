"""`init`: make a store."""

import os
from pathlib import Path

import click

from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.verb import Verb
from hyperstore.dataset.opening import STORE_FOLDER
from hyperstore.dataset.store import init

__all__ = ["init_command"]


@click.command("init", cls=Verb)
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--allow-network", is_flag=True, help="Also on a network or cloud-synced folder.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
@pass_console
def init_command(console: Console, folder: Path | None, allow_network: bool, quiet: bool) -> None:
    """Make a store in DIR/.hyperstore, by default here, or complete a half-made one.

    Safe to repeat: what is there is never wiped. Without DIR, HYPERSTORE_DIR names the store's own
    folder where it is set.
    """
    named = os.environ.get("HYPERSTORE_DIR")
    if folder is None and named:
        place = Path(named)
    else:
        place = (folder or Path()) / STORE_FOLDER
        place.parent.mkdir(parents=True, exist_ok=True)
    existed = (place / "db").is_dir()
    with init(place, allow_network=allow_network) as store:
        path = store.path
    if not quiet:
        done = "Reinitialized existing" if existed else "Initialized empty"
        console.out.line(f"{done} store in {path}")
