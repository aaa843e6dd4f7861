"""Verify that a webhook came from Stripe: HMAC-SHA256 over its raw bytes, with any of our endpoint secrets.

https://docs.stripe.com/webhooks#verify-manually. Stricter than Stripe's own libraries: a time too far in the
future is refused like one too far in the past, the header's grammar is exact, and the work it can cause is bounded.
"""

import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

TOLERANCE_SECONDS = 300

Reason = Literal["missing", "malformed", "stale", "future", "mismatch"]

_MAX_HEADER_LENGTH = 4096
_MAX_CANDIDATES = 16
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")


class UnprovenRequestError(Exception):
    """The request does not prove that it comes from Stripe. `reason` is for our metrics, not for its sender."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


def prove_origin(body: bytes, header: str | None, secrets: Sequence[str], *, now: datetime) -> None:
    """Verify that the header signs the body with one of the secrets, within five minutes of `now` either way.

    :raises UnprovenRequestError: it does not
    """
    timestamp, candidates = _parts(header)
    age_seconds = int(now.timestamp()) - int(timestamp)
    message = timestamp.encode() + b"." + body
    expected = [hmac.digest(secret.encode(), message, "sha256").hex() for secret in secrets]
    # All pairs are compared, so that the time it takes reveals nothing.
    matches = [hmac.compare_digest(one, candidate) for one in expected for candidate in candidates]
    if not any(matches):
        raise UnprovenRequestError("mismatch")
    if age_seconds > TOLERANCE_SECONDS:
        raise UnprovenRequestError("stale")
    if age_seconds < -TOLERANCE_SECONDS:
        raise UnprovenRequestError("future")


def require_signature(header: str | None) -> None:
    """Check that the header has the form of a signature, whether valid or not.

    :raises UnprovenRequestError: it does not
    """
    _parts(header)


def _parts(header: str | None) -> tuple[str, list[str]]:
    if not header:
        raise UnprovenRequestError("missing")
    if len(header) > _MAX_HEADER_LENGTH:
        raise UnprovenRequestError("malformed")
    items = [item.partition("=") for item in header.split(",")]
    timestamps = [value for name, _, value in items if name == "t"]
    candidates = [value for name, _, value in items if name == "v1"]
    if len(timestamps) != 1 or not _TIMESTAMP.fullmatch(timestamps[0]):
        raise UnprovenRequestError("malformed")
    well_formed = [candidate for candidate in candidates if _SIGNATURE.fullmatch(candidate)]
    if not well_formed or len(candidates) > _MAX_CANDIDATES:
        raise UnprovenRequestError("malformed")
    return timestamps[0], well_formed
