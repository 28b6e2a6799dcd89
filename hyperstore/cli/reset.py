"""`reset`, `restore`, `revert`: going back."""

import click

from hyperstore.cli.commit import report_commit
from hyperstore.cli.complete import complete_revisions
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.editor import read_message
from hyperstore.cli.text import plural
from hyperstore.cli.verb import Verb
from hyperstore.dataset.abbreviation import find_frame
from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.dataset.view import View
from hyperstore.errors import NotFoundError, UsageError

__all__ = ["reset_command", "restore_command", "revert_command"]

_ALL = "."


@click.command("reset", cls=Verb)
@click.argument("revision", default="HEAD", metavar="[REV]", shell_complete=complete_revisions)
@click.option("--soft", "mode", flag_value="soft", help="Keep the frames as they are (default).")
@click.option("--hard", "mode", flag_value="hard", help="Make the frames those of the commit too.")
@pass_console
def reset_command(console: Console, revision: str, mode: str | None) -> None:
    """Move the head of the draft on which HEAD stands to a commit, by default where it is.

    With --hard what is pending is dropped; `undo` brings it back.
    """
    version = console.version()
    if revision == "HEAD" and version.head is None:
        commit = None
    else:
        commit = console.point(revision).commit_id()
    version.reset(commit, hard=mode == "hard")
    if commit is None:
        console.out.line(f"{console.title(version)} has no commits yet")
        return
    title = console.store.commit_info(commit).message.splitlines()[0]
    console.out.line(f"{console.title(version)} is now at {commit[:12]} {title}")


@click.command("restore", cls=Verb)
@click.argument("frames", metavar="FRAME...|.", nargs=-1, required=True)
@click.option(
    "-s",
    "--source",
    default="HEAD",
    metavar="REV",
    shell_complete=complete_revisions,
    help="As of this revision, by default the head.",
)
@pass_console
def restore_command(console: Console, frames: tuple[str, ...], source: str) -> None:
    """Make frames of the draft as they are in a commit; `.` is all of them, and the metadata.

    A frame that the commit has not is removed.
    """
    version = console.version()
    commit = None
    if source != "HEAD" or version.head is not None:
        commit = console.point(source).commit_id()
    if _ALL in frames:
        version.restore(None, source=commit)
        console.out.line("Restored all frames")
        return
    views = [version.view()] + ([version.at(commit)] if commit is not None else [])
    ids = [_anywhere(console, views, word) for word in frames]
    changed = version.restore(ids, source=commit)
    console.out.line(f"Restored {plural(changed, 'frame')}")


def _anywhere(console: Console, views: list[View], word: str) -> str:
    for view in views[:-1]:
        try:
            return find_frame(console.store, view, word)
        except NotFoundError:
            continue
    return find_frame(console.store, views[-1], word)


@click.command("revert", cls=Verb)
@click.argument("revision", metavar="REV", shell_complete=complete_revisions)
@click.option("-m", "--message", "parts", multiple=True, help="Instead of `Revert ...`.")
@pass_console
def revert_command(console: Console, revision: str, parts: tuple[str, ...]) -> None:
    """Commit the opposite of what one commit did, on the draft on which HEAD stands."""
    version = console.version()
    _refuse_none(version)
    made = version.revert(console.point(revision).commit_id(), read_message(parts))
    report_commit(console, version, made)


def _refuse_none(version: DatasetVersion) -> None:
    if version.head is None:
        raise UsageError(f"version {version.name!a} has no commits to revert")
