"""Map lines by hand: those that were selected, or all that a view shows. What it comes to is told before, in money."""

from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any, NamedTuple

from flask import Blueprint, abort, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.api.mapping import override_steps as steps
from app.api.mapping.deciding import log_at
from app.auth.csrf import FIELD
from app.pages.forms import back_to, typed
from app.pages.frame import for_member, framed
from app.pages.mapped.targets import outcome_in_form, target_choices
from app.pages.mapping.addresses import table_address
from app.pages.mapping.chips import chips_of
from app.pages.mapping.query import FILTERS, View, view_of
from app.pages.mapping.table import HERE
from events.stripe.money import exponent_of
from mapping.streams import streams_at
from projections.mapping.problems import InvalidRulesError
from projections.reads.mapping.mappable_lines import MappableLine, money_of

_MOST_FORM_BYTES = 4 * 1024 * 1024
_OWN = frozenset(("line", "target", "kind", "reason", "expected", "once", FIELD))
_LONGEST_REASON = 500

blueprint = Blueprint("mapping by hand", __name__, url_prefix="/companies/<int:company_id>/revenue-mapping/by-hand")


class _Chosen(NamedTuple):
    """Lines to map: the view that they are of, the values of those that were selected, and the lines themselves."""

    view: View
    selected: list[str]
    lines: list[MappableLine]


@blueprint.before_request
def refuse_long_forms() -> None:
    """Limit the size of request bodies."""
    request.max_content_length = _MOST_FORM_BYTES
    request.max_form_memory_size = _MOST_FORM_BYTES


@blueprint.get("")
@for_member("editor")
def show_all_of_view(company_id: int) -> Response:
    """Show what it would come to to map all lines of a view."""
    return _page(_chosen(company_id, request.args))


@blueprint.post("")
@for_member("editor")
def show_selected(company_id: int) -> Response:
    """Show what it would come to to map the lines that were selected."""
    return _page(_chosen(company_id, request.form))


@blueprint.post("/apply")
@for_member("editor")
def map_chosen(company_id: int) -> Response:
    """Map the lines as the form says, as one batch that can be undone."""
    chosen = _chosen(company_id, request.form)
    reason = typed("reason").strip()
    if len(reason) > _LONGEST_REASON:
        return _page(chosen, mistakes={"reason": f"Use up to {_LONGEST_REASON} characters."})
    if str(len(chosen.lines)) != typed("expected"):
        # Lines came or went since the page was shown.
        return _page(chosen, mistakes={"expected": "These are other lines than before. Look again."})
    body = {"outcome": outcome_in_form(), "reason": reason or None}
    try:
        batch_id = steps.override_chosen(company_id, chosen.lines, body, key=f"page:{typed('once')[:64]}")
    except InvalidRulesError as error:
        return _page(chosen, mistakes={"target": _in_words(error)})
    return back_to(f"/companies/{company_id}/revenue-mapping/batches/{batch_id}")


def _chosen(company_id: int, sent: MultiDict[str, str]) -> _Chosen:
    """Return the lines that an address or a form chooses; 422 for one that no page of ours has."""
    about_view = ((name, value) for name, value in sent.items(multi=True) if name not in _OWN)
    view, selected = view_of(company_id, MultiDict(about_view)), list(dict.fromkeys(sent.getlist("line")))
    if view.mistakes or view.is_form:
        abort(422)
    if selected:
        keys = [(invoice_id, line_id) for invoice_id, _, line_id in (value.partition("/") for value in selected)]
        return _Chosen(view, selected, steps.these_lines(company_id, keys, view.query.get("livemode")))
    if request.method == "POST" and request.path.endswith("/by-hand"):
        return _Chosen(view, [], [])
    filters = {name: value for name, value in view.query.items() if name in FILTERS}
    return _Chosen(view, [], steps.lines_of(company_id, filters))


def _page(chosen: _Chosen, mistakes: Mapping[str, str] | None = None) -> Response:
    view = chosen.view
    with log_at(view.company_id) as (connection, _):
        streams = streams_at(connection, view.company_id)
    names = {stream_id: stream.name for stream_id, stream in streams.items()}
    return framed(
        "mapping/by_hand.html",
        here=HERE,
        status=422 if mistakes else 200,
        view=view,
        selected=chosen.selected,
        count_of_lines=len(chosen.lines),
        money=money_in(chosen.lines),
        chips=chips_of(view, names),
        filters=[(name, value) for name, value in view.state() if name in FILTERS],
        targets=target_choices(streams),
        mistakes=mistakes or {},
        typed=typed,
        once=typed("once") or token_hex(16),
        back=table_address(view.company_id, "", view.state()),
    )


def money_in(lines: Sequence[MappableLine]) -> list[dict[str, Any]]:
    """Return what lines come to by currency, the largest first, with the decimals of each."""
    sums = [{**one, "exponent": exponent_of(str(one["currency"]))} for one in money_of(lines)]
    return sorted(sums, key=lambda one: -abs(int(str(one["net_amount"]))))


def _in_words(error: InvalidRulesError) -> str:
    details = " ".join(problem.detail for problem in error.problems)
    return "Choose a stream." if "needs a stream" in details else details
