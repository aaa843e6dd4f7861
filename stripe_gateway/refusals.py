"""What Stripe refuses, and what is no answer at all, in our words."""

from http import HTTPStatus

from stripe import APIConnectionError, StripeError

_TRANSIENT = frozenset({HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})
_ACCOUNT_CODES = frozenset({"account_invalid", "platform_account_required", "platform_api_key_expired"})


class StripeAnswerError(Exception):
    """Stripe could not be asked, or answered what no answer should be. The message holds no secret."""


class RateLimitedError(StripeAnswerError):
    """Stripe wants to be asked later, after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__("Stripe's rate limit was reached")
        self.seconds = seconds


class TooMuchAtOnceError(StripeAnswerError):
    """The answer was too large or took too long: ask for less at once."""


class ObjectMissingError(StripeAnswerError):
    """Stripe knows no such object. `parameter` names the one that pointed at it, if it was not the path."""

    def __init__(self, parameter: str | None) -> None:
        super().__init__("Stripe knows no such object")
        self.parameter = parameter


class PermissionMissingError(StripeAnswerError):
    """The key may not read this kind of object."""


class AccountRefusedError(StripeAnswerError):
    """The key is not valid, or no longer has access to the account. `is_key`: it is the platform's."""

    def __init__(self, reason: str, *, is_key: bool) -> None:
        super().__init__(reason)
        self.is_key = is_key


def is_transient(error: StripeError) -> bool:
    """Tell whether the same request may do better in a moment."""
    status = error.http_status
    # HTML under 200 and a JSON that breaks off come as errors of the SDK that carry the status of the answer.
    return (
        isinstance(error, APIConnectionError)
        or status is None
        or status < HTTPStatus.BAD_REQUEST
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        or status in _TRANSIENT
    )


def refusal_of(error: StripeError, *, is_platform_key: bool) -> StripeAnswerError:
    """Say in our words what Stripe refused for good, to the platform's key or to one that the account handed out."""
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
