"""What a command line asks for: revisions, a query of frames, options about ROIs and sources.

The words are revisions, and at the end a query. One word alone may be either: it is a revision if
it leads to one, and a query if it can be read as one; what is both, or neither, is refused.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from functools import wraps
from math import inf
from typing import TypeVar

import click

from hyperstore.cli.completequery import (
    complete_queries,
    complete_roi_queries,
    complete_source_queries,
)
from hyperstore.cli.console import Console
from hyperstore.cli.verb import Verb
from hyperstore.dataset.revisions import Point, resolve
from hyperstore.errors import NotFoundError, QueryError, UsageError
from hyperstore.history.resolve import quote_name
from hyperstore.query.language.condition import Condition, Scope
from hyperstore.query.language.parser import parse
from hyperstore.query.views.queries import Query, RoiQuery

__all__ = ["Asked", "QueryVerb", "Said", "asked_of", "query_options"]

T = TypeVar("T")

_SHORT = re.compile("-[^-0-9].")  # What stands behind one letter may be its value.
_OPEN = -1  # What bounds nothing in a range.


@dataclass(frozen=True, slots=True)
class Asked:
    """The revisions that are looked through, and what is asked of each of their frames."""

    points: tuple[Point, ...]
    lucene: str | None
    condition: Condition
    query: Query  # What is asked, without the revisions,
    revisions: tuple[str, ...]  # which are as they were typed.

    @property
    def is_all(self) -> bool:
        """Whether every frame fits."""
        return self.condition == Condition()


@dataclass(frozen=True, slots=True)
class Said:
    """The words of a command, revisions and a query, and its options, as they were typed."""

    words: tuple[str, ...]
    rois: tuple[str, ...]
    not_rois: tuple[str, ...]
    source: str | None
    count_range: str | None
    conf_range: str | None

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is asked for, ranges aside."""
        return not (self.words or self.rois or self.not_rois or self.source)


class QueryVerb(Verb):
    """A command of `query_options`: of a query that looks like an option it says how to give it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse `-label:car` by name, and read all else as other commands do."""
        if not ctx.resilient_parsing:  # As where a shell asks how the line may go on.
            self._refuse_dashes(ctx, args)
        return super().parse_args(ctx, args)

    def _refuse_dashes(self, ctx: click.Context, args: list[str]) -> None:
        options = [one for one in self.params if isinstance(one, click.Option)]
        known = {*ctx.help_option_names, *(name for one in options for name in one.opts)}
        takes = {name for one in options if not one.is_flag for name in one.opts}
        end = args.index("--") if "--" in args else len(args)
        for before, one in zip(["", *args], args[:end], strict=False):
            if before in takes or _SHORT.match(one) is None:
                continue
            if ":" in one or one[:2] not in known:
                raise UsageError(
                    f"{one!a:.60} is no option; a query that begins with '-' stands behind `--`, "
                    f"or is said as {'NOT ' + one[1:]!a:.60}"
                )


def query_options(command: Callable[..., T]) -> Callable[..., T]:
    """Add revisions, a query and the options that narrow it; the command gets them as `said`."""

    @wraps(command)
    def gathered(*args: object, **given: object) -> T:
        said = Said(**{one.name: given.pop(one.name) for one in fields(Said)})  # type: ignore[arg-type]
        return command(*args, said=said, **given)

    found: Callable[..., T] = gathered
    for option in (
        click.option(
            "--conf-range",
            metavar="MIN:MAX",
            help="How sure the ROIs of each --roi are; one that does not say so counts as 1.",
        ),
        click.option(
            "--count-range", metavar="MIN:MAX", help="How many ROIs fit each --roi: `2:5`, `3:`."
        ),
        click.option(
            "--source",
            metavar="LUCENE",
            shell_complete=complete_source_queries,
            help="Frames with a source of which all of this holds.",
        ),
        click.option(
            "--not-roi",
            "not_rois",
            multiple=True,
            metavar="LABEL|LUCENE",
            shell_complete=complete_roi_queries,
            help="Frames without any ROI of which this holds.",
        ),
        click.option(
            "--roi",
            "rois",
            multiple=True,
            metavar="LABEL|LUCENE",
            shell_complete=complete_roi_queries,
            help="Frames with an ROI of which all of this holds; several may be given.",
        ),
        click.argument(
            "words", metavar="[REV]... [LUCENE]", nargs=-1, shell_complete=complete_queries
        ),
    ):
        found = option(found)
    return found


