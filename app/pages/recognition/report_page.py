"""The Recognition page: recognized revenue, deferred revenue and the waterfall by month."""

from datetime import date
from typing import Any, NamedTuple

from flask import Blueprint
from werkzeug.wrappers import Response

from app.api.reports.reading import Reading, read_report
from app.connect.state import health_in
from app.pages.frame import for_member, framed
from app.pages.recognition.bars import bars_of
from app.pages.recognition.grids import Cells, by_month_and_name, grid_of, matrix_of
from app.pages.recognition.names import NameOf, names_from
from app.pages.recognition.query import ReportView, report_view_of
from app.wiring.tools import current_tools
from backlog.syncs.health import ConnectionHealth
from events.stripe.money import exponent_of
from projections.reads.freshness import recorded_at
from projections.reads.recognition.report_cells import REPORTS, ReportName
from projections.reads.recognition.stream_names import stream_names
from projections.reads.snapshots import NotFoldedYetError, PositionAheadError, snapshot_of
from projections.reads.table.totals import list_currencies
from projections.recognition import days
from projections.recognition.days import first_day, month_text

HERE = "recognition"
_TITLES = {"recognition": "Recognized", "deferred": "Deferred", "waterfall": "Waterfall"}
_RETRY_AFTER_SECONDS = 5

blueprint = Blueprint("recognition", __name__, url_prefix="/companies/<int:company_id>/recognition")


@blueprint.app_template_filter()
def month_named(month: int | str) -> str:
    """Return a month, a number or a text like 2025-11, as people write it: Nov 2025."""
    return f"{date.fromordinal(first_day(days.month_named(month) if isinstance(month, str) else month)):%b %Y}"


blueprint.add_app_template_filter(month_text)


class _Content(NamedTuple):
    report: Reading
    connection: ConnectionHealth
    name_of: NameOf
    recorded_at: object
    currencies: list[str]


@blueprint.get("")
@for_member("viewer")
def show_report(company_id: int) -> Response:
    """Show a report by month, in one currency, each figure with a link to what it is made of."""
    view = report_view_of(company_id)
    if view.mistakes:
        return _page(view, None)
    try:
        return _page(view, _content(view))
    except PositionAheadError:
        view.mistakes["as_of"] = ["There is no event with that number yet."]
        return _page(view, None)
    except NotFoldedYetError:
        page = framed("recognition/not_yet.html", here=HERE, status=503)
        page.headers["Retry-After"] = str(_RETRY_AFTER_SECONDS)
        return page


def _content(view: ReportView) -> _Content:
    query = {name: value for name, value in view.query.items() if name not in ("report", "currency")}
    if view.report == "waterfall":
        query["by"] = "none"
    with snapshot_of(current_tools().engine, view.company_id, view.moment) as snapshot:
        report = read_report(snapshot, view.report, query, is_whole=True)
        return _Content(
            report,
            health_in(snapshot.connection, view.company_id),
            _of_all if view.query["by"] == "none" else names_from(stream_names(snapshot)),
            recorded_at(snapshot, snapshot.position) if view.moment is not None else None,
            list_currencies(snapshot, livemode=report.livemode),
        )


def _of_all(_stream_id: str | None) -> str:
    return "All streams"


def _page(view: ReportView, content: _Content | None) -> Response:
    shown = _shown(view, content) if content else {}
    return framed(
        "recognition/report.html",
        here=HERE,
        status=422 if view.mistakes else 200,
        view=view,
        titles={name: _TITLES[name] for name in REPORTS},
        **shown,
    )


def _shown(view: ReportView, content: _Content) -> dict[str, Any]:
    report = content.report
    held = {cell["currency"] for cell in report.cells}
    # Those with most lines first, as on the page of the table.
    currencies = [name for name in content.currencies if name in held]
    asked = view.query.get("currency")
    currency = asked or next(iter(currencies), None)
    cells = [cell for cell in report.cells if cell["currency"] == currency]
    return {
        **content._asdict(),
        "currencies": currencies if asked in (None, *currencies) else [*currencies, asked],
        "currency": currency,
        # In a currency without a cell no amount is written: it may be none that we know.
        "exponent": exponent_of(currency) if currency and cells else 0,
        "is_empty": not cells,
        "files": {ending: view.file(ending, currency, report.months) for ending in ("csv", "xlsx")},
        **_laid_out(report.name, cells, content.name_of),
    }


def _laid_out(name: ReportName, cells: Cells, name_of: NameOf) -> dict[str, Any]:
    if name == "recognition":
        return {"grid": grid_of(cells, name_of)}
    if name == "waterfall":
        return {"matrix": matrix_of(cells), "drawing": bars_of(cells)}
    return {"cells": by_month_and_name(cells, name_of), "has_streams": len({cell["stream_id"] for cell in cells}) > 1}
