"""What a view says of augmentation, and the steps that are drawn of it for a frame.

A set is one step: of its types one is drawn for each frame, evenly, and one that stands there twice
comes twice as often; `none` is for frames that stay as they are. `strength` is 0 for no effect, 0.5
for a weak one, 1, or 2 for a strong one. What a type does at strength 1 may be said in `arguments`,
by the type's name:

    {"crop_around_rois": False, "sets": [
        {"cls": "affine", "types": ["rotate", "none"], "strength": 0.5,
         "arguments": {"rotate": {"degrees": 30}}},
        {"cls": "pixel", "types": ["blur", "noise"], "strength": 1}]}

A draw follows from a seed, the frame's id, its epoch and its step, and the place of the set: no
generator runs, so nothing depends on which frames were read before, where, and by whom.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from hyperstore.errors import QueryError, a_type, nearest
from hyperstore.query.iteration.permutation import seed_of

__all__ = [
    "NONE",
    "Affine",
    "Augmentations",
    "Matrix",
    "SetOfTypes",
    "Step",
    "augmentations_of",
    "crop_told",
    "drawn",
]

Arguments: TypeAlias = dict[str, float | str]
Matrix: TypeAlias = list[list[float]]
"""Two rows of three: where a point (x, y) goes, in pixels, origin at the top left corner."""

NONE = "none"

TYPES: Mapping[str, Mapping[str, Arguments]] = {
    "affine": {
        "rotate": {"degrees": 15.0},  # To either side, at most.
        "reflect-horiz": {},
        "reflect-vert": {},
        "scale": {"factor": 1.2},  # Or its inverse, at most.
        "shear": {"degrees": 10.0},  # Along either axis, at most.
        NONE: {},
    },
    "pixel": {
        "blur": {"sigma": 1.5},  # Of a Gaussian, in pixels, at most.
        "noise": {"kind": "both", "sigma": 0.1, "block": 4.0},
        "recolor": {"factor": 1.5},  # Of the gamma of each colour, or its inverse, at most.
        NONE: {},
    },
}
"""The types of each class, with their arguments and what these are unless said."""

_NOISES = ("both", "high", "low")
_UNMOVED = ("reflect-horiz", "reflect-vert", NONE)  # Nothing of them is drawn.
_UNIT = 2.0**53
_FACTOR_MAX = 8.0  # However strong: beyond it nothing of a picture is left to be seen.
_NUMBER_MAX = 1e100  # So that no product is endless.
_SHEAR_MAX = 60.0  # Degrees; at 90 all of a picture is one line.


class SetOfTypes(NamedTuple):
    """One of a view's sets, with values that were checked."""

    cls: str
    types: tuple[str, ...]
    strength: float
    arguments: Mapping[str, Arguments]  # Of each of the types, all of them.


class Augmentations(NamedTuple):
    """All that a view says of augmentation."""

    crop_around_rois: bool
    sets: tuple[SetOfTypes, ...]


class Affine(NamedTuple):
    """What a picture is turned by, around its middle."""

    degrees: float = 0.0  # Clockwise, as it is seen.
    factor: float = 1.0
    shear: tuple[float, float] = (0.0, 0.0)  # Degrees, along x and along y.


@dataclass(frozen=True, slots=True)
class Step:
    """What was drawn of one set for one frame."""

    cls: str
    type: str
    strength: float
    params: tuple[float, float, float]  # From 0 up to 1.
    arguments: Arguments

    @property
    def is_idle(self) -> bool:
        """Whether it leaves a picture as it is."""
        return self.type == NONE or self.strength == 0

    def told(self, size: tuple[int, int]) -> dict[str, object]:
        """Return its wire form, for a picture of a height and a width."""
        said: dict[str, object] = {"cls": self.cls, "type": self.type, "strength": self.strength}
        if self.cls == "affine":
            said["trans_mat"] = self.matrix(size)
        return said | {"params": list(self.params), "arguments": dict(self.arguments)}

    def number(self, name: str) -> float:
        """Return an argument at this step's strength."""
        value = self.arguments[name]
        assert isinstance(value, float)
        return min(self.strength * value, _NUMBER_MAX)

    def spread(self, name: str, at: int = 0) -> float:
        """Return a factor: an argument, or its inverse, at most, by one of the params."""
        value = self.arguments[name]
        assert isinstance(value, float)
        grown = min(self.strength * math.log(value), _NUMBER_MAX)
        return math.exp(_within(grown * self._side(at), math.log(_FACTOR_MAX)))

    def affine(self) -> Affine:
        """Return by what a picture is turned that is no mirror image."""
        if self.is_idle:
            return Affine()
        if self.type == "rotate":
            return Affine(degrees=_within(self.number("degrees") * self._side(0), 180.0))
        if self.type == "scale":
            return Affine(factor=self.spread("factor"))
        assert self.type == "shear"
        across, down = (
            _within(self.number("degrees") * self._side(at), _SHEAR_MAX) for at in (0, 1)
        )
        return Affine(shear=(across, down))

    def matrix(self, size: tuple[int, int]) -> Matrix:
        """Return where points go in a picture of a height and a width."""
        high, wide = size
        if self.type == "reflect-horiz" and not self.is_idle:
            return [[-1.0, 0.0, float(wide)], [0.0, 1.0, 0.0]]
        if self.type == "reflect-vert" and not self.is_idle:
            return [[1.0, 0.0, 0.0], [0.0, -1.0, float(high)]]
        degrees, factor, shear = self.affine()
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        across, down = (math.tan(math.radians(one)) for one in shear)
        # Sheared along x, then along y, then scaled, then turned.
        a, b, c, d = 1.0, -across, -down, 1.0 + across * down
        a, b, c, d = cos * a - sin * c, cos * b - sin * d, sin * a + cos * c, sin * b + cos * d
        a, b, c, d = (factor * one for one in (a, b, c, d))
        x, y = wide / 2, high / 2
        return [[a, b, x - a * x - b * y], [c, d, y - c * x - d * y]]

    def _side(self, at: int) -> float:
        return 2 * self.params[at] - 1


