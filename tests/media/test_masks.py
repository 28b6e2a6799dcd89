"""Masks give the labels of their pixels, whatever kind of picture holds them."""

import struct
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from hyperstore.errors import FrameError, MediaError, NotFoundError, UsageError
from hyperstore.frames.legend import colours_of, legend_of
from hyperstore.media.masks import opacity_of, read_mask
from tests.support.pictures import encoded, turned_to

Pixels = npt.NDArray[np.uint8]

LEGEND: dict[tuple[int, ...], list[str]] = {
    (0, 0, 0): ["background"],
    (255, 0, 0): ["cat"],
    (0, 0, 255): ["dog", "pet"],
}
SAID = {
    "_all_": [
        {"value": [0, 0, 0], "labels": ["background"]},
        {"value": [255, 0, 0], "labels": ["cat"]},
        {"value": [0, 0, 255], "labels": ["dog", "pet"]},
    ]
}


def _coloured(seed: int = 1) -> Pixels:
    colours = np.array([*LEGEND, (9, 9, 9)], dtype=np.uint8)
    return colours[np.random.default_rng(seed).integers(0, 4, (30, 20))]


def _counted(array: Pixels) -> dict[tuple[int, ...], int]:
    return dict(Counter(tuple(map(int, pixel)) for row in array for pixel in row))


def test_mk_02_pixels_have_the_labels_of_their_colours() -> None:
    """The version's legend says what a colour means; what it lacks is reported, not dropped."""
    array = _coloured()
    wanted = _counted(array)
    mask = read_mask(encoded(Image.fromarray(array), "PNG"))
    found = mask.labels(LEGEND)
    assert mask.colours() == wanted
    assert found.labels == {
        "background": wanted[0, 0, 0],
        "cat": wanted[255, 0, 0],
        "dog": wanted[0, 0, 255],
        "pet": wanted[0, 0, 255],
    }
    assert found.unknown == {(9, 9, 9): wanted[9, 9, 9]}


def test_mk_02_the_pixels_of_a_label_are_a_mask_of_their_own() -> None:
    """It wraps as an array without a copy, and has rows before columns."""
    array = _coloured()
    mask = read_mask(encoded(Image.fromarray(array), "PNG"))
    cats = np.asarray(mask.label_pixels(LEGEND, "cat"))
    assert cats.shape == (30, 20)
    assert (cats == (array == (255, 0, 0)).all(axis=2)).all()
    both = np.asarray(mask.pixels_of((255, 0, 0), (0, 0, 255)))
    assert both.sum() == cats.sum() + np.asarray(mask.label_pixels(LEGEND, "dog")).sum()
    assert not np.asarray(mask.label_pixels(LEGEND, "horse")).any()


def test_mk_05_the_legend_is_read_as_metadata_says_it() -> None:
    """`_all_` holds for every mask; what stands under a mask's own id goes before it."""
    said = {**SAID, "01": [{"value": [255, 0, 0], "labels": ["road"]}]}
    plain = {colour: tuple(labels) for colour, labels in LEGEND.items()}
    assert legend_of(SAID) == legend_of(said) == legend_of(said, "00") == plain
    assert legend_of(said, "01") == {**plain, (255, 0, 0): ("road",)}


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {"_all_": [{"value": 7, "labels": ["a"]}]},
        {"_all_": [{"value": [1, 2, 3]}]},
        {"_all_": "red"},
        {"_all_": [{"value": [1], "labels": ["a"]}, {"value": [1], "labels": ["b"]}]},
    ],
)
def test_a_legend_that_says_nothing_or_two_things_is_refused(said: object) -> None:
    """Which of two meanings holds must not depend on their order."""
    with pytest.raises(UsageError, match="mask"):
        legend_of(said)


def test_a_legend_has_whole_numbers_in_any_form_and_passes_over_the_others() -> None:
    """Metadata may come from a program whose numbers are all floats."""
    said = {
        "_all_": [
            {"value": [1.0, 2.0, 3.0], "labels": ["a"]},
            {"value": [1, 2, 3], "labels": ["a"]},
            {"value": [None], "labels": ["b"]},
            {"value": [1.5], "labels": ["b"]},
            {"value": [[1]], "labels": ["b"]},
            {"value": [True], "labels": ["b"]},
            {"value": [7], "labels": ["c"]},
        ]
    }
    assert legend_of(said) == {(1, 2, 3): ("a",), (7, 7, 7): ("c",)}
    assert colours_of(said) == {(1, 2, 3): ("a",), (7,): ("c",)}
    said["_all_"].append({"value": [7, 7, 7.0], "labels": ["d"]})
    for read in (legend_of, colours_of):
        with pytest.raises(UsageError, match="two things"):
            read(said)


