"""Masks: worked examples, and what is refused before any room is made for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.errors import FormatError
from hyperstore.frames.rle import Rle, compress, decompress, from_counts, from_rows, rows


def test_a_mask_is_walked_down_its_columns() -> None:
    """COCO's order, worked by hand: two rows, three columns, the middle column set."""
    mask = from_counts([2, 3], [2, 2, 2])
    assert list(rows(mask)) == [b"\0\1\0", b"\0\1\0"]
    assert (mask.area, mask.box) == (2, (1, 0, 1, 2))
    assert from_rows([b"\0\1\0", b"\0\xff\0"], width=3) == mask


def test_a_run_over_an_end_of_a_column_makes_the_box_full_height() -> None:
    """Its start and end are in the middle, and it still touches top and bottom."""
    assert from_counts([4, 3], [3, 2, 7]).box == (0, 0, 2, 4)


def test_runs_of_no_length_do_not_widen_the_box() -> None:
    """Hand-written counts have them; they set no pixel."""
    assert from_counts([2, 2], [0, 0, 2, 0, 1, 1]).box == (1, 1, 1, 1)


@pytest.mark.parametrize("size", [[0, 0], [0, 7], [7, 0]])
def test_an_empty_mask_has_no_area(size: list[int]) -> None:
    """No pixels are legal, and nothing divides by them."""
    mask = from_counts(size, [0])
    assert (mask.area, mask.box) == (0, (0, 0, 0, 0))


@pytest.mark.parametrize(
    ("size", "counts"),
    [
        ([2, 3], [2, 2, 3]),
        ([2, 3], [7, -1]),
        ([2, 3], [2.0, 4]),
        ([2, 3], [True, 5]),
        ([2, 3], {"a": 1}),
        ([2, 3], None),
        ([2, 3], "é"),
        ([2, 3], "\x00"),
        ([2, 3], "o" * 5),
        ([2, 3], "T"),
        ([2], [2]),
        ("23", [6]),
        ([2, 3.0], [6]),
        ([10**9, 10**9], [10**18]),
        ([-1, -6], [6]),
    ],
)
def test_a_mask_that_does_not_add_up_is_refused(size: object, counts: object) -> None:
    """What a hostile file claims is checked before it is believed."""
    with pytest.raises(FormatError):
        from_counts(size, counts)


def test_a_legal_mask_too_large_to_draw_is_refused_when_drawn() -> None:
    """Few counts can claim gigabytes of pixels."""
    mask = from_counts([65_536, 65_536], [65_536 * 65_536])
    assert mask.area == 0
    with pytest.raises(FormatError):
        next(rows(mask))


@given(st.text(max_size=40))
def test_any_text_is_counts_or_one_error(text: str) -> None:
    """Nothing but FormatError leaves the decoder."""
    try:
        counts = decompress(text)
    except FormatError:
        return
    assert decompress(compress(counts)) == counts


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 5))
def test_rows_and_counts_are_one_mask(counts: list[int], height: int) -> None:
    """Drawing a mask and reading it back keeps its pixels."""
    total = -(-sum(counts) // height) * height
    mask = from_counts([height, total // height], [*counts, total - sum(counts)])
    again = from_rows(rows(mask), width=mask.width)
    assert list(again.runs()) == [*_joined(mask)]


def _joined(mask: Rle) -> list[tuple[int, int]]:
    """The runs of a mask, those that touch made one."""
    pixels = [pixel for start, length in mask.runs() for pixel in range(start, start + length)]
    runs: list[tuple[int, int]] = []
    for pixel in pixels:
        if runs and sum(runs[-1]) == pixel:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((pixel, 1))
    return runs


def test_a_count_that_no_mask_has_is_refused_before_it_is_read_whole() -> None:
    """A megabyte of text would be one number, which takes minutes to add up."""
    assert decompress("o" * 7 + "0")
    with pytest.raises(FormatError, match="character 7 of a mask is too large"):
        decompress("o" * 8 + "0")
