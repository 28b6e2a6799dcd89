"""Shapes are drawn, and masks are outlined, as pycocotools sees them: the same pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as reference

from hyperstore.frames.boxes import BoundingBox2D
from hyperstore.frames.polygons import ComplexPolygon2D
from tests.support.planes import Shape, flats_in_parts, shapes

# pycocotools hands NumPy an array in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

Pixels = np.ndarray[tuple[int, int], np.dtype[np.bool_]]
sides = st.integers(1, 45)


@st.composite
def pixels(draw: st.DrawFn) -> Pixels:
    """Return a mask: noise, whose parts touch at corners and nest, or larger blots."""
    shape = draw(st.integers(1, 16)), draw(st.integers(1, 16))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    noise = rng.random(shape) < draw(st.sampled_from([0.0, 0.1, 0.4, 0.6, 0.9, 1.0]))
    times = draw(st.sampled_from([1, 1, 3]))
    return np.kron(noise, np.ones((times, times), dtype=np.bool_)).astype(np.bool_)


@given(flats_in_parts, sides, sides)
def test_polygons_are_drawn_as_pycocotools_draws_them(
    parts: list[list[float]], height: int, width: int
) -> None:
    """Bit for bit, whatever the outlines do, inside the image and beyond it."""
    theirs = reference.merge(reference.frPyObjects(parts, height, width))
    ours = ComplexPolygon2D(parts).to_rle(width, height)
    assert ours == {"size": theirs["size"], "counts": theirs["counts"].decode()}


@given(st.lists(st.floats(-10, 40), min_size=4, max_size=4), sides, sides)
def test_upright_boxes_are_drawn_as_pycocotools_draws_them(
    box: list[float], height: int, width: int
) -> None:
    """A box of negative width, too, is what its corners say."""
    (theirs,) = reference.frPyObjects(np.array([box]), height, width)
    assert BoundingBox2D(box).to_rle(width, height)["counts"] == theirs["counts"].decode()


@given(shapes(), sides, sides)
def test_the_array_and_the_runs_are_one_mask(shape: Shape, height: int, width: int) -> None:
    """The array is rows of bytes, top row first, that NumPy wraps and others may write to."""
    array = np.asarray(shape.to_mask(width, height))
    assert array.shape == (height, width)
    assert array.dtype == np.uint8
    assert array.flags.writeable
    assert np.array_equal(array, reference.decode(shape.to_rle(width, height)))


@given(pixels())
def test_a_mask_comes_back_from_its_outlines(mask: Pixels) -> None:
    """Drawn here or there, the outlines give each pixel back; their area is the pixels' number."""
    height, width = mask.shape
    outline = ComplexPolygon2D.from_mask(mask)
    if outline is None:
        assert not mask.any()
        return
    assert np.array_equal(np.asarray(outline.to_mask(width, height)), mask)
    parts = [[float(number) for number in part] for part in outline.to_polygons()]
    theirs = reference.merge(reference.frPyObjects(parts, height, width))
    assert np.array_equal(reference.decode(theirs), mask)
    assert outline.area == mask.sum()


@given(pixels())
def test_a_mask_has_one_outline_for_each_part(mask: Pixels) -> None:
    """Parts hold together by sides: found here by filling one after the other."""
    outline = ComplexPolygon2D.from_mask(mask)
    assert (0 if outline is None else len(outline.polygons_xy)) == _parts(mask)


def _parts(mask: Pixels) -> int:
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    parts = 0
    while left:
        parts += 1
        found = [left.pop()]
        for y, x in found:
            near = {(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)} & left
            left -= near
            found.extend(near)
    return parts


@given(pixels())
def test_a_mask_may_come_in_any_form(mask: Pixels) -> None:
    """Arrays of any numbers and order, lists, and COCO's runs as text or as numbers."""
    wanted = ComplexPolygon2D.from_mask(mask)
    fortran = np.asfortranarray(mask.astype(np.uint8))
    text = reference.encode(fortran)
    changes = np.flatnonzero(np.diff(fortran.ravel(order="F"), prepend=0, append=2))
    counts = np.diff(changes, prepend=0).tolist()
    assert ComplexPolygon2D.from_mask(fortran) == wanted
    assert ComplexPolygon2D.from_mask(mask.astype(np.float64) * 0.5) == wanted
    assert ComplexPolygon2D.from_mask(mask[:, ::-1][:, ::-1]) == wanted
    assert ComplexPolygon2D.from_mask(mask.tolist()) == wanted
    assert ComplexPolygon2D.from_mask([bytes(row) for row in mask]) == wanted
    assert ComplexPolygon2D.from_rle(text) == wanted
    assert ComplexPolygon2D.from_rle({"size": list(mask.shape), "counts": counts}) == wanted
