"""`publish` freezes a version; `snapshot` does, and goes on in a new draft."""

import click

from hyperstore.cli.complete import complete_versions
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.editor import read_message
from hyperstore.cli.verb import Verb

__all__ = ["publish_command", "snapshot_command"]

_message = click.option(
    "-m", "--message", "parts", multiple=True, help="Of the commit, where something is pending."
)


@click.command("publish", cls=Verb)
@click.argument("version", required=False, metavar="[VERSION]", shell_complete=complete_versions)
@_message
@pass_console
def publish_command(console: Console, version: str | None, parts: tuple[str, ...]) -> None:
    """Freeze a version, by default the one on which HEAD stands.

    What is pending is committed first. A published version does not change any more; make a child
    to go on: hyperstore switch -c NAME.
    """
    held = console.version_named(version)
    commit = held.publish(read_message(parts))
    console.out.line(f"Published {console.title(held)} at {commit[:12]}")


@click.command("snapshot", cls=Verb)
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--child", metavar="NAME", help="The name of the new draft; by default the old name.")
@click.option("--comment", help="Describe what is published.")
@_message
@pass_console
def snapshot_command(
    console: Console,
    name: str | None,
    child: str | None,
    comment: str | None,
    parts: tuple[str, ...],
) -> None:
    """Publish the version on which HEAD stands as NAME, and stand on a new draft of its old name.

    NAME is `snapshot` and the time where it is not given.
    """
    held = console.version()
    draft = held.snapshot(
        name, child_name=child, comment=comment, message=read_message(parts), stand=True
    )
    console.out.line(f"Published {console.title(held)}")
    console.out.line(f"Switched to {console.title(draft)}")
