"""Routes for making a company of one's own, where SIGN_UP is open."""

import logging
from functools import partial

from flask import Blueprint, render_template
from flask.wrappers import Response

from app.auth.sessions import form_token, refuse_forged_form, session, sign_in
from app.http.rate_limits import Limit, client_address
from app.pages.forms import (
    MistakeError,
    email_in,
    for_visitors,
    limit_forms,
    name_in,
    password_hash_in,
    to_settings,
    typed,
)
from app.wiring.tools import current_tools
from runtime.database import across_companies
from tenants.companies import found_company
from tenants.people import joining
from tenants.people.sessions import Session

blueprint = Blueprint("sign up", __name__, url_prefix="/sign-up")
limit_forms(blueprint)

_SIGN_UPS = Limit("sign-ups", attempts=10, seconds=3600)
_TAKEN = "Somebody with this address has an account. Sign in first, then create the company."

_log = logging.getLogger(__name__)


@blueprint.get("")
def show_sign_up() -> Response:
    """Show the form; where companies are made by invitation and command alone, say so."""
    return _page()


@blueprint.post("")
def receive_sign_up() -> Response:
    """Make a company with its first admin: the person who is signed in, or a new one."""
    refuse_forged_form()
    tools, who = current_tools(), session()
    if not tools.is_sign_up_open:
        return _page(status=403)
    tools.limits.count(_SIGN_UPS, client_address())
    try:
        company_name = name_in("company", "the name of your company")
        return _found(company_name, who) if who else _sign_up(company_name)
    except MistakeError as mistake:
        return _page(mistake)


def _found(company_name: str, who: Session) -> Response:
    tools = current_tools()
    with across_companies(tools.engine) as connection:
        founded = found_company(connection, company_name, user_id=who.user_id, now=tools.clock())
    return to_settings(founded.id)


def _sign_up(company_name: str) -> Response:
    tools = current_tools()
    name, email = name_in("name", "your name"), email_in("email")
    signed_up = partial(joining.sign_up, password_hash=password_hash_in("new_password"), now=tools.clock())
    try:
        with across_companies(tools.engine) as connection:
            user_id, company = signed_up(connection, email, name=name, company_name=company_name)
    except joining.EmailTakenError as error:
        raise MistakeError("email", _TAKEN) from error
    response = to_settings(company.id)
    sign_in(response, user_id)
    _log.info("signed up", extra={"user_id": user_id, "company_id": company.id})
    return response


def _page(mistake: MistakeError | None = None, *, status: int = 200) -> Response:
    page = render_template(
        "joining/sign_up.html",
        is_open=current_tools().is_sign_up_open,
        who=session(),
        mistakes={mistake.field: mistake.says} if mistake else {},
        typed=typed,
        token=form_token(),
    )
    return for_visitors(page, 422 if mistake else status)
