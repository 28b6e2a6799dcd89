"""Numbers and dates as text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.query.language.literals import bound_of, instant, instant_of, is_date, number

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-7", -7),
        ("+5", 5),
        ("007", 7),
        ("9007199254740993", 2**53 + 1),
        ("18446744073709551616", 2**64),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("-1.25E-2", -0.0125),
        ("1e308", 1e308),
        ("1e-999", 0.0),
    ],
)
def test_numbers(text: str, value: float) -> None:
    """Whole numbers stay exact; a point or an exponent makes a float."""
    found = number(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "1a", " 1", "1 ", "1_000", "1,5", "0x10", "inf", "nan", "-", ".", "1e", "1e999"),
        *("-1e999", "--1", "\u0661", "1\n", "9" * 401, "1." + "0" * 400),
    ],
)
def test_what_is_no_number(text: str) -> None:
    """Python reads some of these; people who type them mean text, or nothing that exists."""
    assert number(text) is None


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("1970-01-01", 0),
        ("1970-01-02", _DAY),
        ("1969-12-31", -_DAY),
        ("1970-01-01T00:01", 60 * _SECOND),
        ("1970-01-01 00:00:01", _SECOND),
        ("1970-01-01T00:00:00.5Z", _SECOND // 2),
        ("1970-01-01T00:00:00,000001", 1),
        ("1970-01-01T00:00:00.0000019", 1),
        ("1970-01-01T01:00+01:00", 0),
        ("1970-01-01T00:00-0130", 5_400 * _SECOND),
        ("1970-01-01T02:00:00+02", 0),
        ("2024-02-29", (datetime(2024, 2, 29, tzinfo=UTC) - EPOCH).days * _DAY),
        ("0001-01-01T00:00+23:59", -62_135_683_140 * _SECOND),
    ],
)
def test_dates(text: str, microseconds: int) -> None:
    """ISO 8601 in full, UTC where nothing else is said."""
    assert instant(text) == microseconds
    assert is_date(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "a",
            "2024",
            "2024-10",
            "20241020",
            "2024-10-2",
            "2024-10-200",
            "24-10-20",
            "2024-13-01",
        ),
        *(
            "2024-02-30",
            "0000-01-01",
            "2024-10-20T",
            "2024-10-20T10",
            "2024-10-20T1030",
            "x024-10-20",
        ),
        *("2024-10-20T24:00", "2024-10-20T10:60", "2024-10-20T10:00:60", "2024-10-20T10:00+24:00"),
        *("2024-10-20T10:00+01:60", "2024-10-20t10:00", "2024-10-20T10:00z", " 2024-10-20"),
        *("2024-10-20\n", "2024-10-20T10:00:00.", "\u0662024-10-20", "2024-W10-1", "2024/10/20"),
    ],
)
def test_what_is_no_date(text: str) -> None:
    """Less than a day, another calendar, or a moment that does not exist."""
    assert instant(text) is None
    assert not is_date(text)


_moments = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)).flatmap(
    lambda moment: st.integers(-1439, 1439).map(
        lambda minutes: moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    )
)


@given(_moments)
def test_dates_as_python_writes_them(moment: datetime) -> None:
    """What most programs put into metadata."""
    assert instant(moment.isoformat()) == instant_of(moment)
    assert instant(moment.isoformat(" ", "milliseconds")) == instant_of(
        moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    )
    assert instant_of(moment) == (moment - EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("is_open", [False, True])
def test_bounds_that_are_days(upper: bool, is_open: bool) -> None:
    """Written out: of each of the four, on which side of the midnight between two days it cuts."""
    first, second = datetime(2024, 10, 20, tzinfo=UTC), datetime(2024, 10, 21, tzinfo=UTC)
    expected = {
        (False, False): (first, False),  # From the beginning of the day on.
        (False, True): (second, False),  # From its end on.
        (True, False): (second, True),  # Up to its end.
        (True, True): (first, True),  # Up to its beginning.
    }
    assert bound_of("2024-10-20", upper=upper, is_open=is_open) == expected[upper, is_open]
    moment = bound_of("2024-10-20T00:00Z", upper=upper, is_open=is_open)
    assert moment == (first, is_open)


def test_bounds_at_the_ends_of_the_calendar() -> None:
    """The last day has no next one; a zone may lead out of the years that there are."""
    last = datetime.max.replace(tzinfo=UTC)
    assert bound_of("9999-12-31", upper=True, is_open=False) == (last, False)
    assert bound_of("9999-12-31", upper=False, is_open=True) == (last, True)
    assert bound_of("9999-12-31", upper=False, is_open=False) == (
        datetime(9999, 12, 31, tzinfo=UTC),
        False,
    )
    assert bound_of("9999-12-31T23:59-01:00", upper=True, is_open=False) is None
    assert bound_of("0001-01-01T00:00+01:00", upper=True, is_open=False) is None
    assert bound_of("yesterday", upper=True, is_open=False) is None
