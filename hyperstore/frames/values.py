"""Single values of a wire frame, taken exactly: kept, made plain, or refused with their place."""

import math
from collections.abc import Iterable, Mapping, Set
from decimal import Decimal
from operator import index
from typing import SupportsIndex, cast

from hyperstore.codec import Unfit, plain
from hyperstore.errors import FrameError, UsageError, a_type
from hyperstore.frames.geometry import Num
from hyperstore.frames.records import Metadata
from hyperstore.limits import DEPTH_MAX, FRAME_ID_BYTES_MAX

__all__ = [
    "amounts",
    "exact_confidence",
    "exact_id",
    "exact_labels",
    "exact_meta",
    "exact_names",
    "exact_number",
    "exact_numbers",
    "exact_size",
    "exact_text",
    "exact_time",
    "exactly",
    "given_id",
    "given_map",
    "given_names",
    "numbers",
    "quick_map",
    "quick_meta",
]

_INT64 = 2**63
_FLOATS = frozenset({float})
_NUMBERS = frozenset({float, int})
_STRINGS = frozenset({str})
_SAFE = frozenset({bool, int, str, type(None)})


def exact_numbers(given: object, path: str) -> list[Num]:
    """Return a list of finite numbers."""
    if type(given) is list or type(given) is tuple:
        numbers = list(given)
        if _known_good(numbers):
            return numbers
    else:
        found = plain(given, path=path)
        if not isinstance(found, list):
            raise Unfit(path, f"{a_type(given)} is not a list of numbers")
        numbers = found
    return [exact_number(number, f"{path}[{at}]") for at, number in enumerate(numbers)]


def amounts(given: Iterable[object], what: str) -> list[Num]:
    """Return arguments of a call as finite numbers; UsageError says which is none."""
    try:
        return exact_numbers(list(given), what)
    except Unfit as fault:
        raise UsageError(str(fault)) from None


def numbers(values: object, what: str) -> list[Num]:
    """Return finite numbers from any iterable; FrameError names the first that is none."""
    if type(values) is not list:
        if not isinstance(values, Iterable):
            raise FrameError(f"{what}: {a_type(values)} is not a list of numbers", path=what)
        values = list(values)
    try:
        return exact_numbers(values, what)
    except Unfit as fault:
        raise FrameError(str(fault), path=fault.path) from None


def exactly(values: object, size: int, what: str) -> list[Num]:
    """Return exactly so many finite numbers."""
    found = numbers(values, what)
    if len(found) != size:
        raise FrameError(f"{what} takes {size} numbers; these are {len(found)}", path=what)
    return found


def _known_good(numbers: list[Num]) -> bool:
    """Tell whether all are plain, finite and no zero, which may be a -0.0; False proves nothing."""
    if 0 in numbers:
        return False
    if _FLOATS.issuperset(map(type, numbers)):
        total = sum(numbers)
        return total - total == 0
    if not _NUMBERS.issuperset(map(type, numbers)):
        return False
    # Comparing also finds infinities, but not NaN, with which nothing can be said.
    total = sum(number for number in numbers if type(number) is float)
    return total - total == 0 and min(numbers) >= -_INT64 and max(numbers) < _INT64


def exact_number(given: object, path: str) -> Num:
    """Return a number, integer or float as it was given; a Decimal becomes a float."""
    if type(given) is float and math.isfinite(given):
        return given + 0.0  # Makes -0.0 into 0.0, and changes no other number.
    if isinstance(given, Decimal):
        given = float(given) if not given.is_snan() else math.nan
    number = plain(given, path=path)
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise Unfit(path, f"{a_type(given)} is not a number")
    return number


def exact_confidence(given: object, path: str) -> float | None:
    """Return a confidence as a float from 0 to 1, or None for None."""
    if given is None or (type(given) is float and 0 < given <= 1):
        return given
    number = exact_number(given, path)
    if not 0 <= number <= 1:
        raise Unfit(path, f"{number!r:.40} is not a confidence from 0 to 1")
    return float(number)


def _whole(given: object, path: str, low: int, what: str) -> int | None:
    if given is None or (type(given) is int and low <= given < _INT64):
        return given
    number = plain(given, path=path)
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int):
        shown = repr(number) if isinstance(number, float) else a_type(given)
        raise Unfit(path, f"{shown} is not a whole number; {what}")
    if not low <= number < _INT64:
        raise Unfit(path, f"{number} is out of range; {what}")
    return number


def exact_time(given: object, path: str) -> int | None:
    """Return a timestamp, or None for None."""
    return _whole(given, path, -_INT64, "a timestamp is an integer of 64 bits, in milliseconds")


def exact_size(given: object, path: str) -> int | None:
    """Return a number of pixels, or None for None."""
    return _whole(given, path, 0, "a size is an integer number of pixels, not negative")


def exact_text(given: object, path: str) -> str | None:
    """Return a string, or None for None."""
    if given is None or (type(given) is str and given.isascii()):
        return given
    if not isinstance(given, str):
        raise Unfit(path, f"{a_type(given)} is not a string")
    return str(plain(given, path=path))


