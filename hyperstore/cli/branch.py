"""`branch`: list, create, rename, delete versions. `switch` is in switch.py."""

from functools import partial

import click

from hyperstore.cli.complete import complete_revisions
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.output import styled
from hyperstore.cli.text import columns_of, fit, pad, safe
from hyperstore.cli.verb import Verb, json_option
from hyperstore.dataset.dataset import Dataset, DatasetVersion
from hyperstore.dataset.draft import Place, State
from hyperstore.dataset.lifecycle import delete_versions
from hyperstore.dataset.listing import frame_counts, head_commits, is_pending, list_states
from hyperstore.errors import ExistsError, RefusedError, UsageError
from hyperstore.history.ancestry import ancestors
from hyperstore.history.resolve import quote_name
from hyperstore.ids import CommitId, ObjectId

__all__ = ["branch_command", "create_version", "with_dataset"]


@click.command("branch", cls=Verb)
@click.argument("names", metavar="[NAME [START]]", nargs=-1, shell_complete=complete_revisions)
@click.option("-m", "--move", "rename", is_flag=True, help="Rename: [OLD] NEW.")
@click.option("-d", "--delete", "delete", is_flag=True, help="Delete versions.")
@click.option("-D", "force_delete", is_flag=True, help="Delete, whatever is lost by it.")
@click.option("-a", "--all", "is_all", is_flag=True, help="List those of all datasets.")
@click.option("--dataset", metavar="NAME", help="In another dataset than HEAD's.")
@click.option("--comment", default="", help="What a new version is for, in words.")
@json_option
@pass_console
def branch_command(
    console: Console,
    names: tuple[str, ...],
    rename: bool,
    delete: bool,
    force_delete: bool,
    is_all: bool,
    dataset: str | None,
    comment: str,
    as_json: bool,
) -> None:
    """List versions, or make one: NAME, at START or where HEAD stands.

    A version is a branch: making one costs the same at any size. What is pending stays where it
    is. --json: name, id, dataset, state, head, count, parent, comment, created (ms), is_head.
    """
    if sum((rename, delete or force_delete, is_all)) > 1:
        raise UsageError("-m, -d and -a do not go together")
    if rename:
        _rename(console, names, dataset)
    elif delete or force_delete:
        if not names:
            raise UsageError("name the versions to delete")
        _delete(console, [with_dataset(name, dataset) for name in names], force=force_delete)
    elif names and not is_all:
        if len(names) > 2:
            raise UsageError("give the name of the new version, and where it starts")
        made = create_version(
            console, names[0], names[1] if len(names) == 2 else None, dataset, comment=comment
        )
        console.out.line(f"Created version {console.title(made)}")
    else:
        _list(console, dataset, is_all=is_all, as_json=as_json)


def with_dataset(name: str, dataset: str | None) -> str:
    """Return a version's name as a revision, in the dataset named."""
    return name if dataset is None else f"{quote_name(dataset)}@{name}"


def create_version(
    console: Console,
    name: str,
    start: str | None,
    dataset: str | None,
    *,
    comment: str = "",
    stand: bool = False,
) -> DatasetVersion:
    """Make a version at a revision, by default where HEAD stands; in another dataset empty."""
    if start is None and dataset is not None:
        return console.store.dataset(dataset).create_version(name, comment=comment, stand=stand)
    point = console.point(start)
    make = partial(point.dataset.create_version, name, comment=comment, stand=stand)
    if point.commit is None:
        return make()
    if point.is_version:
        made = make(point.version)
        if point.version.status().state == "draft":
            console.out.note(f"what is pending in {console.title(point.version)} stays there")
        return made
    return make(commit=point.commit)


def _rename(console: Console, names: tuple[str, ...], dataset: str | None) -> None:
    if not 1 <= len(names) <= 2:
        raise UsageError("give the new name, or the old and the new name")
    old = with_dataset(names[0], dataset) if len(names) == 2 else None
    version = console.version_named(old)
    taken = console.store.dataset(version.dataset_id).versions()
    if any(one.name == names[-1] and one != version for one in taken):
        raise ExistsError(f"version {names[-1]!a} exists; choose another name")
    before = console.title(version)
    version.rename(names[-1])
    console.out.line(f"Renamed {before} to {console.title(version)}")


