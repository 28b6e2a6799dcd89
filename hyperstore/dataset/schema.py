"""What a version's frames hold: fields with their types, sources, contexts.

All of it reads every frame, lazily and chunk by chunk.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from hyperstore.codec import Struct, Unfit, decoder
from hyperstore.dataset.ingest import Failure, FrameLike, failure_of, unfailed
from hyperstore.dataset.updating import wire_of
from hyperstore.dataset.view import Frame, View
from hyperstore.errors import FrameError, HyperstoreError, UsageError
from hyperstore.frames.roots import Roots, absolute_uri
from hyperstore.ids import ObjectId
from hyperstore.limits import DEPTH_MAX

__all__ = [
    "StrictSchema",
    "field_types",
    "frames_by_source",
    "snippets",
    "source_ids",
    "source_uris",
]

Schema = dict[str, list[str]]

_FIXED: dict[str, Schema] = {
    "frame": {
        "blob": ["string"],
        "context_id": ["string"],
        "id": ["string"],
        "timestamp": ["integer"],
    },
    "source": {
        "content_type": ["string"],
        "height": ["integer"],
        "id": ["string"],
        "timestamp": ["integer"],
        "uri": ["string"],
        "width": ["integer"],
    },
    "roi": {
        "confidence": ["number"],
        "id": ["string"],
        "label": ["string"],
        "sources": ["string"],
    },
}
_NAMES = {bool: "boolean", float: "number", int: "integer", str: "string", type(None): "null"}
_MATCHED = 256  # Frames that are read at once.


class _Source(Struct):
    id: str
    uri: str


class _Sourced(Struct):
    """What of a stored frame names its sources; all else is skipped unread."""

    id: str
    sources: list[_Source]
    context_id: str | None = None


_read = decoder(_Sourced)


def field_types(view: View, schema_type: str) -> Schema:
    """Return the fields that queries name, with the types of their values; those of metadata seen.

    A field of metadata that has two types is a conflict, and lists both.
    """
    if type(schema_type) is not str or schema_type not in _FIXED:
        raise UsageError(f"schema_type is frame, source or roi, not {schema_type!a}")
    seen: dict[str, set[str]] = {}
    for frame in view:
        for meta in _metas(frame.to_dict(), schema_type):
            _note(meta, "meta", seen)
    found = {path: sorted(types) for path, types in seen.items()}
    return dict(sorted((_FIXED[schema_type] | found).items()))


def _metas(wire: Mapping[str, object], schema_type: str) -> Iterator[object]:
    if schema_type == "frame":
        yield wire.get("meta")
        return
    parts = wire.get("sources" if schema_type == "source" else "rois")
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict):
            yield part.get("meta")


def _note(value: object, path: str, seen: dict[str, set[str]], depth: int = 0) -> None:
    if depth > DEPTH_MAX:
        return  # It will be refused.
    if isinstance(value, dict):
        for key, held in value.items():
            _note(held, f"{path}.{key}", seen, depth + 1)
    elif isinstance(value, list):
        for held in value:
            _note(held, path, seen, depth + 1)
    elif value is not None and path != "meta":
        seen.setdefault(path, set()).add(_NAMES.get(type(value), "string"))


class StrictSchema:
    """Refuses frames whose metadata has another type than what a version holds under that key.

    Whole numbers and others are one type. What comes first of what is new says its type.
    """

    def __init__(self, view: View) -> None:
        self._types: dict[str, str] = {}
        self.failures: list[Failure] = []
        for frame in view:
            self._conflict(frame.to_dict())

    def passed(self, frames: Iterable[FrameLike], *, strict: bool) -> Iterator[FrameLike]:
        """Yield frames that fit; the others become failures, or with `strict` FrameError."""
        for frame in map(unfailed, frames):
            wire = wire_of(frame)
            try:
                said = None if wire is None else self._conflict(wire)
            except (HyperstoreError, MemoryError):
                raise
            except Exception:  # noqa: BLE001 - a map of a user that fails is refused when stored.
                said = None
            if said is None:
                yield frame
            elif strict:
                refused = FrameError(said)
                refused.frame = frame
                raise refused
            else:
                self.failures.append(failure_of(frame, said, "validation"))

    def _conflict(self, wire: Mapping[str, object]) -> str | None:
        seen: dict[str, set[str]] = {}
        for kind in _FIXED:
            found: dict[str, set[str]] = {}
            for meta in _metas(wire, kind):
                _note(meta, "meta", found)
            seen |= {f"{kind}.{path}": types for path, types in found.items()}
        merged = {path: sorted(_merged(types)) for path, types in seen.items()}
        for path, types in merged.items():
            known = self._types.get(path, types[0])
            if types != [known]:
                return (
                    f"{path} is {' and '.join(types)} in frame {wire.get('id')!a}, where it is "
                    f"{known} elsewhere; give it one type, or leave out strict_schema"
                )
        self._types |= {path: types[0] for path, types in merged.items()}
        return None


def _merged(types: set[str]) -> set[str]:
    return {"number" if one == "integer" else one for one in types}


def source_ids(view: View, most: int) -> list[str]:
    """Return the ids of sources, by their names; `most` of them at most."""
    found: set[str] = set()
    for _, frame in _sourced(view):
        found.update(source.id for source in frame.sources)
    return sorted(found)[:most]


def source_uris(view: View, roots: Roots, most: int) -> dict[str, str]:
    """Return for each URI of a source the id of the first frame that has it."""
    found: dict[str, str] = {}
    for _, frame in _sourced(view):
        for source in frame.sources:
            if len(found) >= most:
                return found
            found.setdefault(roots.absolute(source.uri), frame.id)
    return found


def snippets(view: View, most: int) -> list[dict[str, object]]:
    """Return the first frame of each context as a wire dict, with the number of its frames."""
    firsts: dict[str, tuple[str, int]] = {}
    roots: list[str] = []
    for _, frame in _sourced(view):
        context = frame.sources[0].uri if frame.context_id is None else frame.context_id
        if context not in firsts:
            if len(firsts) >= most:
                break
            roots.append(frame.id)
        first, count = firsts.get(context, (frame.id, 0))
        firsts[context] = (first, count + 1)
    frames = view.get_frames_by_ids(roots)
    counts = [count for _, count in firsts.values()]
    return [
        {**frame.to_dict(), "num_frames": count}
        for frame, count in zip(frames, counts, strict=True)
    ]


def frames_by_source(view: View, pattern: str, roots: Roots) -> Iterator[Frame]:
    """Yield the frames of which a source's URI fits; `*` stands for anything, in any number."""
    if type(pattern) is not str or not pattern:
        raise UsageError(f"a source is a URI, in which `*` stands for anything, not {pattern!a}")
    parts = _pattern(pattern).split("*")
    matching = (
        frame.id
        for _, frame in _sourced(view)
        if any(_fits(roots.absolute(source.uri), parts) for source in frame.sources)
    )
    while chunk := list(islice(matching, _MATCHED)):
        yield from view.get_frames_by_ids(chunk)


def _pattern(pattern: str) -> str:
    """Return a pattern as URIs are stored: a local path as the URI of its file, up to the `*`."""
    plain, star, rest = pattern.partition("*")
    if not plain:
        return pattern
    try:
        uri = absolute_uri(plain, "source_uri")
    except Unfit as fault:
        raise UsageError(f"{fault}") from None
    if plain.endswith("/") and not uri.endswith("/"):  # A path loses it when made absolute.
        uri += "/"
    return uri + star + rest


def _fits(uri: str, parts: list[str]) -> bool:
    """Return whether a URI is made of these parts with anything between them."""
    if len(parts) == 1:
        return uri == parts[0]
    first, *middle, last = parts
    if not uri.startswith(first) or not uri.endswith(last) or len(uri) < len(first) + len(last):
        return False
    at, end = len(first), len(uri) - len(last)
    for part in middle:
        at = uri.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


def _sourced(view: View) -> Iterator[tuple[ObjectId, _Sourced]]:
    for object_id, payload in view.payloads():
        yield object_id, _read(payload, what="frame")
