"""Routes for the Company settings: its name, its time zone, and whether its people need a second factor."""

from flask import Blueprint, abort, request
from flask.wrappers import Response

from app.api.people.companies import alter_company
from app.pages.forms import MistakeError, back_to, limit_forms, name_in, typed
from app.pages.frame import for_member, framed
from app.wiring.tools import current_tools
from projections.recognition.days import UnknownTimeZoneError, zone_names
from runtime.database import within_company
from tenants.companies import find_company

blueprint = Blueprint("company pages", __name__, url_prefix="/companies/<int:company_id>/company")
limit_forms(blueprint)

_DONE = {"saved": "Saved."}


@blueprint.get("")
@for_member("viewer")
def show_company(company_id: int) -> Response:
    """Show the company, with a form for admins."""
    return _page(company_id, done=_DONE.get(request.args.get("done", "")))


@blueprint.post("")
@for_member("admin")
def save_company(company_id: int) -> Response:
    """Save what was changed."""
    try:
        alter_company(
            company_id,
            name=name_in("name", "a name"),
            time_zone=typed("time_zone").strip(),
            requires_second_factor="requires_second_factor" in request.form,
        )
    except MistakeError as mistake:
        return _page(company_id, mistake=mistake)
    except UnknownTimeZoneError:
        says = "Choose a time zone from the list, such as Europe/Berlin."
        return _page(company_id, mistake=MistakeError("time_zone", says))
    return back_to(f"/companies/{company_id}/company", "saved")


def _page(company_id: int, *, done: str | None = None, mistake: MistakeError | None = None) -> Response:
    with within_company(current_tools().engine, company_id) as connection:
        shown = find_company(connection, company_id) or abort(404)
    return framed(
        "settings/company.html",
        here="company",
        status=422 if mistake else 200,
        shown=shown,
        zones=sorted(zone_names()),
        done=done,
        mistakes={mistake.field: mistake.says} if mistake else {},
        typed=typed,
    )
