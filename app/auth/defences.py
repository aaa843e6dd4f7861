"""What browsers are told to refuse, and which hosts we answer for."""

from flask import Flask, Response, request

from app.wiring.tools import current_tools

# Probes call by address, and a webhook's proof is its signature.
_ANSWERED_UNDER_ANY_NAME = frozenset({"webhooks", "health", "metrics"})
_YEAR_SECONDS = 31_536_000


class ForeignHostError(Exception):
    """The request is for a host that is not ours."""


def install(app: Flask) -> None:
    """Defend every route of this app."""
    app.before_request(_refuse_foreign_host)
    app.after_request(_defend)


def _refuse_foreign_host() -> None:
    is_answered_anyway = request.url_rule is None or request.blueprint in _ANSWERED_UNDER_ANY_NAME
    if not is_answered_anyway and not current_tools().address.answers_for(request.host):
        raise ForeignHostError


def _defend(response: Response) -> Response:
    if request.blueprint == "webhooks":
        return response
    tools = current_tools()
    # A form of ours may lead on to Stripe, and browsers follow its redirects under this rule, too.
    # https://www.w3.org/TR/CSP3/#directive-form-action
    response.headers["Content-Security-Policy"] = (
        "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {' '.join(tools.leads_to)}"
    ).rstrip()
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Under no-referrer a browser would call the origin of our own forms "null".
    # https://fetch.spec.whatwg.org/#append-a-request-origin-header
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if tools.address.is_secure:
        response.headers["Strict-Transport-Security"] = f"max-age={_YEAR_SECONDS}"
    if request.endpoint and not request.endpoint.endswith("static"):
        response.headers.setdefault("Cache-Control", "private, no-store")
    return response
