"""Post signed deliveries to their URLs."""

from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from sandbox.stripe.account.endpoints import Delivery

_TIMEOUT_SECONDS = 10


def post(delivery: Delivery) -> int | None:
    """Post a delivery and return the status; None without an answer in time. Redirects are not followed."""
    split = urlsplit(delivery.url)
    kind = HTTPSConnection if split.scheme == "https" else HTTPConnection
    target = split.path + (f"?{split.query}" if split.query else "")
    with closing(kind(split.hostname or "", split.port, timeout=_TIMEOUT_SECONDS)) as connection:
        try:
            connection.request("POST", target or "/", delivery.body, delivery.headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, HTTPException):
            return None
    return answer.status
