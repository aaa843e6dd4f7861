"""Sign webhooks as Stripe does."""

import hmac
import json
from datetime import datetime

from tests.support.clock import NOON

SECRET = "whsec_of_the_tests"


def signed(body: bytes, *, secret: str = SECRET, at: datetime = NOON) -> dict[str, str]:
    """Return the headers of a webhook, with the signature of its body."""
    timestamp = str(int(at.timestamp()))
    signature = hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()
    return {"Stripe-Signature": f"t={timestamp},v1={signature}", "Content-Type": "application/json"}


def json_bytes(value: object) -> bytes:
    return json.dumps(value).encode()