def exact_id(given: object, path: str) -> str | None:
    """Return the id of a frame or an ROI, or None for None."""
    text = exact_text(given, path)
    if text is not None and not 0 < len(text.encode()) <= FRAME_ID_BYTES_MAX:
        raise Unfit(
            path,
            f"an id takes 1 to {FRAME_ID_BYTES_MAX} bytes; this one takes {len(text.encode()):,}",
        )
    return text


def exact_names(given: object, path: str) -> list[str]:
    """Return a list of strings; one string is a list of one, and a set is sorted."""
    if isinstance(given, Set) and all(isinstance(name, str) for name in given):
        given = sorted(str(name) for name in given)
    if isinstance(given, str):
        given = [given]
    if type(given) is list and _STRINGS.issuperset(map(type, given)) and "".join(given).isascii():
        return given.copy()
    names = plain(given, path=path)
    if not isinstance(names, list):
        raise Unfit(path, f"{a_type(given)} is not a list of strings")
    for at, name in enumerate(names):
        if not isinstance(name, str):
            raise Unfit(f"{path}[{at}]", f"{a_type(name)} is not a string")
    return [str(name) for name in names]


def given_id(given: object) -> str | None:
    """Return the id that an argument gives a frame: text, or a number as text; None for None."""
    if given is None or type(given) is str:
        return given
    if isinstance(given, str):
        return str(given)
    if isinstance(given, float) and math.isfinite(given):
        return str(float(given))
    if isinstance(given, SupportsIndex) and not isinstance(given, bool):
        return str(index(given))
    raise FrameError(f"id: a frame's id is a string or a number, not {given!a:.60}", path="id")


def given_names(given: object, what: str) -> list[object]:
    """Return what an argument lists; one string is a list of one, and a set is sorted.

    Sets of strings have another order in every process, and what is stored must not follow it.
    FrameError for what is no iterable; what it holds is not looked at.
    """
    if isinstance(given, str):
        return [given]
    if not isinstance(given, Iterable):
        raise FrameError(f"{what}: {a_type(given)} is not a list of strings", path=what)
    if isinstance(given, Set) and all(isinstance(name, str) for name in given):
        return sorted(given)
    return list(given)


def given_map(given: object, what: str) -> Metadata | None:
    """Return a copy of a map of names to values, or None for an empty one; FrameError for others.

    What it holds is not looked at: it is live until it is stored.
    """
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise FrameError(f"{what}: {a_type(given)} is not a map of names to values", path=what)
    return dict(given) or None


def exact_labels(given: object, path: str) -> list[str]:
    """Return the labels of an ROI; one string is one label."""
    names = [] if given is None else exact_names(given, path)
    if not names:
        raise Unfit(path, "the ROI has no label; give at least one")
    return names


def exact_meta(given: object, path: str, depth: int) -> Metadata | None:
    """Return a map of plain values, or None for an empty one."""
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise Unfit(path, f"{a_type(given)} is not a map of names to values")
    found = plain(given, path=path, depth=depth)
    assert isinstance(found, dict)
    return dict(found) or None


def quick_meta(given: object, depth: int) -> Metadata | None:
    """Return what `exact_meta` does, mostly sooner; Unfit names no place.

    What only encoding shows stays unseen: keys that are no strings, -0.0, integers too large,
    unpaired surrogates.
    """
    if type(given) is dict:
        for value in given.values():  # Most hold nothing that holds something itself.
            is_a = type(value)
            if is_a not in _SAFE and not (is_a is float and math.isfinite(value)):
                break
        else:
            return given.copy() or None
        try:
            return quick_map(given, depth + 1) or None
        except Unfit:
            pass
    return exact_meta(given, "", depth)


def quick_map(given: dict[str, object], depth: int) -> Metadata:
    """Return a copy of a map of plain values, itself at this depth; Unfit where in doubt."""
    if depth > DEPTH_MAX:
        raise Unfit("", "nested too deep")
    found: Metadata = {}
    for key, item in given.items():
        is_a = type(item)
        if is_a in _SAFE or (is_a is float and math.isfinite(cast("float", item))):
            found[key] = item
        elif is_a is dict:
            found[key] = quick_map(cast("dict[str, object]", item), depth + 1)
        elif is_a is list:
            found[key] = _quick_list(cast("list[object]", item), depth + 1)
        else:
            raise Unfit("", "not surely plain")
    return found


def _quick_list(given: list[object], depth: int) -> list[object]:
    """Return a copy of a list of plain values, itself at this depth; Unfit where in doubt."""
    if depth > DEPTH_MAX:
        raise Unfit("", "nested too deep")
    found: list[object] = []
    for item in given:
        is_a = type(item)
        if is_a in _SAFE or (is_a is float and math.isfinite(cast("float", item))):
            found.append(item)
        elif is_a is dict:
            found.append(quick_map(cast("dict[str, object]", item), depth + 1))
        elif is_a is list:
            found.append(_quick_list(cast("list[object]", item), depth + 1))
        else:
            raise Unfit("", "not surely plain")
    return found
