"""Which fields there are, by what names they are typed, and what values each can have.

In an ROI query a name is one of an ROI, with or without `rois.` or `roi.` before it; in a source
query one of a source, with or without `sources.` or `source.`; in a frame query one of a frame, or
of an ROI or source with its prefix, and there `label`, `confidence` and `uri` need none.

`.keyword` behind a name asks for the value itself where words of it would be looked for: of labels
and of strings in metadata. All other fields are always compared as they are, and take it as well.

Metadata are looked up by path: `meta.a.b` is what lies under `b` under `a`, and under a key that is
written `a.b`. Lists are walked at every level. Asking whether there is anything at a path asks for
what lies at or under it.
"""

from enum import StrEnum

from hyperstore.errors import QueryError, nearest
from hyperstore.query.language.condition import Field, Scope

__all__ = ["ROIS", "Holds", "analysed", "holds", "is_path_like", "known_names", "resolve", "typed"]

ROIS = "rois"
"""The path of the field of a frame that says whether it has any ROI; no other test fits it."""

_META = "meta"
_KEYWORD = ".keyword"


class Holds(StrEnum):
    """What kinds of value a field can have, in the words of messages."""

    TEXT = "text"
    NUMBERS = "numbers"
    ANYTHING = "any value"  # Metadata, and ids that may be numbers.
    STORY = "a revision"  # added, changed, removed
    PRESENCE = "whether there is any"


_PICTURE = {
    "uri": Holds.TEXT,
    "content_type": Holds.TEXT,
    "width": Holds.NUMBERS,
    "height": Holds.NUMBERS,
    "timestamp": Holds.NUMBERS,
}
_FIXED: dict[Scope, dict[str, Holds]] = {
    Scope.ROI: {
        "label": Holds.TEXT,
        "confidence": Holds.NUMBERS,
        "id": Holds.TEXT,
        "kind": Holds.TEXT,
        "annotation_id": Holds.ANYTHING,
        "sources": Holds.TEXT,
        "mask.id": Holds.TEXT,
        "mask.value": Holds.NUMBERS,
    },
    Scope.SOURCE: {
        "id": Holds.TEXT,
        **_PICTURE,
        **{f"preview.{name}": kind for name, kind in _PICTURE.items()},
        "masks.id": Holds.TEXT,
        **{f"masks.{name}": kind for name, kind in _PICTURE.items()},
    },
    Scope.FRAME: {
        "id": Holds.TEXT,
        "context_id": Holds.TEXT,
        "timestamp": Holds.NUMBERS,
        "kind": Holds.TEXT,
        "added": Holds.STORY,
        "changed": Holds.STORY,
        "removed": Holds.STORY,
        ROIS: Holds.PRESENCE,
    },
}
# How the wire form writes two fields of an ROI, which it keeps among the user's metadata.
_WIRE = {"meta._type": "kind", "meta._id": "annotation_id"}
# What has parts of which one is always there answers for the whole.
_WHOLE = {
    Scope.ROI: {"mask": "mask.id"},
    Scope.SOURCE: {"preview": "preview.uri", "masks": "masks.id"},
    Scope.FRAME: {},
}
_PREFIXES = {
    "rois.": Scope.ROI,
    "roi.": Scope.ROI,
    "sources.": Scope.SOURCE,
    "source.": Scope.SOURCE,
}
_BARE_IN_FRAMES = {"label": Scope.ROI, "confidence": Scope.ROI, "uri": Scope.SOURCE}
_MANY = {Scope.ROI: "ROIs", Scope.SOURCE: "sources", Scope.FRAME: "frames"}
_SHORT = {Scope.ROI: "rois.", Scope.SOURCE: "sources.", Scope.FRAME: ""}


def holds(field: Field) -> Holds:
    """Return what values a field can have."""
    if field.path == _META:
        return Holds.PRESENCE
    return _FIXED[field.scope].get(field.path, Holds.ANYTHING)


