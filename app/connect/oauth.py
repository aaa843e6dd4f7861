"""Routes to Stripe's page, on which a person picks their company's account, and back."""

from flask import Blueprint, Response, g, make_response, redirect, request
from werkzeug.datastructures import MultiDict

from app.auth.access import NotSignedInError, admitted
from app.auth.sessions import session
from app.connect.grants import ConnectNotConfiguredError, connect_account, note_refusal
from app.connect.state import health_of
from app.wiring.tools import current_tools
from runtime.database import across_companies
from tenants.connect_attempts import UnknownStateError, UsedStateError, company_of_state, consume_state, start_attempt
from tenants.people.sessions import Session, note_company

HOME = "/settings/integrations"
CALLBACK = "/connect/stripe/callback"

_LONGEST_ID_DIGITS = 18

blueprint = Blueprint("connect", __name__)


class NoCompanyNamedError(Exception):
    """The address does not say which company is to be connected."""


class IncompleteReturnError(Exception):
    """Stripe sent somebody back without a state, or with neither a code nor an error."""


@blueprint.get("/connect/stripe")
def go_to_stripe() -> Response:
    """Redirect an admin of the company to Stripe's page, with a state that only they can use."""
    company = request.args.get("company", "")
    if not (company.isascii() and company.isdecimal() and len(company) <= _LONGEST_ID_DIGITS):
        raise NoCompanyNamedError
    who = session()
    if who is None:
        return _to_sign_in(f"/connect/stripe?company={company}")
    g.principal = admitted(int(company), "admin")
    return _redirect(stripes_page(int(company), who))


@blueprint.get(CALLBACK)
def come_back_from_stripe() -> Response:
    """Connect the granted account, once, and redirect to an address that shows neither code nor state."""
    parameters = request.args
    state, code = _single(parameters, "state"), _single(parameters, "code")
    if state is None or (code is None) == ("error" not in parameters):
        raise IncompleteReturnError
    who = session()
    if who is None:
        return _to_sign_in(_restart_path(state))
    tools = current_tools()
    method = tools.connect.method if tools.connect else "connect"
    try:
        with across_companies(tools.engine) as connection:
            attempt = consume_state(
                connection, state, user_id=who.user_id, session_id=who.id, method=method, now=tools.clock()
            )
    except UsedStateError as error:
        if error.is_well:
            return _redirect(HOME)
        raise
    # The company is the attempt's, whichever was opened meanwhile; and the person must still be its admin.
    principal = g.principal = admitted(attempt.company_id, "admin")
    with across_companies(tools.engine) as connection:
        note_company(connection, who, attempt.company_id)
    if code is None:
        note_refusal(attempt, principal)
        return _to_settings(attempt.company_id, "declined")
    before = health_of(attempt.company_id).account_id
    connect_account(attempt, code, principal)
    if before not in (None, health_of(attempt.company_id).account_id):
        return _to_settings(attempt.company_id, "account_replaced")
    return _redirect(HOME)


def stripes_page(company_id: int, who: Session) -> str:
    """Start an attempt, and return the URL of Stripe's page for a person who may connect this company. Commits.

    :raises ConnectNotConfiguredError: no Connect client id is set
    """
    tools = current_tools()
    if tools.connect is None:
        raise ConnectNotConfiguredError
    with across_companies(tools.engine) as connection:
        state = start_attempt(
            connection,
            company_id,
            user_id=who.user_id,
            session_id=who.id,
            method=tools.connect.method,
            now=tools.clock(),
        )
    return tools.connect.authorize_url(state, redirect_uri=tools.address.origin + CALLBACK)


def _single(parameters: MultiDict[str, str], name: str) -> str | None:
    values = parameters.getlist(name)
    return values[0] if len(values) == 1 and values[0] else None


def _restart_path(state: str) -> str:
    with across_companies(current_tools().engine) as connection:
        company_id = company_of_state(connection, state)
    if company_id is None:
        raise UnknownStateError
    return f"/connect/stripe?company={company_id}"


def _to_sign_in(way_back: str) -> Response:
    # SameSite withholds our cookie from another site's forms, not from its links: no session here means not signed in.
    if "Authorization" in request.headers:
        raise NotSignedInError
    return _redirect(f"/sign-in?next={way_back.replace('?', '%3F').replace('=', '%3D')}")


def _to_settings(company_id: int, notice: str) -> Response:
    return _redirect(f"{HOME}?company={company_id}&notice={notice}")


def _redirect(location: str) -> Response:
    return make_response(redirect(location, 303))
