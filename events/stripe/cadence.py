"""Name how often a price bills, as the table shows it."""

from typing import Literal

Cadence = Literal["one_time", "monthly", "quarterly", "semi_annual", "annual", "other", "unknown"]
LineType = Literal["one_time", "recurring", "unknown"]

CADENCES: tuple[Cadence, ...] = ("one_time", "monthly", "quarterly", "semi_annual", "annual", "other", "unknown")
LINE_TYPES: tuple[LineType, ...] = ("one_time", "recurring", "unknown")

_NAMED: dict[tuple[str, int], Cadence] = {
    ("month", 1): "monthly",
    ("month", 3): "quarterly",
    ("month", 6): "semi_annual",
    ("month", 12): "annual",
    ("year", 1): "annual",
}


def cadence_of(unit: str, count: int) -> Cadence:
    """Return the cadence of a price that bills every `count` times `unit` (day, week, month or year)."""
    return _NAMED.get((unit, count), "other")
