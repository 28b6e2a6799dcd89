"""`view`: stored views: create, list, show, edit, delete, publish; and pins of them."""

import json

import click

from hyperstore.cli.asked import QueryVerb, Said, asked_of, query_options
from hyperstore.cli.completeview import complete_views
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.log import shown_time
from hyperstore.cli.output import Part, styled
from hyperstore.cli.text import columns_of, fit, pad, plural, safe
from hyperstore.cli.verb import Verb, json_option
from hyperstore.cli.viewasked import (
    edited_spec,
    manner_options,
    queries_of,
    read_spec,
    set_manner,
)
from hyperstore.cli.viewlock import (
    diff_verb,
    index_for,
    lock_verb,
    locks_verb,
    unlock_verb,
    verify_verb,
)
from hyperstore.errors import ExistsError, HyperstoreError, RefusedError, UsageError
from hyperstore.query.dataview import DataView
from hyperstore.query.views import viewstore as stored
from hyperstore.query.views.queries import ANY, Query

__all__ = ["view_command"]


@click.group("view", invoke_without_command=True)
@click.pass_context
def view_command(ctx: click.Context) -> None:
    """Keep views: queries over versions, with labels and an order; and pin them by locks.

    A program gets one by `DataView.get("NAME")`. Without a verb: list. A view is named by its
    name or its id.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_verb)


@view_command.command("create", cls=QueryVerb)
@click.argument("name")
@query_options
@click.option("--weight", type=float, default=1, metavar="W", help="Of frames with repetition.")
@manner_options
@click.option("--file", "path", metavar="FILE", help="All of it from JSON; - reads stdin.")
@pass_console
def create_verb(
    console: Console,
    /,
    name: str,
    said: Said,
    weight: float,
    path: str | None,
    **manner: object,
) -> None:
    """Store a view: what `query` would find with the same words, now and later.

    Each REV is a query of its own; the view has the frames of all of them. `cells@*` are all
    versions, those that come later too. `view add` adds more queries. --file takes what
    `view show --json` gives.

    \b
      hyperstore view create dogs cells@Current --roi 'label:dog AND confidence:>0.8'
      hyperstore view create night cells@v1 'meta.light:night' --order random --label car=1
    """
    handle = console.store.handle
    _check_free(console, name, "`hyperstore view edit` changes it")
    if path is not None:
        if not said.is_nothing:
            raise UsageError("--file says all of the view; leave out queries")
        view = DataView.from_spec(_own(read_spec(console, path)), store=handle)
    else:
        view = DataView(store=handle)
        asked = asked_of(console, said)
        view.add_queries(queries_of(console, asked, weight))
    view.name = name
    set_manner(view, manner)
    view.resolve()  # What it names is there.
    view.store()
    console.out.folded(f"Created view {name} ({view.id})")


@view_command.command("add", cls=QueryVerb)
@click.argument("name", shell_complete=complete_views)
@query_options
@click.option("--weight", type=float, default=1, metavar="W", help="Of frames with repetition.")
@click.option("-f", "--force", is_flag=True, help="Also to a published view.")
@pass_console
def add_verb(
    console: Console,
    name: str,
    said: Said,
    weight: float,
    force: bool,
) -> None:
    """Add queries to a view: the frames that they find join those that it has."""
    view = _view(console, name)
    asked = asked_of(console, said)
    view.add_queries(queries_of(console, asked, weight))
    view.resolve()
    view.store(force=force)
    console.out.folded(f"View {view.name} has {plural(len(view.get_queries()), 'query')}")


@view_command.command("list", cls=Verb)
@click.option("-a", "--all", "is_all", is_flag=True, help="Those that are archived, too.")
@json_option
@pass_console
def list_verb(console: Console, is_all: bool = False, as_json: bool = False) -> None:
    """List the stored views, the one stored last first.

    --json: all that is known of each, as `view show --json`.
    """
    found = stored.list_views(console.store.handle, include_archived=is_all)
    if as_json:
        for one in found:
            console.out.json(stored.record_wire(one))
        return
    columns = console.out.columns
    names = [safe(stored.name_of(one) or one.id) for one in found]
    if columns is not None:
        names = [fit(name, max(12, columns // 2)) for name in names]
    width = max(map(columns_of, names), default=0)
    for name, one in zip(names, found, strict=True):
        view = DataView.get(one.id, store=console.store)
        about = [_said(console, query) for query in view.get_queries()]
        marks = ["published"] if one.published else []
        marks += [mark for mark in one.system_tags if mark == stored.ARCHIVED]
        mark = f"[{', '.join(marks)}] " if marks else ""
        text = safe(mark + "; ".join(about))
        if columns is not None:
            text = fit(text, max(12, columns - width - 2))
        console.out.line(styled(pad(name, width), "green"), "  ", text)


@view_command.command("show", cls=Verb)
@click.argument("name", shell_complete=complete_views)
@json_option
@pass_console
def show_verb(console: Console, name: str, as_json: bool) -> None:
    """Show a view: its queries, labels, order, and how many frames it has now.

    --json: name, id, description, project, tags, status, created, updated (ms), versions,
    filters, mapping, labels_enumeration, iteration, output_rois, user, and count.
    """
    view = _view(console, name)
    record = view.record
    assert record is not None
    index_for(console, view)
    if as_json:
        count = view.get_count()
        console.out.json({**record, "count": int(count), "counts": count.queries})
        return
    out = console.out
    out.folded(styled(f"view {view.name}", "yellow"), indent=5)
    out.field("Id", str(record["id"]))
    out.field("State", view.status)
    out.field("Stored", shown_time(int(str(record["updated"]))), " by ", str(record["user"]))
    for title, value in (("Project", view.project), ("Tags", ", ".join(view.tags))):
        if value:
            out.field(title, value)
    if view.description:
        out.field("About", view.description)
    for query in view.get_queries():
        out.field("Query", _said(console, query))
    for rule in view.get_mapping_rules():
        out.field("Mapping", f"{', '.join(rule.from_labels)} -> {rule.to_label}")
    for label, number in view.get_labels().items():
        out.field("Label", f"{label} = {number}")
    said = view.get_iteration_parameters()
    shown = [f"{key} {value}" for key, value in said.items() if value not in (None, False)]
    out.field("Iteration", ", ".join(shown))
    out.field("Frames", _count(view))


@view_command.command("edit", cls=Verb)
@click.argument("name", shell_complete=complete_views)
@click.option(
    "--set", "settings", multiple=True, metavar="PATH=VALUE", help="Such as filters.0.weight=3."
)
@click.option("--unset", multiple=True, metavar="PATH", help="Drop what was said.")
@click.option("-f", "--force", is_flag=True, help="Also a published view.")
@pass_console
def edit_verb(
    console: Console, name: str, settings: tuple[str, ...], unset: tuple[str, ...], force: bool
) -> None:
    """Change a view: as JSON in an editor (HYPERSTORE_EDITOR, VISUAL, EDITOR), or by --set.

    VALUE is JSON, or a plain string where it is not. What cannot be read, or names what is not
    there, is refused, and the text that was typed is kept.
    """
    view = _view(console, name)
    if settings or unset:
        changes: dict[str, object] = dict(map(_setting, settings))
        view.override({**changes, **dict.fromkeys(unset)})
        _check_named(view)
        _check_free(console, view.name, "choose another name", but=view.id)
        view.resolve()
        view.store(force=force)
        console.out.folded(f"Changed view {view.name}")
        return

    known = stored.find_view(console.store.handle, view_id=view.id).spec

    def store(spec: dict[str, object]) -> None:
        changed = DataView.from_spec(spec, store=console.store.handle)
        _check_named(changed)
        _check_free(console, changed.name, "choose another name", but=view.id)
        changed.resolve()
        stored.store_view(
            console.store.handle,
            changed.spec(),
            changed.get_queries(),
            view_id=view.id,
            known=known,
            force=force,
        )

    is_changed = edited_spec(view.spec(), store)
    console.out.folded(f"Changed view {name}" if is_changed else "Nothing was changed")


@view_command.command("clone", cls=Verb)
@click.argument("name", shell_complete=complete_views)
@click.argument("new")
@pass_console
def clone_verb(console: Console, name: str, new: str) -> None:
    """Store a view that says the same under another name; it is a draft."""
    _check_free(console, new, "choose another name")
    made = _view(console, name).clone(new)
    made.store()
    console.out.folded(f"Created view {new} ({made.id})")


@view_command.command("delete", cls=Verb)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_views)
@click.option("-f", "--force", is_flag=True, help="Published ones, too.")
@pass_console
def delete_verb(console: Console, names: tuple[str, ...], force: bool) -> None:
    """Delete views; `undo` brings them back, and locks of them stay."""
    found = _views(console, names)
    if not force:
        for view in found:
            if view.status == "published":
                raise RefusedError(f"view {view.name!a} is published; delete it with -f")
    _all_done(stored.delete_views(console.store.handle, _ids(found), force=force))
    for view in found:
        said = f"Deleted view {view.name} ({view.id}); `hyperstore undo` brings it back"
        console.out.folded(said)


@view_command.command("publish", cls=Verb)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_views)
@pass_console
def publish_verb(console: Console, names: tuple[str, ...]) -> None:
    """Freeze views; what their queries find goes on to follow the versions. See `view lock`."""
    found = _views(console, names)
    _all_done(DataView.publish_many(_ids(found), store=console.store))
    for view in found:
        console.out.folded(f"Published view {view.name}")


@view_command.command("archive", cls=Verb)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_views)
@click.option("--undo", "undone", is_flag=True, help="Take them back into use.")
@pass_console
def archive_verb(console: Console, names: tuple[str, ...], undone: bool) -> None:
    """Mark views as out of use: `view list` leaves them out."""
    found = _views(console, names)
    _all_done(DataView.archive_many(_ids(found), archived=not undone, store=console.store))
    for view in found:
        console.out.folded(f"{'Unarchived' if undone else 'Archived'} view {view.name}")


@view_command.command("move", cls=Verb)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_views)
@click.option("--project", required=True, metavar="NAME", help="Where to.")
@pass_console
def move_verb(console: Console, names: tuple[str, ...], project: str) -> None:
    """Move views to another project, which is a name."""
    found = _views(console, names)
    _all_done(DataView.move_many(_ids(found), project, store=console.store))
    for view in found:
        console.out.folded(f"Moved view {view.name} to {project}")


for _verb in (lock_verb, locks_verb, unlock_verb, verify_verb, diff_verb):
    view_command.add_command(_verb)


def _view(console: Console, name: str) -> DataView:
    return DataView.get(name, store=console.store)


def _check_free(console: Console, name: str | None, advice: str, but: str | None = None) -> None:
    """Raise ExistsError where another view has a name: only one of them could be named by it."""
    known = stored.list_views(console.store.handle)
    if but is not None and any(one.id == but and stored.name_of(one) == name for one in known):
        return  # It had it before, as an unnamed one, or one that a program stored, may.
    if name and any(stored.name_of(one) == name for one in known):
        raise ExistsError(f"view {name!a} exists; {advice}")


def _check_named(view: DataView) -> None:
    """Raise UsageError of a stored view whose name was taken away: another one would be made up."""
    if view.name is None:
        raise UsageError("a stored view keeps a name; `--set name=NEW` gives it another one")


def _views(console: Console, names: tuple[str, ...]) -> list[DataView]:
    found = {view.id: view for view in (_view(console, name) for name in names)}
    return list(found.values())


def _ids(views: list[DataView]) -> list[str]:
    return [view.id for view in views if view.id is not None]


def _all_done(done: stored.Bulk) -> None:
    for error in done.failed.values():
        raise error


def _own(said: dict[str, object]) -> dict[str, object]:
    """Return a view without what the store says of it, as `view show --json` has that."""
    added = {"id", "user", "company", "created", "updated", "status", "system_tags", "versions"}
    return {name: value for name, value in said.items() if name not in added | {"count", "counts"}}


def _setting(text: str) -> tuple[str, object]:
    path, equals, word = text.partition("=")
    if not equals or not path:
        raise UsageError(f"{text!a:.80} is not PATH=VALUE")
    try:
        return path, json.loads(word)
    except (ValueError, RecursionError):
        return path, word


def _said(console: Console, query: Query) -> str:
    """Return a query on one line: where, and what."""
    parts = [_where(console, query)]
    for rule in query.roi_queries:
        label = rule.label if isinstance(rule.label, str) else ", ".join(rule.label or (ANY,))
        text = f"{'not ' if rule.must_not else ''}roi {label}"
        text += f" x{list(rule.count_range)}" if rule.count_range else ""
        text += f" confidence {list(rule.conf_range)}" if rule.conf_range else ""
        parts.append(text)
    parts += [f"frame {query.frame_query}"] if query.frame_query else []
    parts += [f"source {query.source_query}"] if query.source_query else []
    parts += [f"weight {query.weight:g}"] if query.weight != 1 else []
    return ", ".join(parts)


def _where(console: Console, query: Query) -> str:
    """Return which versions a query is about, by their names where they are here."""
    dataset, version = query.dataset_id or ANY, query.version_id or ANY
    try:
        found = console.store.dataset(dataset)
        names = {one.id: one.name for one in found.versions()}
        return f"{found.name}@{names.get(version, version[:12])}"
    except HyperstoreError:
        return f"{dataset[:12]}@{version[:12]}"


def _count(view: DataView) -> Part:
    try:
        count = view.get_count()
    except HyperstoreError as error:  # It can be shown, and mended, all the same.
        return styled(str(error), "red")
    each = f" ({', '.join(f'{one:,}' for one in count.queries)})" if len(count.queries) > 1 else ""
    return f"{int(count):,}{each}"
