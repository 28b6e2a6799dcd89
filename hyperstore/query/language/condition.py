"""What a query asks of a frame, as a tree of plain values, whatever language it was written in.

A node holds of one thing: of a frame, or within the scope of an ROI or a source, of one ROI or one
source. The nodes of a tree below `And`, `Or` and `Not` all belong to one scope; in the scope of a
frame a leaf may name a field of its ROIs or sources, and then holds if any of them fits, whatever
other leaves found: the flattened frame.
"""

from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from hyperstore.codec import Struct

__all__ = [
    "EVERYTHING",
    "NOTHING",
    "And",
    "Condition",
    "Exists",
    "Field",
    "Leaf",
    "Node",
    "Not",
    "Or",
    "Range",
    "Regex",
    "RoiCondition",
    "Scope",
    "Since",
    "Term",
    "Test",
    "Wildcard",
]


class Scope(StrEnum):
    """Of what a field is, and within what a query holds."""

    FRAME = "frame"
    ROI = "roi"
    SOURCE = "source"


class Field(Struct, frozen=True):
    """One searchable field: `Field(Scope.ROI, "label", exact=True)` is what is typed as
    `label.keyword` in an ROI query and `rois.label.keyword` in a frame query.

    `path` is the stored one, without the prefix of its scope: `label`, `meta.splits.set`, `uri`.
    Where `exact` is false and the field is analysed (labels, strings of metadata), a term matches
    words of a value without regard to case; else a term is the value.
    """

    scope: Scope
    path: str
    exact: bool = False


class Term(Struct, frozen=True):
    """Equal to this text; on an analysed field, holding its words one after another."""

    text: str


class Range(Struct, frozen=True):
    """Between two bounds of one type, either of which may be missing: None.

    Numbers compare with numbers, exactly (never with booleans); datetimes, which have a zone, with
    strings that are ISO 8601 dates; strings with strings by code points.
    """

    low: int | float | str | datetime | None
    high: int | float | str | datetime | None
    low_open: bool = False  # Whether the bound itself is outside.
    high_open: bool = False


class Wildcard(Struct, frozen=True):
    """Matching a whole string (on an analysed field, a word of it, too).

    `parts` are literal strings and the two wildcards, told apart from text that was escaped:
    None stands for any run of characters, True for any one character.
    """

    parts: tuple[str | bool | None, ...]


class Regex(Struct, frozen=True):
    """Matching a whole string (on an analysed field, a word of it, too), in Lucene's syntax."""

    pattern: str


class Exists(Struct, frozen=True):
    """Having a value: not missing, not null, not an empty list."""


class Since(Struct, frozen=True):
    """How a frame's own story goes on since a revision: `path` of the field says which way.

    The paths are `added`, `changed` and `removed`; frames that a version no longer has are read
    from that revision.
    """

    revision: str


Test: TypeAlias = Term | Range | Wildcard | Regex | Exists | Since


class Leaf(Struct, frozen=True):
    """A test of one field: it holds where any of the field's values fits."""

    field: Field
    test: Test


class And(Struct, frozen=True):
    """All of its parts hold; with no part, everything fits."""

    parts: tuple["Node", ...]


class Or(Struct, frozen=True):
    """Any of its parts holds; with no part, nothing fits."""

    parts: tuple["Node", ...]


class Not(Struct, frozen=True):
    """The part does not hold."""

    part: "Node"


Node: TypeAlias = And | Or | Not | Leaf

EVERYTHING = And(())
NOTHING = Or(())


class RoiCondition(Struct, frozen=True):
    """How many ROIs of a frame `node` holds of, each by itself, within a range of confidence.

    An ROI without a confidence counts as one of 1.0 in `confidence`, as (min, max), both inside;
    None where any will do. `count` is (min, max) with None for no maximum. With `must_not` no ROI
    may fit, and `count` means nothing.
    """

    node: Node
    count: tuple[int, int | None] = (1, None)
    confidence: tuple[float, float] | None = None
    must_not: bool = False


class Condition(Struct, frozen=True):
    """What one query asks of a frame: all that is here, each part independent of the others.

    `frame` holds of the flattened frame, `source` of one of its sources, each of `rois` of ROIs.
    """

    frame: Node = EVERYTHING
    source: Node | None = None
    rois: tuple[RoiCondition, ...] = ()
    no_rois: bool = False  # Only frames without any ROI.
