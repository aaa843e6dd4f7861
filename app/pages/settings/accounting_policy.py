"""Routes for the Accounting policy settings: when days begin, and how write-offs and late invoices count."""

from flask import Blueprint, request
from flask.wrappers import Response

from app.api.mapping.deciding import at_desk, log_at
from app.api.mapping.policy_schemas import CATCH_UP, UNCOLLECTIBLE
from app.pages.forms import MistakeError, back_to, limit_forms, typed
from app.pages.frame import for_member, framed
from mapping.policy import policy_at, set_policy
from projections.recognition.days import UnknownTimeZoneError, zone_names

blueprint = Blueprint("policy pages", __name__, url_prefix="/companies/<int:company_id>/settings/accounting-policy")
limit_forms(blueprint)

_DONE = {"saved": "Saved. All figures follow within seconds."}


@blueprint.get("")
@for_member("admin")
def show_policy(company_id: int) -> Response:
    """Show the policy that is in force, as a form."""
    return _page(company_id, done=_DONE.get(request.args.get("done", "")))


@blueprint.post("")
@for_member("admin")
def save_policy(company_id: int) -> Response:
    """Set the policy."""
    try:
        changes = {
            "time_zone": typed("time_zone").strip(),
            "uncollectible": _chosen("uncollectible", UNCOLLECTIBLE),
            "catch_up": _chosen("catch_up", CATCH_UP),
        }
        at_desk(company_id, lambda desk: set_policy(desk, changes))
    except MistakeError as mistake:
        return _page(company_id, mistake=mistake)
    except UnknownTimeZoneError:
        says = "Choose a time zone from the list, such as Europe/Berlin."
        return _page(company_id, mistake=MistakeError("time_zone", says))
    return back_to(f"/companies/{company_id}/settings/accounting-policy", "saved")


def _chosen(field: str, choices: tuple[str, ...]) -> str:
    if typed(field) not in choices:
        raise MistakeError(field, "Choose one of the two.")
    return typed(field)


def _page(company_id: int, *, done: str | None = None, mistake: MistakeError | None = None) -> Response:
    with log_at(company_id) as (connection, position):
        policy, version = policy_at(connection, company_id, position)
    chosen = {name: typed(name) for name in policy._fields} if mistake else policy._asdict()
    return framed(
        "settings/accounting_policy.html",
        here="policy",
        status=422 if mistake else 200,
        chosen=chosen,
        version=version,
        zones=sorted(zone_names()),
        done=done,
        mistakes={mistake.field: mistake.says} if mistake else {},
    )
