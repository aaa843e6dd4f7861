"""Read Stripe's API on behalf of accounts. An answer is the body exactly as received, and when Stripe sent it.

`Stripe-Version` is pinned by the SDK, so that an account's own setting never changes the answers.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from threading import Lock
from typing import NamedTuple, Protocol

from stripe import StripeClient, StripeError

from events.connection.accounts import Account
from stripe_gateway.connect import OutcomeUnknownError
from stripe_gateway.credentials import Credentials, NoCredentialsError
from stripe_gateway.http import AnswerHeaders, AnswerTooLargeError, BoundedHttpClient
from stripe_gateway.keyring import Keyring
from stripe_gateway.rate_limit import RateLimit
from stripe_gateway.refusals import (
    AccountRefusedError,
    PermissionMissingError,
    RateLimitedError,
    SecretLostError,
    StripeAnswerError,
    TooMuchAtOnceError,
    described,
    is_transient,
    refusal_of,
)
from tenants.secrets import DamagedSecretError, UnknownDataKeyError

CONNECTIONS = 24

# A placeholder: every request passes the key of its account.
_NO_KEY = "sk_none"
_TRIES = 4
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 4.0


class Answer(NamedTuple):
    """Stripe's answer: the body as received, when Stripe sent it, and the API version of its shape."""

    body: bytes
    answered_at: datetime
    api_version: str | None


class Tally:
    """Counts requests, and how many of them were rate limited. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests = 0
        self._rate_limited = 0

    def count(self, *, is_rate_limited: bool = False) -> None:
        """Count one request, or mark one already counted as rate limited."""
        with self._lock:
            self._requests += not is_rate_limited
            self._rate_limited += is_rate_limited

    def take(self) -> tuple[int, int]:
        """Return and reset the counts: requests, and those that were rate limited."""
        with self._lock:
            counts = self._requests, self._rate_limited
            self._requests = self._rate_limited = 0
            return counts


class Gateway(Protocol):
    """Anything that can send a GET request to Stripe."""

    def ask(self, account: Account, endpoint: str, path: str, tally: Tally, **parameters: object) -> Answer:
        """Return Stripe's answer to a GET request; errors as in `StripeGateway.ask`."""
        ...


class StripeGateway:
    """Reads all accounts that companies have connected. Safe to share between threads.

    `pause` is called with the seconds to wait before a retry.
    """

    def __init__(
        self,
        keyring: Keyring,
        *,
        api_base: str,
        rate_limit: RateLimit,
        http: BoundedHttpClient | None = None,
        pause: Callable[[float], object],
    ) -> None:
        self._keyring = keyring
        self._client = StripeClient(
            _NO_KEY,
            base_addresses={"api": api_base},
            max_network_retries=0,
            http_client=http or BoundedHttpClient(connections=CONNECTIONS),
        )
        self._rate_limit = rate_limit
        self._pause = pause

    def ask(self, account: Account, endpoint: str, path: str, tally: Tally, **parameters: object) -> Answer:
        """Send a GET request for an account within the endpoint's rate limit; try four times if errors are transient.

        :raises RateLimitedError: the rate limit requires a longer wait than a request can make
        :raises TooMuchAtOnceError: the answer was too large or took too long
        :raises ObjectMissingError: the object, or the one that the cursor names, does not exist
        :raises PermissionMissingError: the key may not read this
        :raises AccountRefusedError: the key is not valid, or not for this account
        :raises SecretLostError: the account's own key or token cannot be opened
        :raises StripeAnswerError: there was no usable answer
        """
        credentials = self._credentials_of(account)
        for attempt in range(1, _TRIES + 1):
            self._rate_limit.wait(account, endpoint)
            tally.count()
            try:
                return self._ask_once(credentials, path, parameters)
            except AnswerTooLargeError as error:
                raise TooMuchAtOnceError("the answer did not end") from error
            except StripeError as error:
                if not is_transient(error):
                    raise self._refusal(account, credentials, error) from error
                wait = _wait_seconds(error, attempt)
                if error.http_status == HTTPStatus.TOO_MANY_REQUESTS:
                    tally.count(is_rate_limited=True)
                    self._rate_limit.hold(account, endpoint, wait)
                    if attempt == _TRIES or wait > _LONGEST_PAUSE_SECONDS:
                        raise RateLimitedError(wait) from error
                elif attempt == _TRIES:
                    raise StripeAnswerError(described(error)) from error
                self._pause(wait)
        raise AssertionError  # the last attempt returns or raises

    def _credentials_of(self, account: Account) -> Credentials:
        try:
            return self._keyring.of(account)
        except NoCredentialsError as error:
            raise AccountRefusedError("no company is connected to the account", is_key=False) from error
        except UnknownDataKeyError as error:
            raise SecretLostError(f"its secret is sealed under {error}, which ENCRYPTION_KEYS lacks") from error
        except DamagedSecretError as error:
            raise SecretLostError("its secret was changed outside of revmap") from error
        except OutcomeUnknownError as error:
            raise StripeAnswerError("the account's token could not be renewed") from error

    def _refusal(self, account: Account, credentials: Credentials, error: StripeError) -> StripeAnswerError:
        refusal = refusal_of(error, is_platform_key=credentials.stripe_account is not None)
        if isinstance(refusal, AccountRefusedError | PermissionMissingError):
            # Known for a while only: the account may have been connected anew, in another way or by another key.
            self._keyring.forget(account)
            if self._credentials_of(account) != credentials:
                return StripeAnswerError("the account's key was replaced meanwhile")
        return refusal

    def _ask_once(self, credentials: Credentials, path: str, parameters: dict[str, object]) -> Answer:
        options = {"api_key": credentials.api_key}
        if credentials.stripe_account is not None:
            options["stripe_account"] = credentials.stripe_account
        response = self._client.raw_request("get", path, **options, **parameters)
        headers = response.headers
        if not isinstance(headers, AnswerHeaders):
            raise StripeAnswerError(f"an answer with status {response.code}")
        return Answer(headers.body, _answered_at(headers), headers.get("stripe-version"))


def _wait_seconds(error: StripeError, attempt: int) -> float:
    retry_after = str((error.headers or {}).get("Retry-After", ""))
    if retry_after.isascii() and retry_after.isdigit():
        return float(min(int(retry_after), 3600))
    longest: float = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempt)
    return longest * random.uniform(0.5, 1)  # noqa: S311 - jitter


def _answered_at(headers: dict[str, str]) -> datetime:
    try:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError) as error:
        raise StripeAnswerError("Stripe's answer does not say when it was given") from error
