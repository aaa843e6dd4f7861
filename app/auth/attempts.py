"""How many passwords and codes may be tried, and what the log says of those that were refused."""

import hmac
import logging

from app.http.rate_limits import Limit, TooManyAttemptsError, client_address
from app.wiring.tools import current_tools
from tenants.people.users import User

LONGEST_EMAIL = 254

_PER_ADDRESS = Limit("sign-in-address", attempts=50, seconds=900)
# Counted by account and address together, so that nobody can lock another person out from elsewhere. While many
# addresses try one account, each has fewer guesses, and the owner can still sign in from another address.
_PER_ACCOUNT_HERE = Limit("sign-in-here", attempts=10, seconds=900)
_PER_ACCOUNT = Limit("sign-in-account", attempts=100, seconds=900)
_PER_ACCOUNT_HERE_WHEN_MANY_TRY = Limit("sign-in-here-when-many-try", attempts=3, seconds=900)
# Who tries codes knows the password, and three of a million codes are right: so few attempts, from wherever they come.
# With a new password they begin anew, for its owner alone.
_CODES_PER_ACCOUNT_HERE = Limit("codes-here", attempts=10, seconds=900)
_CODES_PER_ACCOUNT = Limit("codes-account", attempts=100, seconds=86_400)

_log = logging.getLogger(__name__)


def count_password(login: str) -> None:
    """Count an attempt to sign in with a password.

    :raises TooManyAttemptsError: there were too many, for this account or from this address
    """
    limits, address = current_tools().limits, client_address()
    limits.count(_PER_ADDRESS, address)
    limits.count(_PER_ACCOUNT_HERE, login, address)
    try:
        limits.count(_PER_ACCOUNT, login)
    except TooManyAttemptsError:
        limits.count(_PER_ACCOUNT_HERE_WHEN_MANY_TRY, login, address)


def forget_passwords(login: str) -> None:
    """Forget the wrong passwords that were tried from here: the right one was found."""
    for limit in (_PER_ACCOUNT_HERE, _PER_ACCOUNT_HERE_WHEN_MANY_TRY):
        current_tools().limits.forget(limit, login, client_address())


def count_code(user: User) -> None:
    """Count an attempt to enter a code after the password.

    :raises TooManyAttemptsError: there were too many, for this account or from this address
    """
    limits, address = current_tools().limits, client_address()
    limits.count(_PER_ADDRESS, address)
    limits.count(_CODES_PER_ACCOUNT_HERE, str(user.id), address)
    limits.count(_CODES_PER_ACCOUNT, str(user.id), user.password_hash or "")


def forget_codes(user: User) -> None:
    """Forget the wrong codes that were tried from here; those of a day stay, or each sign-in would allow more."""
    current_tools().limits.forget(_CODES_PER_ACCOUNT_HERE, str(user.id), client_address())


def note_refusal(email: str, reason: str) -> None:
    """Log that somebody was not let in."""
    told = {"reason": reason, "account": account_of(email), "address": client_address()}
    _log.warning("sign-in refused", extra=told)


def note_sign_in(user_id: int, email: str) -> None:
    """Log that somebody signed in."""
    told = {"user_id": user_id, "account": account_of(email), "address": client_address()}
    _log.info("signed in", extra=told)


def account_of(email: str) -> str:
    """Return a keyed hash of an account's address: the same for each attempt, and no address, which may be mistyped."""
    key = current_tools().secret_key.encode()
    return hmac.digest(key, b"account:" + login_of(email).encode("utf-8", "replace"), "sha256").hex()[:16]


def login_of(email: str) -> str:
    """Return an address as attempts on it are counted."""
    return email[:LONGEST_EMAIL].strip().lower()
