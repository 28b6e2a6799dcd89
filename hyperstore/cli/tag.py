"""`tag`: names for commits."""

import click

from hyperstore.cli.complete import complete_revisions, complete_tags
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.editor import read_message
from hyperstore.cli.output import styled
from hyperstore.cli.text import columns_of, fit, pad, safe
from hyperstore.cli.verb import Verb, json_option
from hyperstore.dataset.dataset import Dataset
from hyperstore.errors import UsageError
from hyperstore.history.branches import tags

__all__ = ["tag_command"]


@click.command("tag", cls=Verb)
@click.argument("name", required=False, metavar="[NAME]", shell_complete=complete_tags)
@click.argument("revision", required=False, metavar="[REV]", shell_complete=complete_revisions)
@click.option("-m", "--message", "parts", multiple=True, help="Why this commit has a name.")
@click.option("-d", "--delete", is_flag=True, help="Delete the tag.")
@click.option("-f", "--force", is_flag=True, help="Move the tag where it exists.")
@json_option
@pass_console
def tag_command(
    console: Console,
    name: str | None,
    revision: str | None,
    parts: tuple[str, ...],
    delete: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Name a commit for good: REV, by default the head where HEAD stands. Without NAME: list.

    A tag belongs to the dataset of its commit. --json: name, commit, message, tagger, time (ms).
    """
    if name is None:
        _list(console, console.point(None).dataset, as_json=as_json)
        return
    if delete:
        if revision is not None:
            raise UsageError("-d takes the name of a tag, and no revision")
        console.point(None).dataset.delete_tag(name)
        console.out.line(f"Deleted tag {name}")
        return
    point = console.point(revision)
    message = read_message(parts) or ""
    commit = point.commit_id()
    point.version.tag(name, commit, message=message, force=force)
    console.out.line(f"Tagged {commit[:12]} as {name}")


def _list(console: Console, dataset: Dataset, *, as_json: bool) -> None:
    with console.store.handle.database.reading() as reader:
        found = [one.tag for one in tags(reader, dataset.id)]
    width = max((columns_of(safe(tag.name)) for tag in found), default=0)
    for tag in found:
        if as_json:
            console.out.json(
                {
                    "name": tag.name,
                    "commit": tag.commit.hex(),
                    "message": tag.message,
                    "tagger": tag.tagger,
                    "time": tag.time,
                }
            )
            continue
        title = safe(tag.message.strip().split("\n")[0])
        columns = console.out.columns
        if columns is not None:
            title = fit(title, max(12, columns - width - 16))
        name = styled(pad(safe(tag.name), width), "yellow")
        console.out.line(name, "  ", tag.commit.hex()[:12], "  " if title else "", title)
