"""Set the headers that tell browsers what to refuse, and refuse requests for other hosts."""

from flask import Flask, Response, request

from app.wiring.tools import current_tools

# Probes call by IP address, and a webhook is authenticated by its signature.
_ANY_HOST_BLUEPRINTS = frozenset({"webhooks", "health", "metrics"})
_YEAR_SECONDS = 31_536_000


class ForeignHostError(Exception):
    """The request is for a host that is not ours."""


def install(app: Flask) -> None:
    """Check the host and set the security headers on every route of this app."""
    app.before_request(_refuse_foreign_host)
    app.after_request(_set_security_headers)


def _refuse_foreign_host() -> None:
    accepts_any_host = request.url_rule is None or request.blueprint in _ANY_HOST_BLUEPRINTS
    if not accepts_any_host and not current_tools().address.answers_for(request.host):
        raise ForeignHostError


def _set_security_headers(response: Response) -> Response:
    if request.blueprint == "webhooks":
        return response
    tools = current_tools()
    # Our forms may redirect to Stripe, and browsers apply form-action to redirects, too.
    # https://www.w3.org/TR/CSP3/#directive-form-action
    response.headers["Content-Security-Policy"] = (
        "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {' '.join(tools.leads_to)}"
    ).rstrip()
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Under no-referrer, browsers would send "null" as the origin of our own forms.
    # https://fetch.spec.whatwg.org/#append-a-request-origin-header
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if tools.address.is_secure:
        response.headers["Strict-Transport-Security"] = f"max-age={_YEAR_SECONDS}; includeSubDomains"
    if request.endpoint and request.blueprint != "static":
        response.headers.setdefault("Cache-Control", "private, no-store")
    return response
