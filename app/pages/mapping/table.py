"""The Revenue Mapping page: the table and its parts."""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from flask import Blueprint, abort, make_response, redirect, render_template
from werkzeug.wrappers import Response

from app.api.views.keeping import seen_views
from app.pages.frame import for_member, framed
from app.pages.mapped.mapped_lines import LAYERS
from app.pages.mapping import words
from app.pages.mapping.chips import chips_of
from app.pages.mapping.columns import ADDABLE, DEFAULT, written
from app.pages.mapping.freshness import (
    Choices,
    Freshness,
    choices_of,
    freshness_of,
    why_empty,
)
from app.pages.mapping.lines import LinesPage, read_lines
from app.pages.mapping.query import View, as_preferred, view_of
from app.wiring.tools import current_tools
from events.stripe.cadence import CADENCES, LINE_TYPES
from events.stripe.invoice import FINAL_STATUSES
from projections.reads.freshness import recorded_at
from projections.reads.missing import count_unread
from projections.reads.snapshots import NotFoldedYetError, PositionAheadError, Snapshot, snapshot_of
from projections.reads.table.orders import SORTS
from tenants.views.saved_views import SavedView

HERE = "revenue-mapping"
_RETRY_AFTER_SECONDS = 5
_KNOWN = {
    "sorts": [sort for sort in SORTS if not sort.startswith("-")],
    "invoice_status": FINAL_STATUSES,
    "type": LINE_TYPES,
    "cadence": CADENCES,
    "layer": {layer: words for layer, words in LAYERS.items() if layer != "unmapped"},
}
_FORMATS = {"CSV": "csv", "Excel": "xlsx"}

blueprint = Blueprint("revenue mapping", __name__, url_prefix="/companies/<int:company_id>/revenue-mapping")
for _filter in (words.day, words.month, words.spoken):
    blueprint.add_app_template_filter(_filter)
for _function in (
    words.span,
    words.every,
    words.spoken_choices,
    words.currency_choices,
    words.sort_choices,
    words.sort_label,
    words.other_sort,
):
    blueprint.add_app_template_global(_function)


class Saving(NamedTuple):
    """A view that could not be saved: what was entered, and what is wrong with it."""

    name: str
    scope: str
    mistake: str


class _Content(NamedTuple):
    """The content of a page of the table; without `lines` if the view has mistakes."""

    view: View
    freshness: Freshness
    choices: Choices
    missing: int
    saved_views: Sequence[SavedView]
    lines: LinesPage | None = None
    position: int = 0
    recorded_at: object = None


@blueprint.get("")
@for_member("viewer")
def show_table(company_id: int) -> Response:
    """Show the table: the first lines of a view, and the controls that change it."""
    view = view_of(company_id)
    if view.is_form and not view.mistakes:
        return redirect(view.link(), 303)
    return table_page(view)


@blueprint.get("/rows")
@for_member("viewer")
def show_rows(company_id: int) -> Response:
    """Return more rows of a view, as a part of its page."""
    view = understood(company_id)
    with snapshot_of(current_tools().engine, company_id, view.moment) as snapshot:
        view = as_preferred(snapshot.connection, view)
        lines = read_lines(snapshot, view)
    return make_response(render_template("mapping/rows.html", view=view, lines=lines))


@blueprint.get("/freshness")
@for_member("viewer")
def show_freshness(company_id: int) -> Response:
    """Return how fresh the table is, and whether it has changed since the page was rendered."""
    view = understood(company_id)
    with snapshot_of(current_tools().engine, company_id) as snapshot:
        freshness = freshness_of(snapshot, since=view.query.get("at", snapshot.position))
    return make_response(render_template("mapping/freshness.html", view=view, freshness=freshness))


def understood(company_id: int) -> View:
    """Return the view that a part of a page asks for; abort with 422 if it has mistakes, as no page of ours would."""
    view = view_of(company_id)
    if view.mistakes or view.is_form:
        abort(422)
    return view


def _content(view: View) -> _Content:
    tools = current_tools()
    with snapshot_of(tools.engine, view.company_id) as now:
        view = as_preferred(now.connection, view)
        freshness, choices = freshness_of(now, now.position), choices_of(now, view)
        saved_views = seen_views(now.connection, view.company_id)
        content = _Content(view, freshness, choices, count_unread(now), saved_views)
        if view.mistakes:
            return content
        if view.moment is None:
            return _with_lines(content, now)
    with snapshot_of(tools.engine, view.company_id, view.moment) as then:
        return _with_lines(content._replace(missing=count_unread(then)), then)


def _with_lines(content: _Content, snapshot: Snapshot) -> _Content:
    return content._replace(
        lines=read_lines(snapshot, content.view),
        position=snapshot.position,
        recorded_at=recorded_at(snapshot, snapshot.position) if content.view.as_of is not None else None,
    )


def table_page(view: View, saving: Saving | None = None) -> Response:
    """Return the page of a view; with `saving`, of one that could not be saved."""
    try:
        return _page(_content(view), saving)
    except PositionAheadError:
        view.mistakes["as_of"] = ["There is no event with that number yet."]
        return _page(_content(view), saving)
    except NotFoldedYetError:
        page = framed("mapping/not_yet.html", here=HERE, status=503, view=view, seconds=_RETRY_AFTER_SECONDS)
        page.headers["Retry-After"] = str(_RETRY_AFTER_SECONDS)
        return page


def _page(content: _Content, saving: Saving | None) -> Response:
    view, now = content.view, current_tools().clock()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return framed(
        "mapping/table_page.html",
        here=HERE,
        status=422 if view.mistakes or saving else 200,
        **content._asdict(),
        chips=chips_of(view, content.choices.stream_names),
        exports=_exports(content),
        scheduling=_scheduling(view),
        columns=(DEFAULT, ADDABLE),
        known=_KNOWN,
        moments={"End of yesterday": today, "End of last month": today.replace(day=1)},
        now=now,
        why=why_empty(view, content.freshness.connection, content.choices),
        saving=saving,
    )


def _scheduling(view: View) -> str:
    parameters = [*view.state("chart", "columns", "density", "as_of", "select"), ("columns", written(view.columns))]
    return f"/companies/{view.company_id}/settings/exports?{urlencode(parameters)}"


def _exports(content: _Content) -> dict[str, str]:
    # Exactly what is shown: the same lines as of the same position, and the matching columns.
    view = content.view
    is_past = bool(content.lines and "at=" in content.lines.here)
    kept = view.state("chart", "columns", "density", "select", *(["as_of"] if is_past else []))
    parameters = [*kept, ("columns", written(view.columns)), *([("as_of", str(content.position))] if is_past else [])]
    lines = f"/v1/companies/{view.company_id}/revenue-lines"
    return {title: f"{lines}.{ending}?{urlencode(parameters)}" for title, ending in _FORMATS.items()}
