"""What the colours of masks mean, as a version's metadata says it: the one reader of these words.

Under `mask_labels`, and there under `_all_` or under the id of a mask, stands a list of
`{"value": [r, g, b], "labels": [...]}`, or one such dict. A value of one number is a shade of grey.
"""

from collections.abc import Iterable, Iterator, Mapping

from hyperstore.errors import UsageError, a_type

__all__ = ["ALL", "Colour", "colours_of", "labels_in", "legend_of"]

ALL = "_all_"
"""Under this stands what holds for every mask."""

Colour = tuple[int, ...]
Words = dict[Colour, tuple[str, ...]]


def legend_of(said: object, mask_id: str | None = None) -> Words:
    """Return the labels of each colour of a mask; what stands under its own id goes before `_all_`.

    Values that no pixel can have are passed over. UsageError where what is said is no such list, or
    where one list gives a colour two meanings.
    """
    legend: Words = {}
    for key in (ALL, mask_id):
        if key is not None:
            found = colours_of(said, key, grey=True)
            legend |= found
    return legend


def colours_of(said: object, key: str = ALL, *, grey: bool = False) -> Words:
    """Return what stands under one key, as `legend_of` does; with `grey` shades as three numbers.

    What one list says twice of a colour must be the same, by whichever of its forms.
    """
    found: Words = {}
    meanings: Words = {}
    for value, names in _entries(said, key):
        colour = _colour(value)
        if colour is None:
            continue
        full = colour * 3 if len(colour) == 1 else colour
        if meanings.setdefault(full, names) != names:
            raise UsageError(
                f"mask_labels.{key} says two things of {list(colour)}: {meanings[full]} and {names}"
            )
        found[full if grey else colour] = names
    return found


def labels_in(said: object) -> list[str]:
    """Return every label that is said of a colour of any mask."""
    keys = said if isinstance(said, Mapping) else ()
    return [name for key in keys for _, names in _entries(said, key) for name in names]


def _entries(said: object, key: str) -> Iterator[tuple[Iterable[object], tuple[str, ...]]]:
    if not isinstance(said, Mapping):
        raise UsageError(f"mask labels are a dict such as {{'_all_': [...]}}, not {a_type(said)}")
    entries = said.get(key, [])
    for at, entry in enumerate(entries if isinstance(entries, list) else [entries]):
        value = entry.get("value") if isinstance(entry, Mapping) else None
        labels = entry.get("labels") if isinstance(entry, Mapping) else None
        if not isinstance(value, (list, tuple)) or not isinstance(labels, (list, tuple)):
            raise UsageError(f"mask_labels.{key}[{at}] is no dict of a value and its labels")
        yield value, tuple(map(str, labels))


def _colour(value: Iterable[object]) -> Colour | None:
    """Return a value as whole numbers; None for what no pixel can have, such as None or 1.5."""
    numbers = []
    for one in value:
        if isinstance(one, bool) or not isinstance(one, (int, float)) or one != one // 1:
            return None
        numbers.append(int(one))
    return tuple(numbers)