def test_mk_08_values_that_no_pixel_can_have_match_nothing() -> None:
    """The documentation itself has a value of -1 in an example."""
    mask = read_mask(encoded(Image.new("RGB", (2, 2), (255, 1, 255)), "PNG"))
    legend = {(-1, 1, 255): ["a"], (300, 0, 0): ["b"], (255, 1, 255, 255): ["c"]}
    assert mask.labels(legend).labels == {}
    assert not np.asarray(mask.pixels_of(*legend)).any()


def test_a_palette_is_read_by_its_colours_and_grey_as_three_equal_numbers() -> None:
    """Pascal VOC and Cityscapes write them so; a single number means a shade of grey."""
    palette = Image.new("P", (3, 1))
    palette.putpalette([0, 0, 0, 255, 0, 0, 0, 0, 255])
    palette.putdata([0, 1, 1])
    grey = Image.new("L", (3, 1))
    grey.putdata([0, 7, 7])
    assert read_mask(encoded(palette, "PNG")).labels(LEGEND).labels == {"cat": 2, "background": 1}
    mask = read_mask(encoded(grey, "PNG"))
    assert mask.colours() == {(7, 7, 7): 2, (0, 0, 0): 1}
    assert mask.labels({(7,): ["road"], (0, 0, 0): ["sky"]}).labels == {"road": 2, "sky": 1}


@pytest.mark.parametrize(("mode", "code", "kind"), [("I;16", "<4H", "PNG"), ("I", "=4i", "TIFF")])
def test_deep_grey_keeps_its_numbers(mode: str, code: str, kind: str) -> None:
    """Files of instances number them past 255; scaled as a picture, they would be others."""
    image = Image.frombytes(mode, (4, 1), struct.pack(code, 0, 26_001, 26_001, 26_002))
    mask = read_mask(encoded(image, kind))
    assert mask.colours() == {(26_001,) * 3: 2, (0, 0, 0): 1, (26_002,) * 3: 1}
    assert mask.labels({(26_001,): ["car"]}).labels == {"car": 2}
    assert np.asarray(mask.pixels_of((26_002,))).tolist() == [[0, 0, 0, 1]]


def test_numbers_that_no_mask_has_are_refused() -> None:
    """Negative ones, too large ones, and fractions."""
    for image in (
        Image.frombytes("I", (1, 1), struct.pack("=i", -5)),
        Image.frombytes("I", (1, 1), struct.pack("=i", 2**24)),
        Image.new("F", (1, 1)),
    ):
        with pytest.raises(MediaError, match="a mask holds"):
            read_mask(encoded(image, "TIFF"))


def test_mk_03_an_alpha_mask_says_how_much_is_seen() -> None:
    """Its red, green and blue are equal, and are the opacity."""
    image = Image.new("RGB", (3, 2))
    image.putdata([(0, 0, 0), (128, 128, 128), (255, 255, 255)] * 2)
    view = opacity_of(read_mask(encoded(image, "PNG")))
    assert np.asarray(view).tolist() == [[0, 128, 255], [0, 128, 255]]


def test_the_colours_of_transparent_pixels_count() -> None:
    """Some tools write what is background as transparent, with its colour behind it."""
    mask = read_mask(encoded(Image.new("RGBA", (2, 2), (255, 0, 0, 0)), "PNG"))
    assert mask.colours() == {(255, 0, 0): 4}


def test_a_mask_of_another_size_than_its_image_is_one_error(tmp_path: Path) -> None:
    """Its pixels would be laid over others; the error names both sizes."""
    path = tmp_path / "mask.png"
    path.write_bytes(encoded(Image.new("RGB", (3, 4)), "PNG"))
    assert read_mask(path, size=(3, 4)).size == (3, 4)
    with pytest.raises(FrameError, match=r"mask\.png is 3 x 4 pixels, its image 4 x 3"):
        read_mask(path, size=(4, 3))


def test_a_mask_lies_as_its_image_does() -> None:
    """Both are turned as EXIF says, so they stay over each other."""
    mask = read_mask(turned_to(6, "PNG"), size=(64, 32))
    assert np.asarray(mask.pixels_of((255, 0, 0)))[:16, :32].all()
    assert np.asarray(mask.pixels_of((255, 0, 0))).sum() == 16 * 32


def test_a_photograph_is_no_mask_and_a_lost_file_is_none(tmp_path: Path) -> None:
    """Counting a million colours would fill memory and mean nothing."""
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    with pytest.raises(MediaError, match="no mask"):
        read_mask(encoded(Image.fromarray(noise), "PNG")).colours()
    with pytest.raises(NotFoundError):
        read_mask(tmp_path / "gone.png")
