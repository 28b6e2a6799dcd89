"""`dataset`: create, list, rename, delete, set."""

import json

import click

from hyperstore.cli.complete import complete_datasets
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.output import styled
from hyperstore.cli.text import columns_of, fit, pad, plural, safe
from hyperstore.cli.verb import Verb, json_option
from hyperstore.errors import RefusedError, UsageError

__all__ = ["dataset_command"]


@click.group("dataset", invoke_without_command=True)
@click.pass_context
def dataset_command(ctx: click.Context) -> None:
    """Create, list, rename, delete datasets, or set what is known of one.

    Without a verb: list.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_verb)


@dataset_command.command("create", cls=Verb)
@click.argument("name")
@click.option("--project", default="", help="The project that the dataset belongs to.")
@click.option("--comment", default="", help="What it is, in words.")
@click.option("--tag", "tags", multiple=True, help="A label; may be given more than once.")
@click.option("--no-switch", is_flag=True, help="Stay on the version on which HEAD stands.")
@pass_console
def create_verb(
    console: Console, name: str, project: str, comment: str, tags: tuple[str, ...], no_switch: bool
) -> None:
    """Make a dataset with one empty draft, `Current`, and stand on it."""
    dataset = console.store.create_dataset(
        name, project=project, comment=comment, tags=tags, stand=not no_switch
    )
    console.out.line(f"Created dataset {name} ({dataset.id})")
    if not no_switch:
        console.out.line(f"Switched to {console.title(dataset.versions()[0])}")


@dataset_command.command("list", cls=Verb)
@json_option
@pass_console
def list_verb(console: Console, as_json: bool = False) -> None:
    """List the datasets, oldest first; `*` marks where HEAD stands.

    --json: name, id, project, comment, tags, created (ms), versions, head.
    """
    head = console.store.head()
    here = None if head is None else head.dataset_id
    found = console.store.datasets()
    width = max((columns_of(safe(one.name)) for one in found), default=0)
    for dataset in found:
        record = dataset.record
        versions = dataset.versions()
        if as_json:
            console.out.json(
                {
                    "name": record.name,
                    "id": record.id,
                    "project": record.project,
                    "comment": record.comment,
                    "tags": record.tags,
                    "created": record.created,
                    "versions": len(versions),
                    "head": dataset.id == here,
                }
            )
            continue
        about = [plural(len(versions), "version")]
        about += [f"project {record.project}"] if record.project else []
        about += [record.comment] if record.comment else []
        mark, colour = ("* ", "green") if dataset.id == here else ("  ", "")
        rest = "  " + safe(", ".join(about))
        columns = console.out.columns
        if columns is not None:
            rest = fit(rest, max(12, columns - width - 2))
        console.out.line(mark, styled(pad(safe(record.name), width), colour), rest)


@dataset_command.command("rename", cls=Verb)
@click.argument("old", shell_complete=complete_datasets)
@click.argument("new")
@click.option("--project", help="The project of the dataset, where several have the name.")
@pass_console
def rename_verb(console: Console, old: str, new: str, project: str | None) -> None:
    """Give a dataset another name; its id stays."""
    console.dataset(old, project).rename(new)
    console.out.line(f"Renamed dataset {old} to {new}")


@dataset_command.command("delete", cls=Verb)
@click.argument("name", shell_complete=complete_datasets)
@click.option("-f", "--force", is_flag=True, help="Also one that holds frames or commits.")
@click.option("--project", help="The project of the dataset, where several have the name.")
@pass_console
def delete_verb(console: Console, name: str, force: bool, project: str | None) -> None:
    """Delete a dataset with its versions and tags; `undo` brings it back."""
    dataset = console.dataset(name, project)
    head = console.store.head()
    if head is not None and head.dataset_id == dataset.id:
        raise RefusedError(f"HEAD stands on {console.title(head)}; switch to another dataset first")
    console.store.delete_dataset(dataset, force=force)
    console.out.line(f"Deleted dataset {name}; `hyperstore undo` brings it back")


@dataset_command.command("set", cls=Verb)
@click.argument("name", shell_complete=complete_datasets)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--comment", help="What it is, in words.")
@click.option("--project", help="The project that it belongs to.")
@click.option("--tag", "tags", multiple=True, help="A label; the ones given replace those it has.")
@click.option(
    "--unset", "unset", multiple=True, metavar="KEY", help="A key of its metadata to drop."
)
@pass_console
def set_verb(
    console: Console,
    name: str,
    settings: tuple[str, ...],
    comment: str | None,
    project: str | None,
    tags: tuple[str, ...],
    unset: tuple[str, ...],
) -> None:
    """Set a dataset's comment, project, labels, or keys of its metadata.

    VALUE is JSON, or a plain string where it is not JSON.
    """
    console.dataset(name).describe(
        metadata=dict(map(_setting, settings)),
        unset=unset,
        comment=comment,
        project=project,
        tags=tags or None,
    )


def _setting(setting: str) -> tuple[str, object]:
    key, equals, text = setting.partition("=")
    if not equals or not key:
        raise UsageError(f"{setting!a} is not KEY=VALUE")
    try:
        return key, json.loads(text)
    except (ValueError, RecursionError):
        return key, text
