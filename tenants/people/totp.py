"""Time-based one-time passwords (RFC 6238) as all authenticator apps make them: SHA-1, six digits, 30 seconds. Pure."""

import hmac
from base64 import b32encode
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

DIGITS = 6
STEP = timedelta(seconds=30)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISSUER = "revmap"
# How far a telephone's clock may be off, and how late a code may be entered.
_STEPS_AROUND = 1


class WrongCodeError(Exception):
    """The code is wrong, too old or too new, or was used before: which, we do not say."""


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a time step: RFC 4226 §5.3 of its number."""
    digest = hmac.digest(secret, step.to_bytes(8), "sha1")
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_at(moment: datetime) -> int:
    """Return the number of the time step that contains a moment."""
    return (moment - _EPOCH) // STEP


def step_of(secret: bytes, code: str, *, now: datetime, after: int = -1) -> int:
    """Return the time step whose code this is: the current one or a neighbour, later than `after`.

    :raises WrongCodeError: it is the code of none of them
    """
    current = step_at(now)
    around = range(current - _STEPS_AROUND, current + _STEPS_AROUND + 1)
    # All are compared, so that the time it takes does not tell which was right.
    found = [
        step
        for step in around
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode("utf-8", "surrogateescape"))
    ]
    usable = [step for step in found if step > after]
    if not usable:
        raise WrongCodeError
    return usable[-1]


def in_base32(secret: bytes) -> str:
    """Return a secret as people type it into an app, without padding."""
    return b32encode(secret).decode().rstrip("=")


def address_for_app(secret: bytes, email: str) -> str:
    """Return the address that opens an authenticator app with this secret, for the account of this e-mail address.

    https://github.com/google/google-authenticator/wiki/Key-Uri-Format
    """
    return f"otpauth://totp/{_ISSUER}:{quote(email)}?secret={in_base32(secret)}&issuer={_ISSUER}"
