"""Charts drawn as a picture: looked at by their pixels."""

import io

import pytest
from PIL import Image

from hyperstore.limits import PLOT_COLUMNS, PLOT_PANEL_PIXELS
from hyperstore.media.chart import Bar, Bars, Chart, Grid
from hyperstore.media.plot import draw_charts

BLUE = (46, 134, 193)


def drawn(*charts: Chart) -> Image.Image:
    """Return the picture of some charts."""
    return Image.open(io.BytesIO(draw_charts("title", charts)))


def runs_of_blue(image: Image.Image) -> list[int]:
    """Return how many pixels of the bars' colour each run of rows has, from top to bottom."""
    found: list[int] = []
    before = 0
    pixels, stride = image.tobytes(), 3 * image.width
    for y in range(image.height):
        length = pixels[y * stride : (y + 1) * stride].count(bytes(BLUE))
        if length and not before:
            found.append(length)
        before = length
    return found


def test_bars_are_as_long_as_their_counts() -> None:
    """A bar of half the count is half as long; one of almost nothing is still seen."""
    bars = tuple(Bar(f"bar {count}", count) for count in (1_000, 500, 250, 1, 0))
    whole, half, quarter, least = runs_of_blue(drawn(Bars("Title", "names", bars)))
    assert half == pytest.approx(whole / 2, abs=1)
    assert quarter == pytest.approx(whole / 4, abs=1)
    assert least == 1


def test_charts_stand_beside_each_other() -> None:
    """As many in a row as there is room for, none over another."""
    chart = Bars("Title", "names", (Bar("a", 3),))
    one, two, three = (drawn(*[chart] * count) for count in (1, 2, 3))
    assert one.size == two.size
    assert three.height > two.height
    assert one.width > PLOT_COLUMNS * PLOT_PANEL_PIXELS
    assert len(runs_of_blue(three)) == 2  # Two rows of panels.


@pytest.mark.parametrize("name", ["x" * 10_000, "猫" * 300, "\u202e\x1b[31m", "", "a\nb"])
def test_any_name_is_drawn_within_its_place(name: str) -> None:
    """Labels come from anywhere, and no name moves a bar out of the picture."""
    plain = drawn(Bars("t", "n", (Bar("plain", 1),)), Grid("t", ("plain",), ((1,),)))
    odd = drawn(Bars(name, name, (Bar(name, 1),), name), Grid(name, (name,), ((1,),), name))
    assert odd.size == plain.size
    assert runs_of_blue(odd)[0] > PLOT_PANEL_PIXELS / 4


def test_a_grid_is_darker_where_more_is() -> None:
    """And almost white where nothing is."""
    image = drawn(Grid("t", ("a", "b", "c"), ((100, 10, 0), (10, 50, 1), (0, 1, 25))))
    colours = {pixel for _, pixel in image.getcolors(1 << 20) or ()}
    assert BLUE in colours
    assert (244, 246, 247) in colours
