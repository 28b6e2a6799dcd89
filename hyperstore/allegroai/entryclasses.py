"""Which class an entry is read as: that which wrote it, if the program has it loaded.

A stored entry names its classes in a field of its own, `_clearml`, beside the user's metadata. They
are looked for among the subclasses that there are, and never imported by that name. Entries that
clearml itself wrote have them in their metadata, which is understood as well.
"""

import warnings
from collections.abc import Iterator, Mapping
from typing import TypeVar

__all__ = ["CLASSES", "class_name", "classes_of", "looks_like_pictures", "resolved"]

CLASSES = "_clearml"
_ENTRY_KEY, _PART_KEY = "_clearml_data_entry_class", "_clearml_data_sub_entry_class"
_T = TypeVar("_T")


def class_name(kind: type) -> str:
    """Return what a class is stored as: `module:Name`."""
    return f"{kind.__module__}:{kind.__qualname__}"


def classes_of(wire: dict[str, object]) -> tuple[str | None, dict[str, str]]:
    """Take the names of classes out of a wire frame: the entry's, and by name those of its parts.

    What clearml keeps in the metadata for that is dropped there.
    """
    said = wire.pop(CLASSES, None)
    held = said if isinstance(said, dict) else {}
    entry, parts = held.get("entry"), held.get("parts")
    known = parts.items() if isinstance(parts, dict) else ()
    names = {str(name): str(kind) for name, kind in known}
    meta = wire.get("meta")
    if isinstance(meta, dict):
        entry = meta.pop(_ENTRY_KEY, entry)
        for name, own in meta.items():
            if isinstance(own, dict) and _PART_KEY in own:
                names[name] = str(own.pop(_PART_KEY))
    return (entry if isinstance(entry, str) else None), names


def resolved(name: str | None, base: type[_T], otherwise: type[_T]) -> type[_T]:
    """Return the loaded subclass of `base` of a stored name, else `otherwise`, with a warning."""
    if name is None:
        return otherwise
    known = [base, *_below(base)]
    exact = [kind for kind in known if class_name(kind) == name]
    # A program's own class is `__main__:Name` to itself, and something else to others.
    alike = [kind for kind in known if kind.__qualname__ == name.rpartition(":")[2]]
    if exact or len(alike) == 1:
        return (exact or alike)[0]
    warnings.warn(
        f"an entry was written as {name[:200]!a}, which is not loaded, and is read as "
        f"{otherwise.__name__}; import its class before",
        UserWarning,
        stacklevel=2,
    )
    return otherwise


def _below(kind: type[_T]) -> Iterator[type[_T]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def looks_like_pictures(wire: Mapping[str, object]) -> bool:
    """Tell whether any source has what only pictures have: a size, a preview or masks."""
    sources = wire.get("sources")
    return any(
        isinstance(one, dict) and any(one.get(key) for key in ("width", "preview", "masks"))
        for one in (sources if isinstance(sources, list) else ())
    )
