"""What a program connects to its task: dicts, parsers and plain objects, as sections of parameters.

Each value is recorded as JSON. Values of parameters that are called token, password, secret, key or
the like are not.
"""

import argparse
import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

from hyperstore.allegroai.begin import plain_text
from hyperstore.codec import replace
from hyperstore.dataset.secrets import (
    HIDDEN,
    is_secret_name,
    text_without_secrets,
    without_secrets,
)
from hyperstore.errors import UsageError, a_type
from hyperstore.history.run import Run
from hyperstore.limits import RUN_PARAMETERS_MAX, RUN_TEXT_MAX

__all__ = [
    "ARGUMENTS",
    "GENERAL",
    "PARSED",
    "PROPERTIES",
    "Connectable",
    "connected_arguments",
    "record_parsing",
    "section_of",
    "values_of",
    "with_parameters",
]

ARGUMENTS, GENERAL, PROPERTIES = "Args", "General", "properties"
PARSED: deque[dict[str, object]] = deque(maxlen=16)
"""What argparse parsed last in this process; a task that begins later is told."""

_MODELS = "Models"
_DEPTH_MAX = 16
_SILENT = (BuiltinFunctionType, FunctionType, MethodType, ModuleType)


class Connectable(ABC):
    """What knows itself what is recorded of it where it is connected: a model."""

    @abstractmethod
    def said(self) -> dict[str, object]:
        """Return that, by name."""


def section_of(connected: object) -> str:
    """Return the section for what has no name of its own."""
    if isinstance(connected, Connectable):
        return _MODELS
    is_parsed = isinstance(connected, argparse.ArgumentParser | argparse.Namespace)
    return ARGUMENTS if is_parsed else GENERAL


def values_of(connected: object) -> dict[str, object]:
    """Return what an object or a class says by name; UsageError for one that says nothing."""
    if isinstance(connected, Connectable):
        return connected.said()
    if isinstance(connected, argparse.ArgumentParser):
        return {
            action.dest: action.default
            for action in connected._actions
            if action.dest != argparse.SUPPRESS and action.default != argparse.SUPPRESS
        }
    if isinstance(connected, Mapping):
        return {str(name): value for name, value in connected.items()}
    kind = connected if isinstance(connected, type) else type(connected)
    own = _class_values(kind)
    if kind is not connected:
        slots = [name for one in kind.__mro__ for name in _slots(one)]
        is_plain = hasattr(connected, "__dict__") or bool(slots)
        if not is_plain or isinstance(connected, _SILENT):
            raise UsageError(
                "a dict, an argparse parser or namespace, a class, or an object with attributes "
                f"is connected, not {a_type(connected)}"
            )
        own |= {name: getattr(connected, name) for name in slots if hasattr(connected, name)}
        own |= getattr(connected, "__dict__", {})
    return {name: value for name, value in own.items() if not name.startswith("_")}


def _class_values(kind: type) -> dict[str, object]:
    """Return plain attributes of a class: programs write their settings as one."""
    return {
        name: value
        for one in reversed(kind.__mro__)
        for name, value in vars(one).items()
        if not name.startswith("_") and isinstance(value, int | float | str | bool | list | dict)
    }


def _slots(kind: type) -> list[str]:
    said = vars(kind).get("__slots__", ())
    return [said] if isinstance(said, str) else [str(one) for one in said]


def connected_arguments(values: Mapping[str, object], wish: object) -> dict[str, object]:
    """Return the parsed arguments that a program wishes to have recorded.

    `wish` is whether at all; or it says so by name, and by `*` of all others.
    """
    if not isinstance(wish, Mapping):
        return dict(values) if wish else {}
    others = bool(wish.get("*", True)) and bool(wish)
    return {name: value for name, value in values.items() if wish.get(name, others)}


def with_parameters(run: Run, section: str, values: Mapping[str, object]) -> Run:
    """Return a run's record with what is now said in one section, and what was said before."""
    told = {name: dict(said) for name, said in run.parameters.items()}
    place = told.setdefault(plain_text(section), {})
    room = RUN_PARAMETERS_MAX - sum(map(len, told.values()))
    for name, value in _flat(values, ""):
        if name in place or room > 0:
            room -= name not in place
            place[name] = _json(name, value)
    return replace(run, parameters=told)


def _flat(values: Mapping[str, object], above: str, depth: int = 0) -> Iterator[tuple[str, object]]:
    """Yield values by names with slashes: `optimizer/lr`."""
    for key, value in values.items():
        name = plain_text(f"{above}{key}")
        if isinstance(value, Mapping) and value and depth < _DEPTH_MAX:
            inner = {str(one): held for one, held in value.items()}
            yield from _flat(inner, f"{name}/", depth + 1)
        else:
            yield name, value


def _json(name: str, value: object) -> str:
    if any(is_secret_name(one) for one in name.split("/")):
        return json.dumps(HIDDEN)
    try:
        text = json.dumps(_shown(value, 0), default=_text)
    except (TypeError, ValueError, RecursionError):  # Keys that are no strings, circles.
        text = json.dumps(type(value).__name__)
    return text if len(text) <= RUN_TEXT_MAX else json.dumps(f"{text[: RUN_TEXT_MAX // 2]}...")


def _shown(value: object, depth: int) -> object:
    """Return a value without what is secret at any depth of it."""
    if depth > _DEPTH_MAX:
        return type(value).__name__
    if isinstance(value, str):
        return text_without_secrets(value)
    if isinstance(value, Mapping):
        return {
            key: HIDDEN if isinstance(key, str) and is_secret_name(key) else _shown(held, depth + 1)
            for key, held in value.items()
        }
    if isinstance(value, list | tuple):
        if value and all(isinstance(one, str) for one in value):
            return without_secrets(value)  # The words of a command line, perhaps.
        return [_shown(one, depth + 1) for one in value]
    return value


def _text(value: object) -> str:
    return text_without_secrets(str(value))


def record_parsing(tell: Callable[[dict[str, object]], None]) -> None:
    """Let `tell` know of whatever argparse parses from now on in this process."""
    parse = argparse.ArgumentParser.parse_known_args

    def parsed(*args: object, **kwargs: object) -> tuple[argparse.Namespace, list[str]]:
        found, rest = parse(*args, **kwargs)  # type: ignore[call-overload]
        try:
            values = values_of(found)
        except UsageError:  # A namespace of the program's own, which says nothing.
            return found, rest
        PARSED.append(values)
        tell(values)
        return found, rest

    argparse.ArgumentParser.parse_known_args = parsed  # type: ignore[method-assign,assignment]
