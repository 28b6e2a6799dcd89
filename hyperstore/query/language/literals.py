"""Numbers and dates that are written as text, in queries and in metadata.

A number is what JSON takes for one, and also `+5`, `.5` and `5.`; without point and exponent it is
an int of any size, else the nearest float. A date is ISO 8601 in full: `2024-10-20`, alone or with
a time of at least hours and minutes (`T` or a space between) and with `Z` or an offset behind it;
with neither it is UTC. A date alone is its midnight. What is finer than a microsecond is cut off.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone

from hyperstore.limits import NUMBER_DIGITS_MAX

__all__ = [
    "BOOLEANS",
    "bound_of",
    "instant",
    "instant_of",
    "is_date",
    "is_like_date",
    "is_like_number",
    "number",
]

BOOLEANS = {"true": True, "false": False}
"""How truth is written, whatever the case of its letters."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(\.[0-9]*)?|(\.[0-9]+))([eE][+-]?[0-9]+)?\Z")
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?"
    r"(?:(Z)|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?\Z"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)


def number(text: str) -> int | float | None:
    """Return the number that a text is, or None; also None for what is beyond all floats."""
    found = _NUMBER.match(text)
    if found is None or len(text) > NUMBER_DIGITS_MAX:
        return None
    if found[1] is None and found[2] is None and found[3] is None:
        return int(text)
    value = float(text)
    return None if value in (float("inf"), float("-inf")) else value


def is_like_number(text: str) -> bool:
    """Tell whether a text is written as numbers are; it may be too large for one."""
    return _NUMBER.match(text) is not None


def is_like_date(text: str) -> bool:
    """Tell whether a text is written as dates are; the calendar may have no such day."""
    return _DATE.match(text) is not None


def instant(text: str) -> int | None:
    """Return the microseconds since 1970, in UTC, of a date, or None for what is none."""
    # Nearly no string is one, and this says so quickest.
    if len(text) < 10 or text[4] != "-" or text[7] != "-":
        return None
    found = _read(text)
    return None if found is None else instant_of(found)


def is_date(text: str) -> bool:
    """Tell whether a text is a date."""
    return instant(text) is not None


def instant_of(moment: datetime) -> int:
    """Return the microseconds since 1970 of a datetime that has a zone."""
    return (moment - _EPOCH) // _MICROSECOND


def bound_of(text: str, *, upper: bool, is_open: bool) -> tuple[datetime, bool] | None:
    """Return a date as the bound of a range, in UTC, and whether it is outside itself.

    Without a time it stands for its whole day: `[a TO b]` goes from the beginning of the one day to
    the end of the other, `{a TO b}` from the end of the one to the beginning of the other. None for
    what is no date, or is one only in its own zone, at either end of the calendar.
    """
    found = _read(text)
    if found is None:
        return None
    try:
        moment = found.astimezone(UTC)
    except OverflowError:
        return None
    if len(text) > 10 or upper == is_open:
        return moment, is_open
    # From here the end of the day is meant, which is the beginning of the next.
    if moment.date() == date.max:
        return datetime.combine(date.max, time.max, UTC), is_open
    return moment + _DAY, upper


def _read(text: str) -> datetime | None:
    found = _DATE.match(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, hours, minutes = found.groups()
    zone = UTC
    try:
        if sign is not None:
            offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
            if int(minutes or 0) > 59:
                return None
            zone = timezone(-offset if sign == "-" else offset)
        return datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int(((fraction or "") + "000000")[:6]),
            zone,
        )
    except ValueError:  # Such as the 30th of February, or an offset of a day.
        return None
