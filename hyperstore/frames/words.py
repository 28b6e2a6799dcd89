"""Values in few words, whatever they are: for `repr`, and for people who glance at a frame."""

import reprlib

__all__ = ["brief"]

_brief = reprlib.Repr()
_brief.maxlist = _brief.maxtuple = _brief.maxset = 10
_brief.maxdict = 6
_brief.maxlevel = 4
_brief.maxstring = _brief.maxother = 100
_brief.maxlong = 40


def brief(value: object) -> str:
    """Return what `repr` would, cut short; never raises, whatever the value is."""
    try:
        return _brief.repr(value)
    except Exception:  # noqa: BLE001 - a user's object may fail to say what it is.
        return f"<{type(value).__name__}>"
