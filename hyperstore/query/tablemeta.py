"""Which columns metadata makes: one for each key whose values are of one type, else JSON text.

Maps are walked: `meta.splits.set` is a column. Whole numbers beyond 64 bits, lists, and keys that
hold values of several types are JSON text, as are maps that lie deep. What becomes no column at
all, since there are too many, still stands in the JSON of the whole.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

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
    """One column; `kind` is text, boolean, int, real or json."""

    path: Path
    kind: str

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def value_in(self, meta: Metadata | None) -> object:
        """Return the value of one map of metadata; None where it has none."""
        value: object = meta
        for part in self.path:
            if not isinstance(value, Mapping):
                return None
            value = value.get(part)
        if value is None:
            return None
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

    def columns(self) -> list[MetaColumn]:
        """Return the columns, by name; two keys that would have one name have one column.

        Names are told apart without regard to case, since SQL has none.
        """
        found: dict[str, MetaColumn] = {}
        above = {path[:-1] for path in self._seen}
        for path in sorted(self._seen):
            kind = "" if self._seen[path] == _MAP and path in above else self._column(path)
            if not kind or not all(part and "\0" not in part for part in path):
                continue
            column = MetaColumn(path, kind)
            found.setdefault(column.name.casefold(), column)
            if len(found) >= TABLE_META_COLUMNS_MAX:
                break
        return list(found.values())

    def _column(self, path: Path) -> str:
        """Return the kind of a path's column; "" where that of a map above it holds it."""
        if any(self._seen[path[:at]] != _MAP for at in range(1, len(path))):
            return ""
        kinds = self._seen[path]
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
