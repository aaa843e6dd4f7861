"""What maps a line, on its page: said in words, overridden by hand, and left to the rules again."""

from typing import Any

from flask import Blueprint, request
from sqlalchemy import Row
from werkzeug.wrappers import Response

from app.api.mapping import override_steps as steps
from app.pages.forms import back_to, limit_forms, typed
from app.pages.frame import for_member
from app.pages.mapped.mapped_lines import MappedLine, mapped_lines
from app.pages.mapped.targets import outcome_in_form, target_choices
from app.pages.mapping.addresses import Parameters, table_address
from mapping.overrides import override_of_line, override_of_subscription
from mapping.streams import streams_at
from projections.mapping.decisions.payloads import LineKey
from projections.mapping.problems import InvalidRulesError
from projections.reads.snapshots import Snapshot
from projections.reads.table.lines import LineRow

_ONE = "/companies/<int:company_id>/revenue-mapping/lines/<line_id>"

blueprint = Blueprint("line mapping", __name__, url_prefix=_ONE)
limit_forms(blueprint)
_LONGEST_REASON = 500
_TOLD = {
    "mapped": "Mapped by hand. The table follows in a moment.",
    "released": "Left to the rules again. The table follows in a moment.",
    "unusable": "Choose a stream that isn't archived, and a reason of up to 500 characters.",
}


@blueprint.post("/mapping")
@for_member("editor")
def map_line(company_id: int, line_id: str) -> Response:
    """Map a line by hand, or all lines of its subscription."""
    livemode, reason = _livemode(), typed("reason").strip()
    body = {"outcome": outcome_in_form(), "reason": reason or None}
    if len(reason) > _LONGEST_REASON:
        return _back(company_id, line_id, "unusable")
    try:
        if typed("subscription"):
            steps.override_subscription(company_id, typed("subscription"), body, livemode)
        else:
            steps.override_line(company_id, line_id, body, livemode)
    except InvalidRulesError:
        return _back(company_id, line_id, "unusable")
    return _back(company_id, line_id, "mapped")


@blueprint.post("/mapping/release")
@for_member("editor")
def release_line(company_id: int, line_id: str) -> Response:
    """Take away what a person chose for a line, or for its subscription."""
    if typed("subscription"):
        steps.release_subscription(company_id, typed("subscription"), _livemode())
    else:
        steps.release_line(company_id, line_id, _livemode())
    return _back(company_id, line_id, "released")


def mapping_of_line(snapshot: Snapshot, row: LineRow) -> dict[str, Any]:
    """Return what the page of a line says of its mapping."""
    key = (row.livemode, row.invoice_id, row.invoice_line_item_id)
    mapped = mapped_lines(snapshot, [row]).get(key)
    targets = [] if snapshot.is_past else target_choices(streams_at(snapshot.connection, snapshot.company_id))
    return {
        "mapped": mapped,
        "reason": _reason(snapshot, row, mapped),
        "targets": [target for target in targets if not target.is_archived],
        "told": _TOLD.get(request.args.get("done", "")),
    }


def _reason(snapshot: Snapshot, row: Row[Any], mapped: MappedLine | None) -> str | None:
    connection, company_id, upto = snapshot.connection, snapshot.company_id, snapshot.position
    if mapped is not None and mapped.layer == "line_override":
        key = LineKey(row.livemode, row.invoice_id, row.invoice_line_item_id)
        override = override_of_line(connection, company_id, key, upto)
        return override.reason if override else None
    if mapped is not None and mapped.layer == "subscription_override" and not snapshot.is_past:
        chosen = override_of_subscription(connection, company_id, row.subscription_id, livemode=row.livemode)
        return chosen.reason if chosen else None
    return None


def _livemode() -> bool | None:
    return {"true": True, "false": False}.get(typed("livemode"))


def _back(company_id: int, line_id: str, done: str) -> Response:
    kept = Parameters((("livemode", typed("livemode")),)) if _livemode() is not None else Parameters(())
    address = table_address(company_id, f"/lines/{line_id}", Parameters((*kept, ("done", done))))
    return back_to(address)
