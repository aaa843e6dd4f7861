"""Build refusals with Stripe's messages and format."""

from typing import Any

from sandbox.stripe.http.messages import Answer, json_answer

_DOCS = "https://stripe.com/docs/error-codes/"


class ApiError(Exception):
    """Stripe refuses the request; `answer()` returns the refusal."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.kind = kind
        self.headers = headers or {}

    def answer(self) -> Answer:
        """Return the refusal as an HTTP answer."""
        error: dict[str, Any] = {"message": str(self), "type": self.kind}
        if self.code:
            error |= {"code": self.code, "doc_url": _DOCS + self.code.replace("_", "-")}
        if self.param:
            error["param"] = self.param
        return json_answer({"error": dict(sorted(error.items()))}, self.status, self.headers)


def missing(noun: str, identifier: str, *, param: str, other_mode: str | None = None, status: int = 404) -> ApiError:
    """Return a refusal of an unknown id. `other_mode` is the mode (`test` or `live`) in which it exists."""
    message = f"No such {noun}: '{identifier}'"
    if other_mode is not None:
        mine = "live" if other_mode == "test" else "test"
        message += (
            f"; a similar object exists in {other_mode} mode, but a {mine} mode key was used to make this request."
        )
    return ApiError(status, message, code="resource_missing", param=param)


def unknown_parameter(name: str) -> ApiError:
    """Return a refusal of a parameter that this endpoint does not have."""
    return ApiError(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def no_key() -> ApiError:
    """Return a refusal of a request without a key."""
    message = (
        "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer "
        "auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for "
        "details, or we can help at https://support.stripe.com/."
    )
    return ApiError(401, message, headers={"WWW-Authenticate": 'Basic realm="Stripe"'})


def invalid_key(key: str) -> ApiError:
    """Return a refusal of an unknown key, showing no more of it than Stripe does."""
    headers = {"WWW-Authenticate": 'Basic realm="Stripe"'}
    return ApiError(401, f"Invalid API Key provided: {masked(key)}", headers=headers)


def expired_key(key: str) -> ApiError:
    """Return a refusal of an expired key."""
    return ApiError(401, f"Expired API Key provided: {masked(key)}", code="api_key_expired")


def no_access(key: str, account_id: str) -> ApiError:
    """Return a refusal of an account that is not connected, or no longer."""
    message = (
        f"The provided key '{masked(key)}' does not have access to account '{account_id}' (or that account does not "
        "exist). Application access may have been revoked."
    )
    return ApiError(403, message, code="account_invalid")


def not_permitted(key: str, permission: str, account_id: str) -> ApiError:
    """Return a refusal of a restricted key that lacks a permission."""
    message = (
        f"The provided key '{masked(key)}' does not have the required permissions for this endpoint on account "
        f"'{account_id}'. Having the '{permission}' permission would allow this request to continue."
    )
    return ApiError(403, message, code="more_permissions_required_for_application")


def rate_limited(reason: str) -> ApiError:
    """Return a refusal of a request over the rate limit. `reason` is Stripe's, for example `endpoint-rate`."""
    message = "Request rate limit exceeded. Learn more about rate limits https://stripe.com/docs/rate-limits."
    return ApiError(429, message, code="rate_limit", headers={"Stripe-Rate-Limited-Reason": reason})


def masked(key: str) -> str:
    """Return a key with its middle hidden."""
    return f"{key[:8]}{'*' * max(len(key) - 12, 0)}{key[-4:]}" if len(key) > 12 else "*" * len(key)  # noqa: PLR2004
