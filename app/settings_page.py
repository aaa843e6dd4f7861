"""The page on which people see how their company's connection stands, and set out to connect it."""

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request

from app.connection_api import health_of
from app.sessions import form_token, session
from app.wiring import tools
from events.database import as_owner
from tenants.users import Membership, memberships_of

blueprint = Blueprint("settings", __name__)


@blueprint.get("/settings/integrations")
def show_integrations() -> Response:
    """Show the connection of the company that is named, else of the one opened last."""
    who = session()
    if who is None:
        return make_response(redirect("/sign-in", 303))
    with as_owner(tools().engine) as connection:
        memberships = memberships_of(connection, who.user_id)
    here = _chosen(memberships, who.company_id)
    return make_response(
        render_template(
            "integrations.html",
            who=who,
            here=here,
            memberships=memberships,
            connection=health_of(here.company_id)._asdict() if here else None,
            can_connect=tools().connect is not None,
            token=form_token(),
        )
    )


def _chosen(memberships: list[Membership], last: int | None) -> Membership | None:
    named = request.args.get("company")
    if named is None:
        return next((one for one in memberships if one.company_id == last), memberships[0] if memberships else None)
    return next((one for one in memberships if str(one.company_id) == named), None) or abort(404)
