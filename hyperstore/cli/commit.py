"""`commit`: record what is pending."""

from pathlib import Path

import click

from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.editor import edited_message, may_ask, read_message
from hyperstore.cli.output import styled
from hyperstore.cli.text import plural
from hyperstore.cli.verb import Verb
from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.errors import PublishedError, UsageError
from hyperstore.history.commit import Changes, Count, check_message

__all__ = ["commit_command", "report_commit", "summary"]


@click.command("commit", cls=Verb)
@click.option("-m", "--message", "parts", multiple=True, help="Why; given twice, paragraphs.")
@click.option(
    "-F", "--file", type=click.Path(path_type=Path, allow_dash=True), help="Why, from a file or -."
)
@click.option("--allow-empty", is_flag=True, help="Also where nothing is pending.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
@pass_console
def commit_command(
    console: Console, parts: tuple[str, ...], file: Path | None, allow_empty: bool, quiet: bool
) -> int:
    """Record what is pending in the draft on which HEAD stands.

    Without -m or -F, an editor opens on a terminal. Exits with 1 where nothing is pending.
    """
    version = console.version()
    if version.published:
        raise PublishedError(
            f"{console.title(version)} is published and does not change; make a child: "
            "hyperstore switch -c NAME"
        )
    message = read_message(parts, file)
    if message is not None:
        check_message(message)  # Before anything else is said.
    if version.status().state == "committed" and not allow_empty:
        console.out.line(f"On {console.title(version)}: nothing to commit, nothing is pending")
        return 1
    if message is None:
        if not may_ask():
            raise UsageError("give a message: hyperstore commit -m MESSAGE")
        message = edited_message(_template(console, version))
    made = version.commit(message, allow_empty=allow_empty)
    if made is None:  # Somebody else was quicker.
        console.out.line(f"On {console.title(version)}: nothing to commit, nothing is pending")
        return 1
    if not quiet:
        report_commit(console, version, made)
    return 0


def report_commit(console: Console, version: DatasetVersion, commit: str) -> None:
    """Print what a commit recorded, as git does."""
    info = console.store.commit_info(commit)
    title = f"[{console.title(version)} {commit[:12]}]"
    console.out.line(styled(title, "yellow"), " ", info.message.splitlines()[0])
    console.out.line(" ", summary(info.changes))


def summary(changes: Changes) -> str:
    """Return `2 frames changed, 5 ROIs added`, or that nothing changed."""
    parts = [*_counts(changes.frames, "frame"), *_counts(changes.rois, "ROI")]
    return ", ".join(parts) or "no frames changed"


def _counts(count: Count, noun: str) -> list[str]:
    pairs = (("added", count.added), ("changed", count.changed), ("removed", count.removed))
    return [f"{plural(number, noun)} {verb}" for verb, number in pairs if number]


def _template(console: Console, version: DatasetVersion) -> str:
    changes = summary(version.status().changes)
    return (
        "\n# Say what changed, and why. Lines that begin with '#' are left out;\n"
        "# an empty message stops the commit.\n#\n"
        f"# On {console.title(version)}: {changes}\n"
    )
