"""How a view is asked for on the command line: its queries, its labels, how it is gone through."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import click

from hyperstore.cli.asked import Asked
from hyperstore.cli.console import Console
from hyperstore.cli.editor import edited, may_ask
from hyperstore.dataset.revisions import Point
from hyperstore.errors import HyperstoreError, UsageError
from hyperstore.limits import OBJECT_BYTES_MAX
from hyperstore.query.checks import OUTPUT_ROIS
from hyperstore.query.dataview import DataView
from hyperstore.query.views.queries import ANY, Query

__all__ = ["Manner", "edited_spec", "manner_options", "queries_of", "read_spec", "set_manner"]

T = TypeVar("T")
Manner = Mapping[str, object]
"""What the options of `manner_options` were given, by their names."""

_OPTIONS = (
    click.option("--description", help="What it is, in words."),
    click.option("--project", metavar="NAME", help="The project that it belongs to."),
    click.option("--tag", "tags", multiple=True, help="A label; may be given more than once."),
    click.option(
        "--order", type=click.Choice(["sequential", "random"]), help="In which order it is read."
    ),
    click.option("--seed", type=int, metavar="N", help="Of the random order; 1337 unless given."),
    click.option("--limit", type=int, metavar="N", help="At most so many frames."),
    click.option("--infinite", is_flag=True, help="Go round and round, up to --limit."),
    click.option(
        "--output-rois",
        type=click.Choice(list(OUTPUT_ROIS)),
        help="Which ROIs frames are given out with.",
    ),
    click.option(
        "--map",
        "rules",
        multiple=True,
        metavar="OLD[,OLD]=NEW",
        help="Show ROIs that have all of these labels with another one; * is any.",
    ),
    click.option(
        "--label", "labels", multiple=True, metavar="LABEL=NUMBER", help="Number a label."
    ),
)


def manner_options(command: Callable[..., T]) -> Callable[..., T]:
    """Add the options that say all of a view but its queries."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def set_manner(view: DataView, manner: Manner) -> None:
    """Say what the options say; those that were not given change nothing."""
    view.set_iteration_parameters(
        order=manner["order"],  # type: ignore[arg-type]
        infinite=True if manner["infinite"] else None,
        maximum_number_of_frames=manner["limit"],  # type: ignore[arg-type]
        random_seed=manner["seed"],  # type: ignore[arg-type]
        output_rois=manner["output_rois"],  # type: ignore[arg-type]
    )
    if manner["description"] is not None:
        view.description = str(manner["description"])
    if manner["project"] is not None:
        view.project = str(manner["project"])
    if manner["tags"]:
        view.set_tags(manner["tags"])  # type: ignore[arg-type]
    for text in _texts(manner["rules"]):
        old, new = _pair(text, "--map OLD[,OLD]=NEW")
        view.add_mapping_rule(from_labels=old.split(","), to_label=new)
    if manner["labels"]:
        view.set_labels({**view.get_labels(), **_numbered(_texts(manner["labels"]))})


def queries_of(console: Console, asked: Asked, weight: float) -> list[Query]:
    """Return a query for each revision; `cells@*` stays open for versions that come later."""
    query = replace(asked.query, weight=weight)
    if not asked.revisions:
        return [_placed(query, asked.points[0])]
    queries = []
    for word in asked.revisions:
        dataset, at, version = word.partition("@")
        if at and version == ANY and (dataset == ANY or not _has_wildcards(dataset)):
            dataset_id = ANY if dataset == ANY else console.dataset(dataset).id
            queries.append(replace(query, dataset_id=dataset_id, version_id=ANY, said=word))
        elif at and _has_wildcards(word):
            raise UsageError(f"{word!a:.80}: a view takes `DATASET@*` and `*@*`, no other pattern")
        else:
            queries.append(_placed(query, console.point(word)))
    return queries


def _has_wildcards(text: str) -> bool:
    return "*" in text or "?" in text


def _placed(query: Query, point: Point) -> Query:
    version = point.version.id if point.is_version else point.commit_id()
    return replace(query, dataset_id=point.dataset.id, version_id=version, said="")


def read_spec(console: Console, path: str) -> dict[str, object]:
    """Return the plain form of a view, out of a file or from stdin."""
    try:
        if path == "-":
            text = console.standard_input().read(OBJECT_BYTES_MAX + 1)
        else:
            with Path(path).open(encoding="utf-8") as file:
                text = file.read(OBJECT_BYTES_MAX + 1)
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8") from None
    if len(text) > OBJECT_BYTES_MAX:
        raise UsageError(f"{path} has more than {OBJECT_BYTES_MAX:,} characters, which is no view")
    return _parsed(text)


def edited_spec(spec: Mapping[str, object], store: Callable[[dict[str, object]], None]) -> bool:
    """Let the user edit a view as JSON, and store it; return whether anything changed.

    Where it is refused the text is kept in a file, which the error names.
    """
    if not may_ask():  # An editor that finds no terminal waits for ever.
        raise UsageError("say what to change by --set, or run this on a terminal")
    before = json.dumps(spec, indent=2, ensure_ascii=False) + "\n"
    after = edited(before, ".json")
    if after == before:
        return False
    try:
        store(_parsed(after))
    except HyperstoreError as error:
        handle, kept = tempfile.mkstemp(prefix="hyperstore-view-", suffix=".json")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(after)
        raise type(error)(f"{error}; nothing was changed, and your text is kept: {kept}") from None
    return True


def _parsed(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise UsageError("a view is a JSON object")
    return value


def _texts(given: object) -> Sequence[str]:
    assert isinstance(given, tuple)
    return given


def _pair(text: str, shape: str) -> tuple[str, str]:
    first, equals, second = text.rpartition("=")
    if not equals or not first or not second:
        raise UsageError(f"{text!a:.80} is not {shape}")
    return first, second


def _numbered(texts: Sequence[str]) -> dict[str, int]:
    found = {}
    for text in texts:
        label, number = _pair(text, "--label LABEL=NUMBER")
        try:
            found[label] = int(number)
        except ValueError:
            raise UsageError(f"{text!a:.80} is not --label LABEL=NUMBER") from None
    return found
