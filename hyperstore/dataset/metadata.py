"""Metadata of datasets and versions: plain values under keys that a query can name."""

from collections.abc import Mapping

from hyperstore.codec import Unfit, Value, plain
from hyperstore.errors import UsageError

__all__ = ["check_metadata", "dotted_key"]

_FOREIGN = frozenset({"_coco", "_voc"})  # No query names what is in them.


def check_metadata(metadata: object, *, path: str = "metadata") -> dict[str, object]:
    """Return metadata as plain values; UsageError naming the place that cannot be stored.

    Keys hold no `$` and no `.` at any depth, since a query names a value by its path; what other
    formats had to say stands in fields of their own, and is kept as it came.
    """
    if not isinstance(metadata, Mapping):
        raise UsageError(f"{path} is a dict, not {type(metadata).__name__}")
    try:
        checked = plain(metadata, path=path)
    except Unfit as fault:
        raise UsageError(f"{fault}") from None
    assert isinstance(checked, dict)
    _check_keys({key: held for key, held in checked.items() if key not in _FOREIGN}, path)
    return dict(checked)


def dotted_key(metadata: Mapping[str, object]) -> str | None:
    """Return the first key that holds a dot, at any depth of dicts; None where there is none.

    A frame may have such keys. A query finds them by their path, as nested ones, but a projection
    takes each dot for a step.
    """
    for key, held in metadata.items():
        if "." in key:
            return key
        if type(held) is dict and key not in _FOREIGN:
            found = dotted_key(held)
            if found is not None:
                return found
    return None


def _check_keys(value: Value, path: str) -> None:
    if isinstance(value, dict):
        for key, held in value.items():
            if "$" in key or "." in key:
                raise UsageError(f"{path}: the key {key!a} holds '$' or '.'; rename it")
            _check_keys(held, f"{path}.{key}")
    elif isinstance(value, list):
        for index, held in enumerate(value):
            _check_keys(held, f"{path}[{index}]")