def asked_of(console: Console, said: Said) -> Asked:
    """Return what a command line asks for; QueryError, UsageError or NotFoundError say what not."""
    if (said.count_range or said.conf_range) and not said.rois:
        raise UsageError("--count-range and --conf-range are about the ROIs of a --roi: give one")
    for option, given in (("--roi", said.rois), ("--not-roi", said.not_rois)):
        if not all(one.strip() for one in given):  # No ROI has it: all frames, or none.
            raise UsageError(f"{option} is empty; '*' is any ROI")
    counts = _range(said.count_range, int, "--count-range")
    sure = _range(said.conf_range, float, "--conf-range")
    rules = [RoiQuery(one, counts, sure) for one in said.rois]  # type: ignore[arg-type]
    rules += [RoiQuery(one, must_not=True) for one in said.not_rois]
    if said.source is not None:
        parse(said.source, Scope.SOURCE)  # An empty one would ask for nothing.
    revisions, lucene = _parted(console, said.words)
    query = Query(roi_queries=tuple(rules), frame_query=lucene, source_query=said.source)
    points = [point for word in revisions for point in _points(console, word)]
    if not revisions:
        points = [console.point(None)]
    return Asked(tuple(points), lucene, query.condition(), query, tuple(revisions))


def _range(
    text: str | None, number: Callable[[str], float], option: str
) -> tuple[float, float] | None:
    """Read `2:5`, `2:`, `:5`, or `2` for just that many."""
    if text is None:
        return None
    low, colon, high = text.partition(":")
    said = (low, high) if colon else (low, low)
    try:
        ends = [number(end) if end else _OPEN for end in said]
    except ValueError:
        ends = [inf, inf]
    if not any(said) or not all(
        0 <= end < inf for end, typed in zip(ends, said, strict=True) if typed
    ):
        raise UsageError(f"{option} is a range as 2:5, 2: or :5, or one number; not {text!a:.60}")
    return ends[0], ends[1]


def _parted(console: Console, words: Sequence[str]) -> tuple[Sequence[str], str | None]:
    """Tell the revisions from the query, which is the last word where there is one."""
    if not words:
        return (), None
    *before, last = words
    for word in before:
        if not _is_revision(console, word) and _fault_of_query(word) is None:
            raise UsageError(f"{word!a:.60} is a query, which stands last, behind the revisions")
    fault = _fault_of_query(last)
    is_revision = _is_revision(console, last)
    if is_revision and fault is None and len(words) == 1:
        raise UsageError(
            f"{last!a:.60} is a revision, and can be read as a query; say `HEAD {last}` to look "
            f"for it, or `{last} '*:*'` for all that the revision holds"
        )
    if fault is None:
        return words[:-1], last
    if is_revision:
        return words, None
    if "@" in last and not any(mark in last for mark in ' :"()'):
        _points(console, last)  # Says why it is no revision.
    raise QueryError(f"{fault}; and it is no revision")


def _fault_of_query(word: str) -> QueryError | None:
    try:
        parse(word, Scope.FRAME)
    except QueryError as fault:
        return fault
    return None


def _is_revision(console: Console, word: str) -> bool:
    if _is_pattern(word):
        return True
    with suppress(NotFoundError, UsageError):
        resolve(console.store, word)
        return True
    return False


def _is_pattern(word: str) -> bool:
    """Whether a word names versions by `*` and `?`, as in `cells@*` or `*@v1`."""
    dataset, at, version = word.partition("@")
    if not (at and dataset and version) or not ("*" in word or "?" in word):
        return False
    return _fault_of_query(word) is not None  # `uri:*@2x.jpg` asks for frames.


def _points(console: Console, word: str) -> list[Point]:
    """Return what a word leads to: of one with wildcards all versions that it fits."""
    if not _is_pattern(word):
        return [console.point(word)]
    # Brackets mean nothing here, and may be part of a name.
    dataset_pattern, _, version_pattern = word.replace('"', "").replace("[", "[[]").partition("@")
    found = [
        console.point(f"{quote_name(dataset.name)}@{version.id}")
        for dataset in console.store.datasets()
        if fnmatchcase(dataset.name, dataset_pattern)
        for version in dataset.versions()
        if fnmatchcase(version.name, version_pattern)
    ]
    if not found:
        raise NotFoundError(f"no version fits {word!a:.100}; `hyperstore branch` lists them")
    return found
