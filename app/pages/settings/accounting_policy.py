"""Routes for the Accounting policy settings: when days begin, and how write-offs and late invoices count."""

from flask import Blueprint, request
from flask.wrappers import Response

from app.api.mapping.deciding import at_desk, log_at
from app.api.mapping.policy import tried_policy
from app.api.mapping.policy_schemas import CATCH_UP, UNCOLLECTIBLE
from app.pages.forms import MistakeError, back_to, limit_forms, typed
from app.pages.frame import for_member, framed
from app.pages.rules.preview_figures import Figures, currencies_of, figures_of
from mapping.policy import policy_at, set_policy
from mapping.policy_preview import TooManyLinesError
from mapping.streams import streams_at
from projections.reads.snapshots import NotFoldedYetError
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
        if "try" in request.form:
            return _page(company_id, figures=_figures(company_id, changes))
        at_desk(company_id, lambda desk: set_policy(desk, changes))
    except MistakeError as mistake:
        return _page(company_id, mistake=mistake)
    except (NotFoldedYetError, TooManyLinesError):
        says = "This can't be tried on so many lines at once, or while the table catches up. Saving it works."
        return _page(company_id, mistake=MistakeError("try", says))
    except UnknownTimeZoneError:
        says = "Choose a time zone from the list, such as Europe/Berlin."
        return _page(company_id, mistake=MistakeError("time_zone", says))
    return back_to(f"/companies/{company_id}/settings/accounting-policy", "saved")


def _chosen(field: str, choices: tuple[str, ...]) -> str:
    if typed(field) not in choices:
        raise MistakeError(field, "Choose one of the two.")
    return typed(field)


def _figures(company_id: int, changes: dict[str, str]) -> list[Figures]:
    """Return what a policy would change, in each currency in which it changes anything."""
    cells = tried_policy(company_id, dict(changes))["data"]
    with log_at(company_id) as (connection, position):
        streams = streams_at(connection, company_id, position)
    found = (figures_of(cells, currency, streams, has_all=False) for currency in currencies_of(cells))
    return [figures for figures in found if figures and figures.by_month]


def _page(
    company_id: int,
    *,
    done: str | None = None,
    mistake: MistakeError | None = None,
    figures: list[Figures] | None = None,
) -> Response:
    with log_at(company_id) as (connection, position):
        policy, version = policy_at(connection, company_id, position)
    is_typed = mistake is not None or figures is not None
    chosen = {name: typed(name) for name in policy._fields} if is_typed else policy._asdict()
    return framed(
        "settings/accounting_policy.html",
        here="policy",
        status=422 if mistake else 200,
        chosen=chosen,
        version=version,
        zones=sorted(zone_names()),
        done=done,
        mistakes={mistake.field: mistake.says} if mistake else {},
        figures=figures,
    )
