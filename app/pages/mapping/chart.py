"""Totals of a view of the table by currency, and a chart of billed revenue by month, one currency at a time."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from flask import Blueprint, make_response, render_template, request
from werkzeug.wrappers import Response

from app.api.revenue_lines import list_of
from app.pages.frame import for_member, framed
from app.pages.mapping.query import View
from app.pages.mapping.table import HERE, understood
from app.wiring.tools import current_tools
from events.stripe.cadence import CADENCES
from events.stripe.money import exponent_of
from projections.reads.snapshots import snapshot_of
from projections.reads.table.totals import NOT_BILLED, UNCOLLECTIBLE, VOID, MonthTotal, Total, sum_months

# Beyond it, months without a line are left out: a single stray date would leave the chart mostly empty.
_MOST_MONTHS_FILLED = 600

blueprint = Blueprint("revenue chart", __name__, url_prefix="/companies/<int:company_id>/revenue-mapping")


class Chart(NamedTuple):
    """Billed minor units of one currency by month and cadence, months in order. `cadences` are those that occur.

    A month has its first day, an amount for each of `cadences`, and their total.
    """

    currency: str
    exponent: int
    cadences: Sequence[str]
    months: list[tuple[date, list[int], int]]


@blueprint.get("/figures")
@for_member("viewer")
def show_figures(company_id: int) -> Response:
    """Show totals and chart of a view: as a part of its page if htmx asks, else as a page of their own."""
    view = understood(company_id)
    with snapshot_of(current_tools().engine, company_id, view.moment) as snapshot:
        line_filter = list_of(snapshot, view.query).line_filter
        months = sum_months(snapshot, line_filter)
    totals = totals_of(months)
    currency = _currency(totals, view)
    content: dict[str, Any] = {
        "view": view,
        "totals": totals,
        "line_count": sum(total.count for total in totals),
        "exponent": exponent_of(currency) if currency else None,
        "total": _of_currency(totals, currency),
        "is_billed": not _is_of_unbilled(view),
        "chart": chart_of(_billed(months, view), currency),
    }
    if "HX-Request" in request.headers:
        return make_response(render_template("mapping/chart_figures.html", **content))
    return framed("mapping/figures.html", here=HERE, **content)


def totals_of(months: Iterable[MonthTotal]) -> list[Total]:
    """Sum months by currency, the currency with the most lines first."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * 7)
    for month in months:
        for place, part in enumerate(_parts_of(month)):
            sums[month.currency][place] += part
    totals = [Total(currency, *parts) for currency, parts in sums.items()]
    return sorted(totals, key=lambda total: (-total.count, total.currency))


def _parts_of(month: MonthTotal) -> tuple[int, ...]:
    """Return what a month adds to a `Total`, in its order."""
    billed = month.invoice_status not in NOT_BILLED
    ended = (month.amount if month.invoice_status == status else 0 for status in (VOID, UNCOLLECTIBLE))
    return month.line_count, month.amount, month.net_amount, month.amount * billed, month.net_amount * billed, *ended


def chart_of(months: Sequence[MonthTotal], currency: str | None) -> Chart | None:
    """Return the chart of one currency; None if it has no months."""
    of_currency = [month for month in months if month.currency == currency]
    if currency is None or not of_currency:
        return None
    sums: dict[tuple[date, str], int] = defaultdict(int)
    for month in of_currency:
        sums[month.month, month.cadence] += month.amount
    cadences = [name for name in CADENCES if any(cadence == name for _, cadence in sums)]
    rows = [(month, [sums.get((month, name), 0) for name in cadences]) for month in _filled({at for at, _ in sums})]
    return Chart(currency, exponent_of(currency), cadences, [(month, parts, sum(parts)) for month, parts in rows])


def _billed(months: list[MonthTotal], view: View) -> list[MonthTotal]:
    return [month for month in months if _is_of_unbilled(view) or month.invoice_status not in NOT_BILLED]


def _is_of_unbilled(view: View) -> bool:
    # Void and uncollectible lines are no billed revenue, unless the view is of nothing else.
    statuses = view.query.get("invoice_status", ())
    return bool(statuses) and set(statuses) <= set(NOT_BILLED)


def _currency(totals: list[Total], view: View) -> str | None:
    chosen: str | None = view.query.get("chart")
    names = [total.currency for total in totals]
    return chosen if chosen in names else next(iter(names), None)


def _of_currency(totals: list[Total], currency: str | None) -> Total | None:
    return next((total for total in totals if total.currency == currency), None)


def _filled(months: set[date]) -> list[date]:
    first, last = min(months), max(months)
    span = (last.year - first.year) * 12 + last.month - first.month + 1
    if span > _MOST_MONTHS_FILLED:
        return sorted(months)
    places = range(first.month - 1, first.month - 1 + span)
    return [date(first.year + place // 12, place % 12 + 1, 1) for place in places]
