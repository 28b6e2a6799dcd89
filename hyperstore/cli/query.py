"""`query`: the frames of revisions that fit."""

import click

from hyperstore.cli.asked import QueryVerb, Said, asked_of, query_options
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.explain import explain
from hyperstore.cli.found import frames_of, select
from hyperstore.cli.frametable import Form, Shape, form_of, form_options, print_frames
from hyperstore.cli.queryhistory import history_option, show_history
from hyperstore.cli.verb import Number
from hyperstore.errors import UsageError
from hyperstore.query.selection.selection import Selection

__all__ = ["query_command"]

_IDS_AT_ONCE = 4_096


@click.command("query", cls=QueryVerb)
@query_options
@click.option("--count", "is_count", is_flag=True, help="Only how many there are.")
@form_options
@click.option("-n", "most", type=Number(), metavar="N", help="At most so many.")
@click.option("--explain", "explains", is_flag=True, help="What is asked, used, and what it costs.")
@history_option
@pass_console
def query_command(
    console: Console,
    said: Said,
    is_count: bool,
    ids: bool,
    as_json: bool,
    fields: str | None,
    most: int | None,
    explains: bool,
    is_history: bool,
) -> int:
    """Show the frames of revisions that fit, by context, timestamp and id.

    LUCENE asks about frames: `meta.city:Berlin AND rois.label:car`, `rois.confidence:>=0.75`,
    `context_id:"front camera"`, `meta.taken:[2024-10-20 TO 2024-10-30]`, `uri:*night*`,
    `_exists_:meta.note`, `NOT rois.label:(car OR truck)`. All that stands side by side must hold.
    --roi, --not-roi and --source ask about one ROI or one source, of which all must hold:
    `--roi 'label:car AND confidence:>0.8'`; a plain `--roi car` is that very label. All options
    narrow what is found.

    REV may be given several times, and hold wildcards: `cells@*`. Without one it is HEAD. A frame
    that several have is shown once. Drafts are searched as they are now.

    \b
    hyperstore query cells@Current 'meta.plate:7' --roi mitosis --count-range 2:
    hyperstore query 'rois.label:dog NOT rois.label:cat' --fields id,sources.uri
    hyperstore query cells@Current 'added:v1 AND rois.label:dog'

    `added:REV`, `changed:REV` and `removed:REV` ask how frames changed since a version, tag or
    commit; --history asks all commits of one revision's line (--json: id, fits_now, spans).
    Exit code 1 where nothing fits. The first query of a store builds its index.
    """
    form = form_of(ids=ids, as_json=as_json, fields=fields)
    if is_count and (ids or fields or most is not None):
        raise UsageError("--count counts all that fit; leave out --ids, --fields and -n")
    asked = asked_of(console, said)
    if asked.is_all and not asked.lucene:
        raise UsageError(
            "nothing is asked for: give a query, --roi or --source; `hyperstore ls` lists all"
        )
    if is_history:
        if fields or explains:
            raise UsageError("--history goes with --ids, --json, --count and -n alone")
        return show_history(console, asked, as_json=as_json, ids=ids, is_count=is_count, most=most)
    selection = select(console, asked)
    if explains:
        return explain(console, selection, as_json=as_json)
    return _answer(console, selection, form, most, is_count=is_count)


def _answer(
    console: Console, selection: Selection, form: Form, most: int | None, *, is_count: bool
) -> int:
    """Print what was found; return the exit code."""
    count = len(selection)
    if is_count:
        if form.shape is Shape.JSON:
            console.out.json({"count": count})
        else:
            console.out.line(str(count))
        return int(count == 0)
    shown = count if most is None else min(most, count)
    if form.shape is Shape.IDS:
        for start in range(0, shown, _IDS_AT_ONCE):
            for frame_id in selection.frame_ids(start, min(start + _IDS_AT_ONCE, shown)):
                console.out.line(frame_id)
    else:
        print_frames(console, frames_of(selection, iter(range(shown))), form)
        if form.shape is Shape.TABLE and shown < count:
            console.out.note(f"{shown:,} of {count:,} frames")
    return int(count == 0)
