"""What the documented calls have in common: their arguments, and what they may be called on."""

import functools
from collections.abc import Callable, Iterable, Set
from inspect import CO_VARKEYWORDS
from types import MethodType
from typing import Concatenate, Generic, ParamSpec, TypeVar

from hyperstore.errors import UsageError, a_type, nearest

__all__ = ["Either", "documented", "names_of", "nearest", "number_of", "one_of"]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_T = TypeVar("_T")


def documented(call: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a call whose argument is unknown say which one is closest, and refuse words as flags.

    A message that is given where a flag stands would count as True, and publish what it describes.
    """
    code = call.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    known = frozenset(names)
    takes_any = bool(code.co_flags & CO_VARKEYWORDS)
    defaults, by_keyword = call.__defaults__ or (), call.__kwdefaults__ or {}
    first = code.co_argcount - len(defaults)
    by_name = {
        name
        for name, one in [*zip(names[first:], defaults, strict=False), *by_keyword.items()]
        if type(one) is bool and "str" not in str(call.__annotations__.get(name))
    }
    flags = {at: name for at, name in enumerate(names[: code.co_argcount]) if name in by_name}

    @functools.wraps(call)
    def checked(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        if not takes_any and not known.issuperset(kwargs):
            unknown = next(name for name in kwargs if name not in known)
            raise TypeError(
                f"{call.__name__}() has no argument {unknown!a}; "
                f"the closest: {nearest(unknown, sorted(known - {'self', 'cls', 'target'}))}"
            )
        for at, one in enumerate(args):
            if at in flags:
                _check_flag(flags[at], one)
        for name, one in kwargs.items():
            if name in by_name:
                _check_flag(name, one)
        return call(*args, **kwargs)

    return checked


def _check_flag(name: str, given: object) -> None:
    if isinstance(given, (str, bytes)):
        raise UsageError(f"{name} is True or False, not {given!a:.200}")


class Either(Generic[_T, _P, _R]):
    """A call on a version, or on the class with the names or ids of a version.

    What it is called on comes as its first argument.
    """

    def __init__(self, call: Callable[Concatenate[_T, _P], _R]) -> None:
        self._call = call
        self.__doc__ = call.__doc__

    def __get__(self, instance: object, owner: type) -> Callable[_P, _R]:
        # The first argument is typed as the owner or an instance of it, which both come from here.
        return MethodType(self._call, owner if instance is None else instance)


def one_of(**given: object) -> None:
    """Raise UsageError where more than one of these was given."""
    named = [name for name, value in given.items() if value is not None]
    if len(named) > 1:
        raise UsageError(f"{' and '.join(named)} exclude each other; give one")


def number_of(given: object, *, what: str) -> float:
    """Return a positive number; UsageError for anything else."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < 1e15:
        raise UsageError(f"{what} is a number greater than 0, not {given!a}")
    return given


def names_of(given: object, *, what: str) -> list[str]:
    """Return one name or several as a list; UsageError for anything else."""
    if isinstance(given, str):
        return [given]
    if not isinstance(given, Iterable):
        raise UsageError(f"{what} is a str or a list of them, not {a_type(given)}")
    names = list(given)
    for one in names:
        if not isinstance(one, str):
            raise UsageError(f"{what} is a str or a list of them; it holds {a_type(one)}")

    return sorted(names) if isinstance(given, Set) else names
