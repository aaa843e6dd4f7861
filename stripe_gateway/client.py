"""Ask Stripe. The only place that speaks to its API; an answer is the body as it came, and when Stripe gave it.

`Stripe-Version` is pinned by the SDK, so that an account's own setting never changes what we are answered.
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
    RateLimitedError,
    StripeAnswerError,
    TooMuchAtOnceError,
    described,
    is_transient,
    refusal_of,
)

CONNECTIONS = 24

# Every request brings the key of its account.
_NO_KEY = "sk_none"
_TRIES = 4
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 4.0


class Answer(NamedTuple):
    """What Stripe answered: the body as it came, when, and in which version's shape."""

    body: bytes
    answered_at: datetime
    api_version: str | None


class Tally:
    """How many requests were made, and how many of them met the rate limit. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests = 0
        self._rate_limited = 0

    def count(self, *, is_rate_limited: bool = False) -> None:
        """Count one request, or note of one that it met the limit."""
        with self._lock:
            self._requests += not is_rate_limited
            self._rate_limited += is_rate_limited

    def take(self) -> tuple[int, int]:
        """Give what was counted since the last taking: requests, and those that met the rate limit."""
        with self._lock:
            taken = self._requests, self._rate_limited
            self._requests = self._rate_limited = 0
            return taken


class Gateway(Protocol):
    """Somebody who can ask Stripe."""

    def ask(self, account: Account, endpoint: str, path: str, tally: Tally, **parameters: object) -> Answer:
        """Give Stripe's answer to a GET; errors as in `StripeGateway.ask`."""
        ...


class StripeGateway:
    """Every account that companies are connected to. Safe to share between threads.

    `pause` is called with seconds to wait before a request is tried again.
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
        """GET a path for an account, under the rate limit of the endpoint; what is transient is tried four times.

        :raises RateLimitedError: Stripe wants to be asked later than a request can wait
        :raises TooMuchAtOnceError: the answer did not end
        :raises ObjectMissingError: the object, or the cursor's, does not exist
        :raises PermissionMissingError: the key may not read this
        :raises AccountRefusedError: the key is not valid, or not for this account
        :raises StripeAnswerError: nothing usable came
        """
        credentials = self._credentials_of(account)
        for attempt in range(1, _TRIES + 1):
            self._rate_limit.wait(account, endpoint)
            tally.count()
            try:
                return self._asked_once(credentials, path, parameters)
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
        except OutcomeUnknownError as error:
            raise StripeAnswerError("the account's token could not be renewed") from error

    def _refusal(self, account: Account, credentials: Credentials, error: StripeError) -> StripeAnswerError:
        is_platform_key = credentials.stripe_account is not None
        if error.http_status == HTTPStatus.UNAUTHORIZED and not is_platform_key:
            self._keyring.forget(account)
            if self._credentials_of(account) != credentials:
                return StripeAnswerError("the account's key was replaced meanwhile")
        return refusal_of(error, is_platform_key=is_platform_key)

    def _asked_once(self, credentials: Credentials, path: str, parameters: dict[str, object]) -> Answer:
        options = {"api_key": credentials.api_key}
        if credentials.stripe_account is not None:
            options["stripe_account"] = credentials.stripe_account
        response = self._client.raw_request("get", path, **options, **parameters)
        headers = response.headers
        if not isinstance(headers, AnswerHeaders):
            raise StripeAnswerError(f"an answer with status {response.code}")
        return Answer(headers.body, _answered_at(headers), headers.get("stripe-version"))


def _wait_seconds(error: StripeError, attempt: int) -> float:
    told = str((error.headers or {}).get("Retry-After", ""))
    if told.isascii() and told.isdigit():
        return float(min(int(told), 3600))
    longest: float = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempt)
    return longest * random.uniform(0.5, 1)  # noqa: S311 - jitter


def _answered_at(headers: dict[str, str]) -> datetime:
    try:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError) as error:
        raise StripeAnswerError("Stripe's answer does not say when it was given") from error
