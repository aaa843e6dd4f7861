"""Routes for the home page and the Integrations settings."""

from flask import Blueprint, abort, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from app.auth.access import NotSignedInError, admitted_person
from app.auth.sessions import form_token, own_memberships, session
from app.connect.state import health_of
from app.pages.settings.settings_page import settings_page
from app.wiring.tools import current_tools
from tenants.people.users import Membership

blueprint = Blueprint("integrations", __name__)


@blueprint.get("/")
def front() -> Response:
    """Redirect to the table of the company opened last, or to the settings if it was never connected."""
    chosen = _chosen()
    if chosen is None or health_of(chosen.company_id).status == "pending_authorization":
        return redirect("/settings/integrations", 303)
    return redirect(f"/companies/{chosen.company_id}/revenue-mapping", 303)


@blueprint.get("/settings/integrations")
def show_integrations() -> Response:
    """Show the connection of the company in the query, else of the one opened last."""
    chosen = _chosen()
    if chosen is None:
        return _no_company()
    g.principal = admitted_person(chosen.company_id, "viewer")
    return make_response(settings_page(notice=request.args.get("notice", "")))


def _no_company() -> Response:
    page = render_template(
        "settings/no_company.html",
        who=session(),
        token=form_token(),
        is_sign_up_open=current_tools().is_sign_up_open,
    )
    return Response(page, mimetype="text/html")


def _chosen() -> Membership | None:
    memberships = own_memberships()
    who = session()
    if who is None or "Authorization" in request.headers:
        raise NotSignedInError
    named = request.args.get("company")
    if named is None:
        return next((one for one in memberships if one.company_id == who.company_id), next(iter(memberships), None))
    return next((one for one in memberships if str(one.company_id) == named), None) or abort(404)
