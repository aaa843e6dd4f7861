"""What the pages of one's own second factor show, and what their forms bring back."""

from flask import make_response, render_template, request
from flask.wrappers import Response
from itsdangerous import BadData, URLSafeSerializer

from app.auth.access import NotSignedInError
from app.auth.sessions import form_token, own_memberships_in, session
from app.auth.sign_in import way_back_from
from app.pages.forms import MistakeError, typed
from app.wiring.tools import current_tools
from runtime.database import across_companies
from tenants.people.recovery_codes import HOW_MANY
from tenants.people.second_factors import companies_that_require_it, find_second_factor, new_secret
from tenants.people.sessions import Session
from tenants.people.totp import address_for_app, in_base32
from tenants.people.users import password_hash_of

_FEW = 3


def signed_in() -> Session:
    """Return the session of the person who is signed in.

    :raises NotSignedInError: nobody is, or a key was sent
    """
    who = session()
    if who is None or "Authorization" in request.headers:
        raise NotSignedInError
    return who


def way_back() -> str:
    """Return the page from which somebody was led here."""
    return way_back_from(request.values.get("next"))


def offered_to(who: Session) -> bytes:
    """Return the secret that the form was shown with; a new one, if there is no form or it was not ours."""
    try:
        return bytes.fromhex(_offers(who).loads(typed("secret")))
    except BadData:
        return new_secret()


def page_of(who: Session, mistake: MistakeError | None = None) -> Response:
    """Return the page of a person's second factor, or of how to turn it on."""
    with across_companies(current_tools().engine) as connection:
        factor = find_second_factor(connection, who.user_id)
        has_password = password_hash_of(connection, who.user_id) is not None
        requiring = companies_that_require_it(connection, who.user_id)
        memberships = own_memberships_in(connection)
    offered = offered_to(who)
    page = render_template(
        "account/second_factor.html",
        who=who,
        factor=factor,
        has_few_codes=factor is not None and factor.recovery_codes_left <= _FEW,
        most_codes=HOW_MANY,
        has_password=has_password,
        requiring=[one for one in memberships if one.company_id in requiring],
        others=[one for one in memberships if one.company_id not in requiring],
        key=in_base32(offered),
        app_address=address_for_app(offered, who.email),
        offer=_offers(who).dumps(offered.hex()),
        way_back=way_back(),
        mistakes={mistake.field: mistake.says} if mistake else {},
        token=form_token(),
    )
    return make_response(page, 422 if mistake else 200)


def codes_page(codes: list[str], *, are_renewed: bool = False) -> Response:
    """Return the page that shows recovery codes, this once."""
    page = render_template("account/recovery_codes.html", codes=codes, are_renewed=are_renewed, way_back=way_back())
    return make_response(page)


def _offers(who: Session) -> URLSafeSerializer:
    """Return what signs the secrets that a person is offered: nothing is stored until they have put one to use."""
    return URLSafeSerializer(current_tools().secret_key, salt=f"second factor of {who.user_id}")
