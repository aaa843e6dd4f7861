"""Draw what months recognize as stacked bars, in numbers of an SVG: by when it was booked. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

# Booked in an earlier month, in the same, or in a later one.
SERIES = ("before", "same", "after")
WIDTH_OF_A_BAR, HEIGHT = 14, 100
_GAP = 4


class Bar(NamedTuple):
    """A rectangle: its month, which of `SERIES` it is of, its amount, and its place in the drawing."""

    month: int
    series: str
    amount: int
    x: int
    y: float
    height: float


class Bars(NamedTuple):
    """A drawing: its bars, its width, and the height of its line of zero."""

    bars: list[Bar]
    width: int
    zero: float
    months: list[tuple[int, int]]


def bars_of(cells: Iterable[Mapping[str, Any]]) -> Bars | None:
    """Return the bars of a waterfall's cells: each recognized month from the first to the last; None if all are 0."""
    sums: defaultdict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(SERIES, 0))
    for cell in cells:
        booked, month = cell["booked_month"], cell["recognized_month"]
        sums[month]["before" if booked < month else "same" if booked == month else "after"] += cell["amount"]
    highest = max((sum(filter(_is_above, parts.values())) for parts in sums.values()), default=0)
    lowest = min((sum(amount for amount in parts.values() if amount < 0) for parts in sums.values()), default=0)
    if highest == lowest:
        return None
    scale = HEIGHT / (highest - lowest)
    zero = highest * scale
    first, last = min(sums), max(sums)
    places = [(month, (month - first) * (WIDTH_OF_A_BAR + _GAP)) for month in range(first, last + 1)]
    bars = [bar for month, x in places if month in sums for bar in _stacked(month, sums[month], x, zero, scale)]
    return Bars(bars, places[-1][1] + WIDTH_OF_A_BAR, round(zero, 2), places)


def _stacked(month: int, parts: Mapping[str, int], x: int, zero: float, scale: float) -> Iterable[Bar]:
    above = below = 0
    for series, amount in parts.items():
        height = round(abs(amount) * scale, 2)
        if amount > 0:
            above += amount
            yield Bar(month, series, amount, x, round(zero - above * scale, 2), height)
        elif amount < 0:
            yield Bar(month, series, amount, x, round(zero - below * scale, 2), height)
            below += amount


def _is_above(amount: int) -> bool:
    return amount > 0
