"""Routes for signing in at the organization's identity provider."""

import hmac
import logging

from flask import Blueprint, Response, abort, make_response, redirect, request
from itsdangerous import BadData, URLSafeTimedSerializer

from app.auth.sessions import clear_cookie, cookie, set_cookie, sign_in
from app.auth.sign_in import way_back_from
from app.http.rate_limits import Limit, client_address
from app.wiring.identity_provider import Departure, IdentityProvider, UnprovenIdentityError, new_departure
from app.wiring.tools import current_tools
from runtime.database import across_companies
from tenants.people.identities import user_of_identity

CALLBACK = "/sign-in/provider/callback"

_COOKIE = "departure"
_LASTS_SECONDS = 600
# Each makes us ask the provider.
_PER_ADDRESS = Limit("provider-callback", attempts=100, seconds=900)

_log = logging.getLogger(__name__)
blueprint = Blueprint("provider sign in", __name__)


class UnknownIdentityError(Exception):
    """The provider knows the person, but nobody has given them access here."""


@blueprint.get("/sign-in/provider")
def go_to_provider() -> Response:
    """Redirect to the provider, and remember the attempt in this browser's cookie alone."""
    tools, departure = current_tools(), new_departure()
    address = _provider().address_for(departure, now=tools.clock())
    response = make_response(redirect(address, 303))
    value = _serializer().dumps([*departure, way_back_from(request.args.get("next"))])
    set_cookie(response, _COOKIE, str(value), max_age=_LASTS_SECONDS)
    return response


@blueprint.get(CALLBACK)
def come_back_from_provider() -> Response:
    """Sign in a person whom the provider identifies and an admin has given access.

    Raises TooManyAttemptsError (429) for an address from which too many came.
    """
    tools = current_tools()
    tools.limits.count(_PER_ADDRESS, client_address())
    departure, way_back = _departure()
    code, state = request.args.get("code"), request.args.get("state", "")
    if not code or not hmac.compare_digest(departure.state.encode(), state.encode()):
        raise UnprovenIdentityError
    identity = _provider().identity(code, departure, now=tools.clock())
    with across_companies(tools.engine) as connection:
        user_id = user_of_identity(connection, identity.issuer, identity.subject, verified_email=identity.email)
    if user_id is None:
        raise UnknownIdentityError
    response = make_response(redirect(way_back, 303))
    clear_cookie(response, _COOKIE)
    sign_in(response, user_id, proof="provider")
    _log.info("signed in", extra={"user_id": user_id, "address": client_address()})
    return response


def _provider() -> IdentityProvider:
    return current_tools().identity_provider or abort(404)


def _departure() -> tuple[Departure, str]:
    try:
        state, nonce, verifier, way_back = _serializer().loads(cookie(_COOKIE) or "", max_age=_LASTS_SECONDS)
    except (BadData, ValueError) as error:
        raise UnprovenIdentityError from error
    return Departure(state, nonce, verifier), way_back_from(way_back)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_tools().secret_key, salt="departure to the identity provider")
