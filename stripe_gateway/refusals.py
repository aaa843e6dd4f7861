"""Errors of reading Stripe, and their mapping from the errors of its SDK."""

from http import HTTPStatus

from stripe import APIConnectionError, StripeError

_TRANSIENT = frozenset({HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})
_ACCOUNT_CODES = frozenset({"account_invalid", "platform_account_required", "platform_api_key_expired"})


class StripeAnswerError(Exception):
    """Stripe could not be reached, or its answer cannot be used. The message contains no secret."""


class RateLimitedError(StripeAnswerError):
    """The rate limit was reached: retry after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__("Stripe's rate limit was reached")
        self.seconds = seconds


class TooMuchAtOnceError(StripeAnswerError):
    """The answer was too large or took too long: ask for less at once."""


class ObjectMissingError(StripeAnswerError):
    """Stripe has no such object. `parameter` is the parameter that named it, or None if the path did."""

    def __init__(self, parameter: str | None) -> None:
        super().__init__("Stripe knows no such object")
        self.parameter = parameter


class PermissionMissingError(StripeAnswerError):
    """The key may not read this kind of object."""


class AccountRefusedError(StripeAnswerError):
    """The key is not valid, or no longer has access to the account. `is_key`: the key at fault is the platform's."""

    def __init__(self, reason: str, *, is_key: bool) -> None:
        super().__init__(reason)
        self.is_key = is_key


class SecretLostError(StripeAnswerError):
    """Stripe was not asked: the account's own key or token cannot be opened."""


def is_transient(error: StripeError) -> bool:
    """Return whether the same request may succeed in a moment."""
    status = error.http_status
    # For HTML with status 200 and for JSON that breaks off, the SDK raises errors with the status of the answer.
    return (
        isinstance(error, APIConnectionError)
        or status is None
        or status < HTTPStatus.BAD_REQUEST
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        or status in _TRANSIENT
    )


def refusal_of(error: StripeError, *, is_platform_key: bool) -> StripeAnswerError:
    """Map a permanent error of the SDK to ours, for a request with the platform's key or with the account's own."""
    code = error.code or (error.error and error.error.code)
    if error.http_status == HTTPStatus.UNAUTHORIZED:
        return AccountRefusedError(described(error), is_key=is_platform_key)
    if error.http_status == HTTPStatus.FORBIDDEN:
        if code in _ACCOUNT_CODES or "does not have access to account" in str(error):
            return AccountRefusedError(described(error), is_key=False)
        return PermissionMissingError(described(error))
    if error.http_status == HTTPStatus.NOT_FOUND or code == "resource_missing":
        return ObjectMissingError(error.error.param if error.error else None)
    return StripeAnswerError(described(error))


def described(error: StripeError) -> str:
    """Describe an error of the SDK without what it was sent: class, status and code."""
    code = error.code or (error.error and error.error.code)
    return f"{type(error).__name__} {error.http_status or ''} {code or ''}".strip()
