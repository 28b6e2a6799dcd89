"""What a program connects to its task: dicts, parsers and plain objects, as sections of parameters.

Each value is recorded as JSON. Values of parameters that are called token, password, secret, key or
the like are not.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping

from hyperstore.allegroai.begin import plain_text
from hyperstore.codec import replace
from hyperstore.dataset.secrets import HIDDEN, is_secret_name
from hyperstore.errors import UsageError, a_type
from hyperstore.history.run import Run
from hyperstore.limits import RUN_PARAMETERS_MAX, RUN_TEXT_MAX

__all__ = ["ARGUMENTS", "GENERAL", "record_parsing", "section_of", "values_of", "with_parameters"]

ARGUMENTS, GENERAL = "Args", "General"
_DEPTH_MAX = 16


def section_of(connected: object) -> str:
    """Return the section for what has no name of its own."""
    is_parsed = isinstance(connected, argparse.ArgumentParser | argparse.Namespace)
    return ARGUMENTS if is_parsed else GENERAL


def values_of(connected: object) -> dict[str, object]:
    """Return what an object says by name; UsageError for one that says nothing."""
    if isinstance(connected, argparse.ArgumentParser):
        return {
            action.dest: action.default
            for action in connected._actions
            if action.dest != argparse.SUPPRESS and action.default != argparse.SUPPRESS
        }
    if isinstance(connected, Mapping):
        return {str(name): value for name, value in connected.items()}
    said = getattr(connected, "__dict__", None)
    if said is None or callable(connected):
        raise UsageError(
            "a dict, an argparse parser or namespace, or an object with attributes is connected, "
            f"not {a_type(connected)}"
        )
    own = {**_class_values(type(connected)), **said}
    return {name: value for name, value in own.items() if not name.startswith("_")}


def _class_values(kind: type) -> dict[str, object]:
    """Return plain attributes of a class: programs write their settings as one."""
    return {
        name: value
        for name, value in vars(kind).items()
        if not name.startswith("_") and isinstance(value, int | float | str | bool | list | dict)
    }


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
    if is_secret_name(name.rpartition("/")[2]):
        return json.dumps(HIDDEN)
    try:
        text = json.dumps(value, default=str)
    except (TypeError, ValueError, RecursionError):  # Keys that are no strings, circles.
        text = json.dumps(type(value).__name__)
    return text if len(text) <= RUN_TEXT_MAX else json.dumps(f"{text[: RUN_TEXT_MAX // 2]}...")


def record_parsing(tell: Callable[[argparse.Namespace], None]) -> None:
    """Let `tell` know of whatever argparse parses from now on in this process."""
    parse = argparse.ArgumentParser.parse_known_args

    def parsed(*args: object, **kwargs: object) -> tuple[argparse.Namespace, list[str]]:
        found, rest = parse(*args, **kwargs)  # type: ignore[call-overload]
        tell(found)
        return found, rest

    argparse.ArgumentParser.parse_known_args = parsed  # type: ignore[method-assign,assignment]
