"""Forms and cookies: who sends a session's cookie must also know its token, and come from our own pages.

The token is made from the session's secret, so that there is nothing to keep; another session's does not fit.
"""

import hmac
from urllib.parse import urlsplit

from flask import request

from app.wiring.tools import current_tools

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"


class ForgedRequestError(Exception):
    """The request carries a session's cookie and does not come from our own page of that session."""


def csrf_token(secret: str) -> str:
    """Give the token that goes with the secret in a browser's cookie."""
    key = current_tools().secret_key.encode()
    return hmac.digest(key, b"csrf\0" + secret.encode("utf-8", "surrogateescape"), "sha256").hex()


def refuse_forgery(secret: str | None) -> None:
    """Let only requests pass that our own page of the cookie's owner has sent.

    :raises ForgedRequestError: the token is missing or another's, or the browser says it comes from elsewhere
    """
    sent = request.headers.get(HEADER) or request.form.get(FIELD, "")
    is_known = secret is not None and hmac.compare_digest(csrf_token(secret).encode(), sent.encode())
    if not is_known or not _is_from_here():
        raise ForgedRequestError


def _is_from_here() -> bool:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    # The scheme may be the proxy's; the host has been checked against the address we answer for.
    return origin is None or urlsplit(origin).netloc == request.host