def analysed(field: Field) -> bool:
    """Tell whether words of the field's strings are looked for, not the strings."""
    return not field.exact and _has_words(field.scope, field.path)


def _has_words(scope: Scope, path: str) -> bool:
    return path.startswith("meta.") or (scope is Scope.ROI and path == "label")


def is_path_like(field: Field) -> bool:
    """Tell whether values of a field look like paths, so that a slash begins one."""
    return field.path.rpartition(".")[2] == "uri" or (
        field.scope is Scope.FRAME and field.path == "context_id"
    )


def typed(field: Field, scope: Scope) -> str:
    """Return the name by which a field is typed in a query of this scope."""
    prefix = "" if field.scope is scope else _SHORT[field.scope]
    return f"{prefix}{field.path}{_KEYWORD if field.exact else ''}"


def known_names(scope: Scope) -> list[str]:
    """Return the names, as typed in a query of this scope, of all fields but those of metadata."""
    names = [typed(Field(scope, path), scope) for path in _FIXED[scope]] + ["meta.<key>"]
    if scope is Scope.FRAME:
        for inner in (Scope.ROI, Scope.SOURCE):
            prefix = _SHORT[inner]
            names += [f"{prefix}{path}" for path in _FIXED[inner]] + [f"{prefix}meta.<key>"]
    return names


def resolve(name: str, scope: Scope, *, whole: bool = False) -> Field:
    """Return the field that is typed so in a query of this scope.

    With `whole`, what has fields in it is one, too: `preview`, `meta`. QueryError says what exists.
    """
    owner, path = _owner(name, scope)
    exact = path.endswith(_KEYWORD) and path != _META + _KEYWORD
    if exact:
        path = path.removesuffix(_KEYWORD)
    if owner is Scope.ROI:
        path = _WIRE.get(path, path)
    if whole and path in _WHOLE[owner]:
        path = _WHOLE[owner][path]
    if (
        path in _FIXED[owner]
        or (path.startswith("meta.") and len(path) > 5)
        or (whole and path == _META)
    ):
        return Field(owner, path, exact and _has_words(owner, path))
    near = nearest(path.rpartition(".")[2], sorted({_last(one) for one in known_names(scope)}), 1)
    close = ", ".join(f"{one!a}" for one in known_names(scope) if f"{_last(one)!a}" == near)
    hint = ""
    if scope is not Scope.FRAME and _elsewhere(name):
        hint = f"; it is a field of a frame query, and this is one of {_MANY[scope]}"
    raise QueryError(
        f"there is no field {name[:80]!a} in a query of {_MANY[scope]}{hint}; "
        f"the nearest: {close}; all: {_listed(scope)}"
    )


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _listed(scope: Scope) -> str:
    """Return all fields in one line, those of ROIs and sources of a frame in braces."""
    shown = ", ".join([*_FIXED[scope], "meta.<key>"])
    if scope is Scope.FRAME:
        for inner in (Scope.ROI, Scope.SOURCE):
            shown += f", {_SHORT[inner]}{{{_listed(inner)}}}"
    return shown


def _owner(name: str, scope: Scope) -> tuple[Scope, str]:
    """Return whose field a name is, and its path there."""
    if scope is Scope.FRAME:
        if name == "sources":
            return Scope.SOURCE, "id"  # Every source has one.
        for prefix, owner in _PREFIXES.items():
            if name.startswith(prefix):
                return owner, name.removeprefix(prefix)
        first = name.removesuffix(_KEYWORD)
        return _BARE_IN_FRAMES.get(first, scope), name
    for prefix, owner in _PREFIXES.items():
        if owner is scope and name.startswith(prefix):
            return scope, name.removeprefix(prefix)
    return scope, name


def _elsewhere(name: str) -> bool:
    try:
        resolve(name, Scope.FRAME)
    except QueryError:
        return False
    return True
