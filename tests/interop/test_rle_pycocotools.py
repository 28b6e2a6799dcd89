"""Our masks and pycocotools' are the same bytes, both ways."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as reference

from hyperstore.frames.rle import compress, decompress, from_counts, from_rows, rows

_Pixels = np.ndarray[tuple[int, int], np.dtype[np.uint8]]


@st.composite
def _masks(draw: st.DrawFn) -> _Pixels:
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    seed = draw(st.integers(0, 2**32 - 1))
    share = draw(st.sampled_from([0.0, 0.05, 0.5, 0.95, 1.0]))
    smooth = draw(st.booleans())
    pixels = np.random.default_rng(seed).random((height, width)) < share
    if smooth:  # Long runs, as real masks have.
        pixels = np.repeat(pixels, 7, axis=0)
    return np.asfortranarray(pixels.astype(np.uint8))


def _rows(pixels: _Pixels) -> list[bytes]:
    return [bytes(row) for row in np.ascontiguousarray(pixels)]


@given(_masks())
def test_we_write_what_pycocotools_writes(pixels: _Pixels) -> None:
    """A mask made here is the same text as one made there."""
    theirs = reference.encode(pixels)
    ours = from_rows(_rows(pixels), width=pixels.shape[1])
    assert compress(ours.counts).encode() == theirs["counts"]
    assert [ours.height, ours.width] == theirs["size"]


@given(_masks())
def test_we_read_what_pycocotools_writes(pixels: _Pixels) -> None:
    """Pixels, area and box of a mask made there are the same here."""
    theirs = reference.encode(pixels)
    ours = from_counts(theirs["size"], theirs["counts"].decode())
    assert list(rows(ours)) == _rows(pixels)
    assert ours.area == reference.area(theirs)
    assert list(ours.box) == reference.toBbox(theirs).tolist()


# pycocotools hands NumPy an array in a way that NumPy 2 warns of.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@given(_masks())
def test_pycocotools_reads_what_we_write(pixels: _Pixels) -> None:
    """A mask made here has the same pixels there."""
    ours = from_rows(_rows(pixels), width=pixels.shape[1])
    text = {"size": [ours.height, ours.width], "counts": compress(ours.counts).encode()}
    assert np.array_equal(reference.decode(text), pixels)


@given(_masks())
def test_plain_counts_mean_the_same(pixels: _Pixels) -> None:
    """Files have counts as numbers too; pycocotools compresses them to the same text."""
    height, width = pixels.shape
    ours = from_rows(_rows(pixels), width=width)
    theirs = reference.frPyObjects(
        {"size": [height, width], "counts": list(ours.counts)}, height, width
    )
    assert theirs["counts"] == compress(ours.counts).encode()


@given(st.lists(st.integers(0, 2**31 - 1), max_size=20))
def test_compressed_counts_come_back(counts: list[int]) -> None:
    """Text and numbers are two ways to write one thing, however long the runs are."""
    assert decompress(compress(counts)) == counts