def crop_told(left: int, top: int, right: int, bottom: int) -> dict[str, object]:
    """Return what is told of a picture that was cropped: which pixels of it are left."""
    return {
        "cls": "affine",
        "type": "crop",
        "strength": 1.0,
        "trans_mat": [[1.0, 0.0, float(-left)], [0.0, 1.0, float(-top)]],
        "params": [0.0, 0.0, 0.0],
        "arguments": {"left": left, "top": top, "right": right, "bottom": bottom},
    }


def drawn(
    sets: Sequence[SetOfTypes], seed: int, *, frame_id: str, epoch: int, number: int
) -> list[Step]:
    """Return the steps of one frame, one for each set, in their order."""
    steps: list[Step] = []
    for place, one in enumerate(sets):
        key = ("augmentation", frame_id, epoch, number, place)
        kind = one.types[seed_of(seed, *key, "type") % len(one.types)]
        first, second, third = (
            0.0 if kind in _UNMOVED else (seed_of(seed, *key, at) >> 11) / _UNIT for at in range(3)
        )
        arguments = dict(one.arguments[kind])
        if arguments.get("kind") == "both":
            arguments["kind"] = "high" if first < 0.5 else "low"
        steps.append(Step(one.cls, kind, one.strength, (first, second, third), arguments))
    return steps


def _within(value: float, most: float) -> float:
    return max(-most, min(most, value))


# What a view says.


def augmentations_of(said: object) -> Augmentations:
    """Return what a view says, checked; QueryError names what is not known of it."""
    place = "augmentation"
    fields = _fields(said, place, ("crop_around_rois", "sets"))
    crops, sets = fields.get("crop_around_rois", False), fields.get("sets", [])
    if not isinstance(crops, bool):
        raise QueryError(f"{place}.crop_around_rois is true or false, not {crops!a:.60}")
    if not isinstance(sets, list | tuple):
        raise QueryError(f"{place}.sets is a list, not {a_type(sets)}")
    made = tuple(_set_of(one, f"{place}.sets.{at}") for at, one in enumerate(sets))
    return Augmentations(crops, made)


def _set_of(said: object, place: str) -> SetOfTypes:
    fields = _fields(said, place, ("arguments", "cls", "strength", "types"))
    cls = _one_of(fields.get("cls"), TYPES, f"{place}.cls")
    types = fields.get("types")
    if not isinstance(types, list | tuple) or not types:
        raise QueryError(f"{place}.types is a list of one or more of {_names(TYPES[cls])}")
    names = tuple(_one_of(name, TYPES[cls], f"{place}.types") for name in types)
    strength = _number(fields.get("strength", 1.0), 0.0, f"{place}.strength")
    given = _fields(fields.get("arguments", {}), f"{place}.arguments", names)
    arguments = {
        name: _arguments(given.get(name, {}), TYPES[cls][name], f"{place}.arguments.{name}")
        for name in names
    }
    return SetOfTypes(cls, names, strength, arguments)


def _arguments(said: object, known: Arguments, place: str) -> Arguments:
    made = dict(known)
    for name, value in _fields(said, place, known).items():
        at = f"{place}.{name}"
        if name == "kind":
            made[name] = _one_of(value, _NOISES, at)
        else:
            made[name] = _number(value, 1.0 if name in ("factor", "block") else 0.0, at)
    return made


def _fields(
    said: object, place: str, known: Sequence[str] | Mapping[str, object]
) -> dict[str, object]:
    """Return the fields of a dict that say something."""
    if not isinstance(said, Mapping):
        raise QueryError(f"{place} is a dict, not {a_type(said)}")
    for name in said:
        _one_of(name, known, place)
    return {name: value for name, value in said.items() if value is not None}


def _one_of(given: object, known: Sequence[str] | Mapping[str, object], place: str) -> str:
    if isinstance(given, str) and given in known:
        return given
    among = _names(known) or "nothing"
    if known and isinstance(given, str):
        among = nearest(given, sorted(known), len(known))
    raise QueryError(f"{place}: {given!a:.100} is not known there; {among} is")


def _names(known: Sequence[str] | Mapping[str, object]) -> str:
    return ", ".join(map(repr, sorted(known)))


def _number(given: object, least: float, place: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise QueryError(f"{place} is a number, not {given!a:.60}")
    if not least <= given <= sys.float_info.max:
        raise QueryError(f"{place} is a number from {least:g} on, not {given!a:.60}")
    return float(given)