def _delete(console: Console, names: list[str], *, force: bool) -> None:
    doomed = list(dict.fromkeys(console.version_named(name) for name in names))
    for version in doomed:
        if version == console.store.head():
            raise RefusedError(
                f"HEAD stands on {console.title(version)}; switch to another version first"
            )
        if not force:
            _refuse_loss(console, version, doomed)
    was = [
        console.title(version) + ("" if version.head is None else f" (was {version.head[:12]})")
        for version in doomed
    ]
    places = [Place(version.dataset_id, version.id) for version in doomed]
    delete_versions(console.store.handle, places, force=force)
    for each in was:
        console.out.line(f"Deleted version {each}; `hyperstore undo` brings it back")


def _refuse_loss(console: Console, version: DatasetVersion, doomed: list[DatasetVersion]) -> None:
    """Refuse to delete what no name leads to that stays, as git does."""
    title = console.title(version)
    if version.published:
        raise RefusedError(f"{title} is published; delete it with -D")
    if version.status().state == "draft" and len(version):
        raise RefusedError(f"{title} has edits that are not committed; delete it with -D")
    if version.head is None:
        return
    dataset = console.store.dataset(version.dataset_id)
    stay = [one for one in dataset.versions() if one not in doomed]
    others = {one.head for one in stay} | {*dataset.commit_tags().values()}
    heads = [CommitId(ObjectId(bytes.fromhex(one))) for one in others if one is not None]
    wanted = bytes.fromhex(version.head)
    if not any(one == wanted for one in ancestors(console.store.handle.commit, heads)):
        raise RefusedError(
            f"{title} has commits that no other version or tag leads to; delete it with -D"
        )


def _list(console: Console, dataset: str | None, *, is_all: bool, as_json: bool) -> None:
    head = console.store.head()
    if is_all:
        shown = console.store.datasets()
    elif dataset is not None:
        shown = [console.store.dataset(dataset)]
    else:
        shown = [console.point(None).dataset]
    for one in shown:
        _list_one(console, one, head, full=is_all, as_json=as_json)


def _list_one(
    console: Console, dataset: Dataset, head: DatasetVersion | None, *, full: bool, as_json: bool
) -> None:
    handle = console.store.handle
    states = list_states(handle, dataset.id)
    commits = head_commits(handle, states)
    here = None if head is None else head.id
    name_of = dataset.name
    if as_json:
        for state, count in zip(states, frame_counts(handle, states, commits), strict=True):
            pending = is_pending(state, commits)
            is_head = state.record.id == here
            console.out.json(_json(name_of, state, count, pending=pending, is_head=is_head))
        return
    before = f"{quote_name(name_of)}@" if full else ""
    names = [safe(before + quote_name(state.record.name)) for state in states]
    width = max(map(columns_of, names), default=0)
    columns = console.out.columns
    for state, name in zip(states, names, strict=True):
        about = "(no commits)"
        if state.head is not None:
            title = commits[state.head].message.splitlines()[0]
            about = f"{state.head.hex()[:12]} {title}"
        text = ("[published] " if state.working is None else "") + safe(about)
        if columns is not None:
            text = fit(text, max(12, columns - width - 4))
        mark, style = ("* ", "green") if state.record.id == here else ("  ", "")
        console.out.line(mark, styled(pad(name, width), style), "  ", text)


def _json(
    dataset: str, state: State, count: int, *, pending: bool, is_head: bool
) -> dict[str, object]:
    record = state.record
    return {
        "name": record.name,
        "id": record.id,
        "dataset": dataset,
        "state": "published" if state.working is None else "draft" if pending else "committed",
        "head": None if state.head is None else state.head.hex(),
        "count": count,
        "parent": record.parent or None,
        "comment": record.comment,
        "created": record.created,
        "is_head": is_head,
    }
