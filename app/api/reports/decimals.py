"""Write amounts of cells for files: with the decimals of their currency, or as whole minor units."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from app.api.reports.reading import MONTHS, NAMES, Reading, columns_of
from projections.recognition.days import month_text

_TEXTS = MONTHS | {*NAMES, *NAMES.values(), "currency", "kind"}


class Money(NamedTuple):
    """An amount, and how many decimals to show."""

    amount: Decimal
    decimals: int


Value = str | int | Money


def values_of(report: Reading, *, as_decimals: bool) -> Iterator[list[Value]]:
    """Yield the cells of a report as values, in the order of its columns; texts are empty where there is none."""
    for cell in report.cells:
        yield [_value_of(name, cell, as_decimals=as_decimals) for name in columns_of(report.name)]


def _value_of(name: str, cell: Mapping[str, Any], *, as_decimals: bool) -> Value:
    value = cell[name]
    if name in MONTHS:
        return month_text(value)
    if name in _TEXTS:
        return value or ""
    if name == "currency_exponent":
        return int(value)
    decimals = cell["currency_exponent"] if as_decimals else 0
    return Money(Decimal(value).scaleb(-decimals), decimals)
