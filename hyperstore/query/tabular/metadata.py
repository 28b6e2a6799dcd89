"""Which columns metadata makes: one for each key whose values are of one type, else JSON text.

Maps are walked: `meta.splits.set` is a column. Whole numbers beyond 64 bits, lists, and keys that
hold values of several types are JSON text, as are maps that lie deep. What becomes no column at
all, since there are too many, still stands in the JSON of the whole.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from operator import or_

from hyperstore.limits import TABLE_META_COLUMNS_MAX, TABLE_META_DEPTH_MAX, TABLE_META_PATHS_MAX

__all__ = ["MetaColumn", "MetaKinds", "json_text", "leaves"]

Metadata = Mapping[str, object]
Path = tuple[str, ...]

_TEXT, _BOOLEAN, _WHOLE, _REAL, _INEXACT, _HUGE, _MAP, _OTHER = (1 << at for at in range(8))
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_EXACT_MAX = 2**53  # Up to here a float is any whole number.
_ENCODE: Callable[[object], str] = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def json_text(value: object) -> str:
    """Return a value of metadata as JSON: what reads it again has the value."""
    return _ENCODE(value)


@dataclass(frozen=True, slots=True)
class MetaColumn:
    """One column; `kind` is text, boolean, int, real or json.

    Its values stand at several `sources` where keys lead to one name: `{"a.b": 1}` and
    `{"a": {"b": 1}}` do.
    """

    path: Path
    kind: str
    sources: tuple[Path, ...]

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def value_in(self, meta: Metadata | None) -> object:
        """Return the value of one map of metadata, the first of several; None where it has none."""
        for source in self.sources:
            value: object = meta
            for part in source:
                value = value.get(part) if isinstance(value, Mapping) else None
            if value is not None:
                return self._shown(value)
        return None

    def _shown(self, value: object) -> object:
        if self.kind == "json":
            return json_text(value)
        return float(value) if self.kind == "real" else value  # type: ignore[arg-type]


class MetaKinds:
    """What was seen of the values of each key."""

    def __init__(self) -> None:
        self._seen: dict[Path, int] = {}

    def add(self, meta: Metadata | None) -> None:
        """Take note of one map of metadata."""
        if meta:
            self._add(meta, ())

    def _add(self, meta: Metadata, above: Path) -> None:
        seen = self._seen
        for name, value in meta.items():
            path = (*above, name)
            before = seen.get(path)
            if before is None:
                if len(seen) >= TABLE_META_PATHS_MAX:
                    continue
                before = 0
            kind = _kind(value)
            if kind == _MAP and len(path) >= TABLE_META_DEPTH_MAX:
                kind = _OTHER
            seen[path] = before | kind
            if kind == _MAP:
                assert isinstance(value, Mapping)
                self._add(value, path)

    def columns(self, *, fold: bool = False) -> list[MetaColumn]:
        """Return the columns, by name; keys that would have one name share a column.

        With `fold`, keys that differ by the case of ASCII letters do, too: SQL has none.
        """
        alike: dict[Path, list[Path]] = {}
        for path in sorted(self._seen):
            alike.setdefault(tuple(map(_lower, path)) if fold else path, []).append(path)
        kinds = {
            key: reduce(or_, (self._seen[path] for path in paths)) for key, paths in alike.items()
        }
        above = {key[:-1] for key in kinds}
        named: dict[str, list[Path]] = {}
        for key in alike:
            held = kinds[key] == _MAP and key in above
            held |= any(kinds[key[:at]] != _MAP for at in range(1, len(key)))
            if not held and all(part and "\0" not in part for part in key):
                named.setdefault(".".join(key), []).append(key)
        found = []
        for keys in islice(named.values(), TABLE_META_COLUMNS_MAX):
            first = keys[0]
            # A map that is spelled in two ways is one, by the first of them.
            path = tuple(alike[first[: at + 1]][0][at] for at in range(len(first)))
            kind = _column_kind(reduce(or_, (kinds[key] for key in keys)))
            found.append(MetaColumn(path, kind, tuple(one for key in keys for one in alike[key])))
        return found


def _lower(name: str) -> str:
    return "".join(one.lower() if one.isascii() else one for one in name)


def _column_kind(kinds: int) -> str:
    """Return the kind of a column that holds values of several kinds, or of one."""
    for wanted, name in ((_TEXT, "text"), (_BOOLEAN, "boolean"), (_WHOLE | _INEXACT, "int")):
        if kinds and kinds | wanted == wanted:
            return name
    if kinds and kinds | _WHOLE | _REAL == _WHOLE | _REAL:
        return "real"
    return "json"


def _kind(value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, str):
        return _TEXT
    if isinstance(value, bool):
        return _BOOLEAN
    if isinstance(value, int):
        if not _INT64_MIN <= value <= _INT64_MAX:
            return _HUGE
        return _WHOLE if -_EXACT_MAX <= value <= _EXACT_MAX else _INEXACT
    if isinstance(value, float):
        return _REAL
    return _MAP if isinstance(value, Mapping) else _OTHER


def leaves(meta: Metadata | None, above: str = "") -> Iterator[tuple[str, object]]:
    """Yield (path with dots, value) of whatever is no map, and of empty maps."""
    for name, value in (meta or {}).items():
        path = f"{above}{name}"
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{path}.")
        else:
            yield path, value
