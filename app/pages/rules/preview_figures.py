"""The figures of a preview, arranged for its page: by stream, and by month and stream, in one currency. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from app.pages.mapped.share_words import Streams
from app.pages.mapping import words

Cells = Sequence[Mapping[str, Any]]


class Compared(NamedTuple):
    """An amount before and after, in minor units."""

    name: str
    is_unmapped: bool
    before: int
    after: int

    @property
    def difference(self) -> int:
        """Return what the amount changes by."""
        return self.after - self.before


class ComparedMonth(NamedTuple):
    """A month with its streams."""

    month: str
    is_closed: bool
    streams: list[Compared]


class Figures(NamedTuple):
    """The cells of one currency: added up by stream, and by month."""

    currency: str
    exponent: int
    by_stream: list[Compared]
    by_month: list[ComparedMonth]
    hidden: int


def currencies_of(cells: Cells, order: Sequence[str] = ()) -> list[str]:
    """Return the currencies of cells: those in which something moves first, then in this order, then by how much."""
    moved: Counter[str] = Counter()
    for cell in cells:
        moved[cell["currency"]] += abs(cell["after"] - cell["before"])
    places = {currency: place for place, currency in enumerate(order)}
    ranked = [(not amount, places.get(currency, len(places)), -amount, currency) for currency, amount in moved.items()]
    return [currency for *_, currency in sorted(ranked)]


def figures_of(cells: Cells, currency: str, streams: Streams, *, has_all: bool) -> Figures | None:
    """Return the figures of a currency; without `has_all`, only the months and streams that change."""
    chosen = [cell for cell in cells if cell["currency"] == currency]
    if not chosen:
        return None
    shown = [cell for cell in chosen if has_all or cell["before"] != cell["after"]]
    by_month: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for cell in shown:
        by_month[cell["month"]].append(cell)
    return Figures(
        currency,
        chosen[0]["currency_exponent"],
        _compared(chosen, streams),
        [ComparedMonth(month, some[0]["closed"], _compared(some, streams)) for month, some in by_month.items()],
        len(chosen) - len(shown),
    )


def month_words(month: str) -> str:
    """Return a month, YYYY-MM, as text: Nov 2025."""
    return words.month(date.fromisoformat(f"{month}-01"))


def _compared(cells: Iterable[Mapping[str, Any]], streams: Streams) -> list[Compared]:
    sums: dict[str | None, list[int]] = {}
    for cell in cells:
        before_after = sums.setdefault(cell["stream_id"], [0, 0])
        before_after[0] += cell["before"]
        before_after[1] += cell["after"]
    rows = [Compared(_name(stream_id, streams), stream_id is None, *amounts) for stream_id, amounts in sums.items()]
    return sorted(rows, key=lambda row: (row.is_unmapped, row.name.casefold()))


def _name(stream_id: str | None, streams: Streams) -> str:
    if stream_id is None:
        return "Unmapped"
    return streams[stream_id].name if stream_id in streams else stream_id
