"""What a view says of augmentation, and what is drawn of it: plain numbers, without torch."""

import math
from collections import Counter
from typing import Any

import pytest

from hyperstore import QueryError
from hyperstore.integrations.augmentsets import Step, augmentations_of, drawn


def sets_of(*sets: dict[str, Any]) -> Any:
    """Return sets that were checked."""
    return augmentations_of({"sets": list(sets)}).sets


AFFINE = {"cls": "affine", "types": ["rotate", "scale", "shear", "none"]}


def moved(matrix: list[list[float]], x: float, y: float) -> tuple[float, float]:
    """Return where a point goes."""
    (a, b, c), (d, e, f) = matrix
    return a * x + b * y + c, d * x + e * y + f


def test_a_draw_is_pinned() -> None:
    """The same on every machine and in every release, or a run could not be done again."""
    sets = sets_of(AFFINE, {"cls": "pixel", "types": ["blur", "noise", "recolor"], "strength": 2})
    steps = [drawn(sets, 1337, frame_id="f", epoch=0, number=at) for at in (0, 1, 2)]
    assert [[one.type for one in each] for each in steps] == PINNED_TYPES
    assert steps[1][1].params == PINNED_PARAMS


# From blake3 itself, of repr((1337, "augmentation", "f", 0, step, set, "type")) and the like.
PINNED_TYPES = [["rotate", "blur"], ["scale", "recolor"], ["scale", "blur"]]
PINNED_PARAMS = (0.23233896037233803, 0.08537791222283642, 0.8478226592865135)


def test_types_come_evenly() -> None:
    """Each as often as it stands there, and each of the params from 0 to 1."""
    sets = sets_of({"cls": "affine", "types": ["rotate", "none", "none"]})
    steps = [drawn(sets, 5, frame_id=f"f{at}", epoch=0, number=at)[0] for at in range(3000)]
    seen = Counter(one.type for one in steps)
    assert abs(seen["none"] - 2000) < 130  # Five standard deviations.
    for place in range(3):
        values = [one.params[place] for one in steps if one.type == "rotate"]
        assert all(0 <= one < 1 for one in values)
        assert abs(sum(values) / len(values) - 0.5) < 0.05


def test_each_of_seed_frame_epoch_step_and_place_draws_anew() -> None:
    """Two alike would turn all frames of an epoch, or one frame in all epochs, the same way."""
    sets = sets_of({"cls": "affine", "types": ["rotate"]}, {"cls": "affine", "types": ["rotate"]})
    plain = {"frame_id": "f", "epoch": 0, "number": 0}
    keys = [(1, plain), (2, plain)]
    keys += [(1, {**plain, name: value}) for name, value in (("epoch", 1), ("number", 1))]
    keys.append((1, {**plain, "frame_id": "g"}))
    every = [one.params for seed, key in keys for one in drawn(sets, seed, **key)]  # type: ignore[arg-type]
    assert len(set(every)) == len(every) == 10


def test_a_picture_is_turned_clockwise_around_its_middle() -> None:
    """By hand: 90 degrees in 10 by 6 take (7, 1) to (7, 5), and to (3, 1) the other way."""
    step = Step("affine", "rotate", 1.0, (1.0, 0.0, 0.0), {"degrees": 90.0})
    assert moved(step.matrix((6, 10)), 7, 1) == pytest.approx((7, 5))
    back = Step("affine", "rotate", 1.0, (0.0, 0.0, 0.0), {"degrees": 90.0})
    assert moved(back.matrix((6, 10)), 7, 1) == pytest.approx((3, 1))


def test_matrices_are_those_by_hand() -> None:
    """Of 10 by 6, whose middle (5, 3) stays."""
    scale = Step("affine", "scale", 1.0, (1.0, 0.0, 0.0), {"factor": 2.0})
    assert moved(scale.matrix((6, 10)), 6, 5) == pytest.approx((7, 7))
    less = Step("affine", "scale", 2.0, (0.0, 0.0, 0.0), {"factor": 2.0})
    assert moved(less.matrix((6, 10)), 9, 3) == pytest.approx((6, 3))
    shear = Step("affine", "shear", 1.0, (1.0, 0.5, 0.0), {"degrees": 45.0})
    assert moved(shear.matrix((6, 10)), 5, 5) == pytest.approx((3, 5))
    mirrored = Step("affine", "reflect-horiz", 1.0, (0.0, 0.0, 0.0), {})
    assert moved(mirrored.matrix((6, 10)), 1, 2) == (9, 2)
    upside = Step("affine", "reflect-vert", 1.0, (0.0, 0.0, 0.0), {})
    assert moved(upside.matrix((6, 10)), 1, 2) == (1, 4)


