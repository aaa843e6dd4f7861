"""Check CSRF tokens: a request with a session's cookie must also carry its token and come from our own pages.

The token is derived from the session's secret, so nothing has to be stored; another session's token is refused.
"""

import hmac
from urllib.parse import urlsplit

from flask import request

from app.wiring.tools import current_tools

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"


class ForgedRequestError(Exception):
    """The request carries a session's cookie, but does not come from our own page in that session."""


def csrf_token(secret: str) -> str:
    """Return the token that belongs to the secret in a browser's cookie."""
    key = current_tools().secret_key.encode()
    return hmac.digest(key, b"csrf\0" + secret.encode("utf-8", "surrogateescape"), "sha256").hex()


def refuse_forgery(secret: str | None) -> None:
    """Raise an error unless the request was sent from our own page by the owner of the cookie.

    :raises ForgedRequestError: the token is missing or another session's, or the browser reports another origin
    """
    sent = request.headers.get(HEADER) or request.form.get(FIELD, "")
    is_token_valid = secret is not None and hmac.compare_digest(csrf_token(secret).encode(), sent.encode())
    if not is_token_valid or not _is_same_origin():
        raise ForgedRequestError


def _is_same_origin() -> bool:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    # A proxy may change the scheme; the host has already been checked against the address we answer for.
    return origin is None or urlsplit(origin).netloc == request.host
