"""What may be said of an iteration, checked where it is typed."""

from math import inf
from numbers import Integral, Real

from hyperstore.errors import QueryError, UsageError, a_type, nearest
from hyperstore.query.order import IterationOrder

__all__ = [
    "ALL_IN_FRAME",
    "FRAME_PER_ROI",
    "OUTPUT_ROIS",
    "checked_count",
    "checked_flag",
    "checked_order",
    "checked_output",
    "checked_seed",
    "checked_text",
    "checked_weight",
    "plain_number",
]

ALL_IN_FRAME = "all_in_frame"
FRAME_PER_ROI = "frame_per_roi"
OUTPUT_ROIS = (ALL_IN_FRAME, "only_filtered", FRAME_PER_ROI)
"""All ROIs of a frame; those that the query fits; the frame once for each of these, with that one.
"""

_INT64 = 2**63


def plain_number(given: object) -> object:
    """Return a number of NumPy, or of another library, as Python's; what is none as it is.

    What no float can hold becomes an endless one, which nobody takes.
    """
    if type(given) in (bool, int, float):
        return given
    if isinstance(given, Integral):
        return int(given)
    try:
        return float(given) if isinstance(given, Real) else given
    except OverflowError:
        return inf


def checked_order(given: object) -> IterationOrder:
    """Return an order, by itself or by its name."""
    name = getattr(given, "name", given)  # clearml's own enumeration, too.
    for one in IterationOrder:
        if name == one.value:
            return one
    known = ", ".join(ascii(one.value) for one in IterationOrder)
    raise UsageError(f"the order of iteration is one of {known}, not {given!a:.100}")


def checked_count(given: object, what: str, *, least: int = 1) -> int | None:
    """Return a number that is large enough; None where none is given."""
    if given is None:
        return None
    number = plain_number(given)
    if type(number) is not int or not least <= number < _INT64:
        raise QueryError(f"{what} is a whole number of {least} or more, not {given!a:.100}")
    return number


def checked_seed(given: object) -> int | None:
    """Return a seed; None where none is given."""
    if given is None:
        return None
    number = plain_number(given)
    if type(number) is not int or not -_INT64 <= number < _INT64:
        raise QueryError(f"a seed is a whole number of 64 bits, not {given!a:.100}")
    return number


def checked_flag(given: object, what: str) -> bool:
    """Return True or False; a word that is given for one would count as True."""
    if not isinstance(given, bool):
        raise UsageError(f"{what} is True or False, not {given!a:.100}")
    return given


def checked_output(given: object) -> str:
    """Return which ROIs frames are given out with."""
    name = getattr(given, "value", given)
    if not isinstance(name, str) or name not in OUTPUT_ROIS:
        shown = nearest(str(name), OUTPUT_ROIS)
        raise UsageError(f"output_rois is one of {shown}, not {given!a:.100}")
    return name


def checked_text(given: object, what: str) -> str | None:
    """Return text that can be stored and looked up; None where none is given."""
    if given is None:
        return None
    if not isinstance(given, str):
        raise UsageError(f"{what} is a str, not {a_type(given)}")
    try:
        given.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{what} holds an unpaired surrogate: {given!a:.100}") from None
    return given


def checked_weight(weight: object) -> float:
    """Return a share of the output; QueryError for 0, for less, and for what is no number."""
    number = plain_number(weight)
    found = 0.0
    if isinstance(number, int | float) and not isinstance(number, bool):
        try:
            found = float(number)
        except OverflowError:
            found = inf
    if not 0 < found < inf:
        raise QueryError(f"weight is a number greater than 0, not {weight!a:.100}")
    return int(found) if found.is_integer() else found
