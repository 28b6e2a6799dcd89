"""What may be said of an iteration, checked where it is typed."""

from collections.abc import Iterable
from math import inf
from numbers import Integral, Real

from hyperstore.errors import HyperstoreError, QueryError, UsageError, a_type, nearest
from hyperstore.query.order import IterationOrder

__all__ = [
    "ALL_IN_FRAME",
    "FRAME_PER_ROI",
    "OUTPUT_ROIS",
    "WEIGHT_MAX",
    "as_given",
    "checked_count",
    "checked_flag",
    "checked_label_names",
    "checked_order",
    "checked_output",
    "checked_place",
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

WEIGHT_MAX = 1e12
"""Of a query, and one over it is the least: no sum or share of some leaves what floats hold."""

_INT64 = 2**63
_SHOWN_MAX = 60  # Characters of what was given, in a message.
_PLACES = ("dataset_id", "version_id", "dataset_name", "version_name")


def as_given(given: object) -> str:
    """Return what was given as a message says it: of what is long, how it begins and ends."""
    try:
        text = ascii(given)
    except ValueError:  # Python writes no number of over 4,300 digits.
        return "a number of thousands of digits"
    if len(text) <= _SHOWN_MAX:
        return text
    half = _SHOWN_MAX // 2
    return f"{text[:half]}...{text[-half:]} ({len(text):,} characters)"


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
    raise UsageError(f"the order of iteration is one of {known}, not {as_given(given)}")


def checked_count(given: object, what: str, *, least: int = 1) -> int | None:
    """Return a number that is large enough; None where none is given."""
    if given is None:
        return None
    number = plain_number(given)
    if type(number) is not int or number < least:
        raise QueryError(f"{what} is a whole number of {least} or more, not {as_given(given)}")
    if number >= _INT64:
        raise QueryError(f"{what} is a whole number of 63 bits, not {as_given(given)}")
    return number


def checked_seed(given: object) -> int | None:
    """Return a seed; None where none is given."""
    if given is None:
        return None
    number = plain_number(given)
    if type(number) is not int or not -_INT64 <= number < _INT64:
        raise QueryError(f"a seed is a whole number of 64 bits, not {as_given(given)}")
    return number


def checked_flag(given: object, what: str) -> bool:
    """Return True or False; a word that is given for one would count as True."""
    if not isinstance(given, bool):
        raise UsageError(f"{what} is True or False, not {as_given(given)}")
    return given


def checked_output(given: object) -> str:
    """Return which ROIs frames are given out with."""
    name = getattr(given, "value", given)
    if not isinstance(name, str) or name not in OUTPUT_ROIS:
        known = nearest(str(name), OUTPUT_ROIS)
        raise UsageError(f"output_rois is one of {known}, not {as_given(given)}")
    return name


def checked_text(given: object, what: str, fault: type[HyperstoreError] = UsageError) -> str | None:
    """Return text that can be stored and looked up; None where none is given.

    `fault` is what is raised of text that no UTF-8 can say.
    """
    if given is None:
        return None
    if not isinstance(given, str):
        raise UsageError(f"{what} is a str, not {a_type(given)}")
    try:
        given.encode()
    except UnicodeEncodeError:
        raise fault(f"{what} holds an unpaired surrogate: {as_given(given)}") from None
    return str(given)  # NumPy has strings of its own.


def checked_place(asked: object) -> None:
    """Raise QueryError unless a query or rule names its dataset and version by text, or not.

    An empty name is none that was left out: whoever fills it in from elsewhere meant one.
    """
    for name in _PLACES:
        if checked_text(getattr(asked, name), name) == "":
            raise QueryError(f"{name} is empty; '*' is any, and None is as if it was left out")


def checked_label_names(given: object, what: str) -> tuple[str, ...]:
    """Return the labels of a rule, each once; of a set in one order.

    `*` beside others adds nothing, since they say more; alone it stays.
    """
    typed: object = [given] if isinstance(given, str) else given
    if not isinstance(typed, Iterable):
        raise UsageError(f"{what} is a str or a list of labels, not {a_type(given)}")
    try:
        items: list[object] = list(typed)
    except TypeError:  # NumPy's arrays without a dimension look as if they could be gone through.
        raise UsageError(f"{what} is a list of labels, not {as_given(given)}") from None
    labels: list[str] = []
    for one in items:
        if not isinstance(one, str):
            raise UsageError(f"{what} is a list of labels; it holds {a_type(one)}")
        labels.append(checked_text(one, what, QueryError) or "")
    if not labels or "" in labels:
        raise QueryError(f"{what} names no label, or an empty one: {as_given(given)}; '*' is any")
    if isinstance(typed, set | frozenset):
        labels.sort()
    return tuple(dict.fromkeys(one for one in labels if one != "*")) or ("*",)


def checked_weight(weight: object, most: float = inf) -> float:
    """Return a share of the output; QueryError for 0, for less, and for what is no number.

    It is from one over `most` to `most`.
    """
    number = plain_number(weight)
    found = 0.0
    if isinstance(number, int | float) and not isinstance(number, bool):
        try:
            found = float(number)
        except OverflowError:
            found = inf
    if not 0 < found < inf or not 1 / most <= found <= most:
        ends = "" if most == inf else f", from {1 / most:g} to {most:g}"
        raise QueryError(f"weight is a number greater than 0{ends}, not {as_given(weight)}")
    return int(found) if found.is_integer() else found
