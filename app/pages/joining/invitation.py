"""Routes for accepting an invitation: as somebody new, or as the person one is signed in as."""

import logging

from flask import Blueprint, make_response, redirect, render_template
from flask.wrappers import Response

from app.auth.sessions import form_token, refuse_forged_form, session, sign_in
from app.http.rate_limits import Limit, client_address
from app.pages.forms import MistakeError, for_visitors, limit_forms, name_in, password_hash_in, typed
from app.wiring.tools import current_tools
from runtime.database import across_companies
from tenants.people.joining import (
    EmailTakenError,
    OpenInvitation,
    accept_invitation,
    find_open_invitation,
    join_as_new_person,
)

blueprint = Blueprint("invitation", __name__, url_prefix="/invitations")
limit_forms(blueprint)

# Each hashes a password.
_JOINING = Limit("joining", attempts=30, seconds=900)

_log = logging.getLogger(__name__)


@blueprint.get("/<token>")
def show_invitation(token: str) -> Response:
    """Show who is invited to what. Looking at it uses nothing up, so that a mail scanner may.

    :raises LinkOverError: the invitation is not open
    """
    return _page(token, _opened(token))


@blueprint.post("/<token>")
def receive_acceptance(token: str) -> Response:
    """Make a member of the person who is signed in, or of a new one.

    :raises LinkOverError: the invitation is not open
    :raises ForeignInvitationError: it is for somebody other than the person who is signed in
    """
    refuse_forged_form()
    tools, who = current_tools(), session()
    tools.limits.count(_JOINING, client_address())
    if who is None:
        return _join_as_new_person(token)
    with across_companies(tools.engine) as connection:
        company_id = accept_invitation(connection, token, user_id=who.user_id, email=who.email, now=tools.clock())
    return _to_table_of(company_id)


def _join_as_new_person(token: str) -> Response:
    tools, invitation = current_tools(), _opened(token)
    try:
        name, password_hash = name_in("name", "your name"), password_hash_in("new_password")
        with across_companies(tools.engine) as connection:
            user_id, company_id = join_as_new_person(
                connection, token, name=name, password_hash=password_hash, now=tools.clock()
            )
    except MistakeError as mistake:
        return _page(token, invitation, mistake)
    except EmailTakenError:
        return _page(token, _opened(token))
    response = _to_table_of(company_id)
    sign_in(response, user_id)
    _log.info("joined", extra={"user_id": user_id, "company_id": company_id})
    return response


def _opened(token: str) -> OpenInvitation:
    tools = current_tools()
    with across_companies(tools.engine) as connection:
        return find_open_invitation(connection, token, now=tools.clock())


def _page(token: str, invitation: OpenInvitation, mistake: MistakeError | None = None) -> Response:
    page = render_template(
        "joining/invitation.html",
        invitation=invitation,
        address=f"/invitations/{token}",
        who=session(),
        mistakes={mistake.field: mistake.says} if mistake else {},
        typed=typed,
        token=form_token(),
    )
    return for_visitors(page, 422 if mistake else 200)


def _to_table_of(company_id: int) -> Response:
    return make_response(redirect(f"/companies/{company_id}/revenue-mapping", 303))
