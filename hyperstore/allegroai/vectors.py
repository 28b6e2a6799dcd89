"""Which metadata of a dataset's entries are vectors, and of how many numbers."""

import math
from collections.abc import Mapping, Sequence

from hyperstore.dataset.dataset import Dataset
from hyperstore.errors import FrameError, UsageError

__all__ = ["VectorFields", "checked_fields", "vector_at"]

_EXTRA = "field_mappings"
_VECTOR = "dense_vector"
_Fields = dict[str, dict[str, object]]


def checked_fields(given: Mapping[str, object]) -> _Fields:
    """Return what is said of fields; UsageError where that makes no sense."""
    fields: _Fields = {}
    for path, said in given.items():
        if not isinstance(said, Mapping) or "type" not in said:
            raise UsageError(
                "field_mappings names fields with a type, such as "
                f"{{'meta.f': {{'type': '{_VECTOR}', 'dims': 3}}}}, not {path!a}: {said!a}"
            )
        dims = said.get("dims")
        if said["type"] == _VECTOR and not (type(dims) is int and dims >= 1):
            raise UsageError(f"a vector such as {path!a} has dims, 1 or more, not {dims!a}")
        fields[path.removeprefix("meta.")] = {str(name): value for name, value in said.items()}
    return fields


class VectorFields:
    """What a dataset says of its fields."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        held = dataset.record.extra.get(_EXTRA)  # A list, since a field's name may hold dots.
        self._fields: _Fields = {
            str(one["field"]): {name: value for name, value in one.items() if name != "field"}
            for one in (held if isinstance(held, list) else ())
        }

    def declare(self, fields: _Fields) -> None:
        """Record fields; UsageError where one is known as something else."""
        for path, said in fields.items():
            if self._fields.get(path, said) != said:
                raise UsageError(f"field {path!a} is known as {self._fields[path]!a}, not {said!a}")
        if any(path not in self._fields for path in fields):
            self._fields |= fields
            held = [{"field": path, **said} for path, said in self._fields.items()]
            self._dataset.set_extra(_EXTRA, held)

    def check(self, metadata: Mapping[str, object]) -> None:
        """Raise FrameError where a vector is none, or has another length."""
        for path, said in self._fields.items():
            found = _at(metadata, path) if said.get("type") == _VECTOR else None
            if found is None:
                continue
            size = len(found) if isinstance(found, Sequence) else 0
            if size != said.get("dims") or not _is_vector(found):
                raise FrameError(
                    f"meta.{path} is a vector of {said.get('dims')} numbers here, not of {size}",
                    path=f"meta.{path}",
                )


def vector_at(metadata: Mapping[str, object], path: str) -> list[float] | None:
    """Return the vector at a path of metadata; None where there is none."""
    found = _at(metadata, path)
    return list(found) if _is_vector(found) else None  # type: ignore[call-overload]


def _at(metadata: Mapping[str, object], path: str) -> object:
    """Return what stands at a path, whose dots lead into dicts or are in a key; else None."""
    if path in metadata:
        return metadata[path]
    found: object = metadata
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _is_vector(value: object) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one)
        for one in value
    )