@pytest.mark.parametrize("kind", ["rotate", "scale", "shear", "reflect-horiz", "reflect-vert"])
def test_strength_zero_moves_nothing(kind: str) -> None:
    """So a set is switched off without being taken out, which would change the draws of others."""
    (one,) = sets_of({"cls": "affine", "types": [kind], "strength": 0})
    (step,) = drawn([one], 3, frame_id="f", epoch=0, number=0)
    assert step.is_idle
    assert step.matrix((6, 10)) == [[1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize("strength", [0.5, 1, 2, 1000, 1e308])
@pytest.mark.parametrize("kind", ["rotate", "scale", "shear"])
def test_any_strength_has_a_matrix_that_can_be_undone(kind: str, strength: float) -> None:
    """A picture of one point, or of numbers that are none, teaches nothing."""
    (one,) = sets_of({"cls": "affine", "types": [kind], "strength": strength})
    for at in range(20):
        (step,) = drawn([one], 3, frame_id="f", epoch=0, number=at)
        (a, b, c), (d, e, f) = step.matrix((600, 1000))
        assert all(map(math.isfinite, (a, b, c, d, e, f)))
        assert 1 / 64.1 < a * e - b * d < 64.1


def test_a_step_is_told_in_the_wire_form() -> None:
    """With the arguments that held, said or not."""
    sets = sets_of(
        {"cls": "affine", "types": ["rotate"], "arguments": {"rotate": {"degrees": 30}}},
        {"cls": "pixel", "types": ["noise"], "strength": 0.5, "arguments": None},
    )
    turned, noisy = (one.told((6, 10)) for one in drawn(sets, 1, frame_id="f", epoch=0, number=0))
    assert list(turned) == ["cls", "type", "strength", "trans_mat", "params", "arguments"]
    assert (turned["strength"], turned["arguments"]) == (1.0, {"degrees": 30.0})
    assert list(noisy) == ["cls", "type", "strength", "params", "arguments"]
    arguments = noisy["arguments"]
    assert isinstance(arguments, dict)
    assert arguments.pop("kind") in ("high", "low")
    assert arguments == {"sigma": 0.1, "block": 4.0}


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"crop_arround_rois": True}, r"'crop_arround_rois' is not known.*'crop_around_rois'"),
        ({"crop_around_rois": 1}, "crop_around_rois is true or false, not 1"),
        ({"sets": {}}, "augmentation.sets is a list, not a dict"),
        ({"sets": [3]}, "augmentation.sets.0 is a dict"),
        ({"sets": [AFFINE, {**AFFINE, "type": "x"}]}, r"augmentation.sets.1: 'type'.*'types'"),
        ({"sets": [{"types": ["rotate"]}]}, "sets.0.cls: None is not known"),
        ({"sets": [{"cls": "afine", "types": ["rotate"]}]}, "sets.0.cls: 'afine'.*'affine'"),
        ({"sets": [{"cls": "affine"}]}, "sets.0.types is a list of one or more of"),
        ({"sets": [{"cls": "affine", "types": []}]}, "sets.0.types is a list of one or more of"),
        ({"sets": [{"cls": "affine", "types": ["blur"]}]}, "types: 'blur' is not known there"),
        ({"sets": [{"cls": "affine", "types": [["rotate"]]}]}, r"types: \['rotate'\] is not known"),
        ({"sets": [{**AFFINE, "strength": -0.1}]}, "strength is a number from 0 on, not -0.1"),
        ({"sets": [{**AFFINE, "strength": True}]}, "strength is a number, not True"),
        ({"sets": [{**AFFINE, "strength": "1"}]}, "strength is a number, not '1'"),
        ({"sets": [{**AFFINE, "strength": math.nan}]}, "strength is a number from 0 on, not nan"),
        ({"sets": [{**AFFINE, "strength": 10**400}]}, "strength is a number from 0 on"),
        ({"sets": [{**AFFINE, "arguments": {"blur": {}}}]}, "arguments: 'blur' is not known there"),
        (
            {"sets": [{**AFFINE, "arguments": {"rotate": {"degree": 3}}}]},
            "arguments.rotate: 'degree' is not known there; 'degrees' is",
        ),
        (
            {"sets": [{**AFFINE, "arguments": {"scale": {"factor": 0.5}}}]},
            "arguments.scale.factor is a number from 1 on, not 0.5",
        ),
        (
            {"sets": [{**AFFINE, "arguments": {"none": {"x": 1}}}]},
            "arguments.none: 'x' is not known there; nothing is",
        ),
        (
            {
                "sets": [
                    {"cls": "pixel", "types": ["noise"], "arguments": {"noise": {"kind": "hi"}}}
                ]
            },
            "arguments.noise.kind: 'hi' is not known there; 'high'",
        ),
        (3, "augmentation is a dict, not an int"),
    ],
)
def test_what_is_not_known_is_named(said: Any, named: str) -> None:
    """Passed over, it would be a run without what somebody asked for."""
    with pytest.raises(QueryError, match=named):
        augmentations_of(said)
