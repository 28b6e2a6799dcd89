"""Charts as plain values, before anybody draws them: bars by name, and a grid of pairs."""

from dataclasses import dataclass

__all__ = ["Bar", "Bars", "Chart", "Grid"]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name, how long it is beside the others, and further words about it."""

    name: str
    count: int
    said: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars from top to bottom. `names` says what stands in the column of names, `note` the rest."""

    title: str
    names: str
    bars: tuple[Bar, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A number for each two of the names: `counts[row][column]`, as long as `names` both ways."""

    title: str
    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    note: str = ""


Chart = Bars | Grid
