"""Charts drawn as one PNG, panel beside panel."""

import io
from collections.abc import Iterable, Sequence

from PIL import Image, ImageDraw, ImageFont

from hyperstore.limits import PLOT_COLUMNS, PLOT_PANEL_PIXELS
from hyperstore.media.chart import Bars, Chart, Grid
from hyperstore.media.lettering import Rgb

__all__ = ["draw_charts"]

_PAPER: Rgb = (255, 255, 255)
_INK: Rgb = (34, 40, 49)
_FAINT: Rgb = (120, 128, 138)
_BAR: Rgb = (46, 134, 193)
_PAD = 16
_LINE = 20
_HEAD = 52
_NAME_SHARE = 0.34  # Of a panel's width, at most.
_GRID_NAMES = 110


def draw_charts(title: str, charts: Iterable[Chart]) -> bytes:
    """Return a PNG with a title and a panel for each chart, in their order."""
    panels = [_Panel(PLOT_PANEL_PIXELS).drawn(chart) for chart in charts]
    rows = [panels[at : at + PLOT_COLUMNS] for at in range(0, len(panels), PLOT_COLUMNS)]
    top = _PAD + 2 * _LINE
    height = top + sum(max(one.height for one in row) + _PAD for row in rows)
    width = PLOT_COLUMNS * (PLOT_PANEL_PIXELS + _PAD) + _PAD
    image = Image.new("RGB", (width, height), _PAPER)
    font = ImageFont.load_default(20)
    pen = ImageDraw.Draw(image)
    pen.text((_PAD, _PAD), _cut(font, title, width - 2 * _PAD), fill=_INK, font=font)
    for row in rows:
        for at, panel in enumerate(row):
            image.paste(panel, (_PAD + at * (PLOT_PANEL_PIXELS + _PAD), top))
        top += max(panel.height for panel in row) + _PAD
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


class _Panel:
    """The place of one chart, so many pixels wide."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._font = ImageFont.load_default(13)
        self._bold = ImageFont.load_default(15)

    def drawn(self, chart: Chart) -> Image.Image:
        """Return the chart, as high as it needs."""
        if isinstance(chart, Bars):
            return self._bars(chart)
        return self._grid(chart)

    def _begun(self, chart: Chart, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        image = Image.new("RGB", (self._width, height), _PAPER)
        pen = ImageDraw.Draw(image)
        pen.line((0, 0, self._width, 0), fill=_FAINT)
        pen.text((0, 8), _cut(self._bold, chart.title, self._width), fill=_INK, font=self._bold)
        if chart.note:
            pen.text(
                (0, 28), _cut(self._font, chart.note, self._width), fill=_FAINT, font=self._font
            )
        return image, pen

    def _bars(self, chart: Bars) -> Image.Image:
        image, pen = self._begun(chart, _HEAD + _LINE * max(1, len(chart.bars)))
        counts = [f"{bar.count:,}" for bar in chart.bars]
        most = max((bar.count for bar in chart.bars), default=0) or 1
        room = round(self._width * _NAME_SHARE)
        names = [_cut(self._font, bar.name, room) for bar in chart.bars]
        left = max((round(self._font.getlength(name)) for name in names), default=0) + 8
        right = max((round(self._font.getlength(count)) for count in counts), default=0) + 8
        span = max(1, self._width - left - right)
        top = _HEAD
        for bar, name, count in zip(chart.bars, names, counts, strict=True):
            middle = top + _LINE // 2
            pen.text((left - 8, middle), name, fill=_INK, font=self._font, anchor="rm")
            length = round(span * bar.count / most)
            if bar.count:
                end = left + max(1, length)
                pen.rectangle((left, top + 3, end - 1, top + _LINE - 4), fill=_BAR)
            pen.text((left + length + 6, middle), count, fill=_FAINT, font=self._font, anchor="lm")
            top += _LINE
        return image

    def _grid(self, chart: Grid) -> Image.Image:
        size = max(8, min(28, (self._width - _GRID_NAMES) // max(1, len(chart.names))))
        across = _GRID_NAMES  # Column names stand upright above the grid.
        image, pen = self._begun(chart, _HEAD + across + size * len(chart.names) + 4)
        most = max((count for row in chart.counts for count in row), default=0) or 1
        names = [_cut(self._font, name, _GRID_NAMES - 8) for name in chart.names]
        for at, name in enumerate(names):
            middle = _HEAD + across + at * size + size // 2
            pen.text((_GRID_NAMES - 8, middle), name, fill=_INK, font=self._font, anchor="rm")
            upright = self._upright(name, size)
            bottom = _HEAD + across - 4 - upright.height
            image.paste(upright, (_GRID_NAMES + at * size, bottom))
        for down, row in enumerate(chart.counts):
            for right, count in enumerate(row):
                x, y = _GRID_NAMES + right * size, _HEAD + across + down * size
                box = (x, y, x + size - 2, y + size - 2)
                pen.rectangle(box, fill=_shade(count / most))
        return image

    def _upright(self, name: str, size: int) -> Image.Image:
        length = max(1, round(self._font.getlength(name)) + 1)
        lying = Image.new("RGB", (length, size), _PAPER)
        ImageDraw.Draw(lying).text((0, size // 2), name, fill=_INK, font=self._font, anchor="lm")
        return lying.transpose(Image.Transpose.ROTATE_90)


def _shade(share: float) -> Rgb:
    """Return a colour between that of almost nothing and that of the most; roots tell few apart."""
    if not share:
        return (244, 246, 247)
    part = 0.15 + 0.85 * share**0.5
    red, green, blue = (round(255 + (own - 255) * part) for own in _BAR)
    return red, green, blue


def _cut(font: "ImageFont.FreeTypeFont | ImageFont.ImageFont", text: str, width: float) -> str:
    """Return as much of a text as fits into so many pixels, on one line."""
    line = "".join(letter if letter.isprintable() else "�" for letter in text[:200])
    if font.getlength(line) <= width and len(text) <= 200:
        return line
    shorter: Sequence[str] = line
    while shorter and font.getlength(f"{shorter}...") > width:
        shorter = shorter[:-1]
    return f"{shorter}..."
