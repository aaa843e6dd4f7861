"""Every refusal and every failure: the only place where errors become answers."""

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import psycopg
from flask import Flask, Response, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException

from app.auth.access import NotSignedInError, RoleTooLowError
from app.auth.sign_in import to_sign_in
from app.connect.oauth import WayToStripeError
from app.http.bodies import BodyTooLargeError, TooManyBodiesError, UnsupportedBodyError, UnwantedBodyError
from app.http.client_socket import BodyTooSlowError
from app.http.rate_limits import TooManyAttemptsError
from app.http.request_log import request_uuid
from app.problems.answers import RETRY_AFTER_SECONDS, invalid, is_read_by_people, not_found, problem, unavailable
from app.problems.codes import CODES, TOLD, WAYS
from app.webhooks.endpoint import UnacceptableWebhookError
from app.wiring.cursors import InvalidCursorError
from events.intake.group_append import NotDurableError
from projections.reads.snapshots import NotFoldedYetError, PositionAheadError
from runtime.sqlstates import is_outage, is_transient, sqlstate_of
from stripe_gateway.restricted_keys import KeyRefusedError

_log = logging.getLogger(__name__)


def install(app: Flask) -> None:
    """Answer every error of this app as a problem."""
    app.register_error_handler(UnacceptableWebhookError, _unacceptable_webhook)
    app.register_error_handler(UnsupportedBodyError, _unsupported_body)
    app.register_error_handler(BodyTooLargeError, _too_large)
    app.register_error_handler(BodyTooSlowError, _too_slow)
    app.register_error_handler(TooManyBodiesError, _too_many_bodies)
    app.register_error_handler(UnwantedBodyError, _unwanted_body)
    app.register_error_handler(NotDurableError, _not_durable)
    app.register_error_handler(NotSignedInError, _not_signed_in)
    app.register_error_handler(TooManyAttemptsError, _too_many_attempts)
    app.register_error_handler(RoleTooLowError, _role_too_low)
    for told in TOLD:
        app.register_error_handler(told, _told)
    app.register_error_handler(WayToStripeError, _way_to_stripe)
    app.register_error_handler(KeyRefusedError, _key_refused)
    app.register_error_handler(InvalidCursorError, _invalid_cursor)
    app.register_error_handler(NotFoldedYetError, _not_folded_yet)
    app.register_error_handler(PositionAheadError, _position_ahead)
    app.register_error_handler(DBAPIError, _database_failed)
    app.register_error_handler(PoolTimeoutError, _database_failed)
    # What speaks to the driver itself: an export.
    app.register_error_handler(psycopg.Error, _database_failed)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(Exception, _unexpected)


def _unacceptable_webhook(_error: UnacceptableWebhookError) -> Response:
    return problem(400, "unacceptable_webhook", "The request is not an event signed with one of our endpoint secrets.")


def _unsupported_body(error: UnsupportedBodyError) -> Response:
    code = "unsupported_encoding" if error.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE else "not_json"
    return problem(error.status, code, "Send the body as plain, uncompressed application/json.")


def _too_large(error: BodyTooLargeError) -> Response:
    # What was not read is not read any more: the connection ends instead.
    return problem(
        413, "body_too_large", f"The body is larger than {error.limit_bytes} bytes.", headers={"Connection": "close"}
    )


def _too_slow(_error: BodyTooSlowError) -> Response:
    return problem(408, "body_too_slow", "The body did not arrive in time.", headers={"Connection": "close"})


def _too_many_bodies(_error: TooManyBodiesError) -> Response:
    return problem(
        503,
        "unavailable",
        "Too much is being sent at once. Send it again.",
        headers={"Retry-After": RETRY_AFTER_SECONDS, "Connection": "close"},
    )


def _unwanted_body(_error: UnwantedBodyError) -> Response:
    return invalid([{"pointer": "", "detail": "Leave the body empty, or send {}."}])


def _not_durable(_error: NotDurableError) -> Response:
    return unavailable("The event could not be made durable. Send it again.")


def _database_failed(error: DBAPIError | PoolTimeoutError | psycopg.Error) -> Response:
    if not (is_transient(error) or is_outage(error)):
        return _unexpected(error)
    _log.error("database away", extra={"error": type(error).__name__, "sqlstate": sqlstate_of(error)})
    return unavailable("The database did not answer. Nothing was changed; ask again.")


def _not_signed_in(_error: NotSignedInError) -> Response:
    if is_read_by_people() and "Authorization" not in request.headers:
        return to_sign_in()
    return problem(
        401,
        "unauthenticated",
        "Send a valid API key as 'Authorization: Bearer KEY', or sign in.",
        headers={"WWW-Authenticate": 'Bearer realm="revmap"'},
    )


def _role_too_low(error: RoleTooLowError) -> Response:
    return problem(403, "forbidden", f"This needs the role {error.needed} or above.")


def _too_many_attempts(error: TooManyAttemptsError) -> Response:
    retry_after = str(error.retry_after_seconds)
    return problem(
        429, "too_many_attempts", "Too many attempts. Try again later.", headers={"Retry-After": retry_after}
    )


def _told(error: Exception) -> Response:
    code, detail = next(told for kind, told in TOLD.items() if isinstance(error, kind))
    status = CODES[code][0]
    headers = {"Retry-After": RETRY_AFTER_SECONDS} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return problem(status, code, detail, headers=headers)


def _way_to_stripe(error: WayToStripeError) -> Response:
    return problem(CODES[error.code][0], error.code, WAYS[error.code])


def _key_refused(error: KeyRefusedError) -> Response:
    lacking = [f"Lacks the permission {name}." for name in error.missing] or ["Stripe does not know this key."]
    errors = [{"pointer": "/restricted_key", "detail": detail} for detail in lacking]
    detail = "The key is not good for what it is needed for; see errors."
    if is_read_by_people():
        detail = "The key lacks permissions." if error.missing else "Stripe does not know this key. Copy it again."
        return problem(422, "key_refused", detail, lacking=error.missing)
    return problem(422, "key_refused", detail, errors=errors)


def _invalid_cursor(_error: InvalidCursorError) -> Response:
    return problem(400, "invalid_cursor", "The cursor belongs to another list. Start again without it.")


def _not_folded_yet(_error: NotFoldedYetError) -> Response:
    detail = "The table does not reach that far yet, or its past is being made. Ask again."
    return problem(503, "not_folded_yet", detail, headers={"Retry-After": RETRY_AFTER_SECONDS})


def _position_ahead(_error: PositionAheadError) -> Response:
    return invalid([{"pointer": "/query/as_of", "detail": "The log has not reached that position."}])


def _http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    if status == HTTPStatus.NOT_FOUND:
        return not_found()
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        messages = getattr(error, "data", {}).get("messages", {})
        errors = [{"pointer": pointer, "detail": detail} for pointer, detail in _pointed(messages, "")]
        return invalid(errors)
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    code = HTTPStatus(status).name.lower()
    return problem(status, code, error.description or HTTPStatus(status).description, headers=headers)


def _pointed(messages: Any, pointer: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - nested as marshmallow likes
    if isinstance(messages, Mapping):
        for name, below in messages.items():
            escaped = str(name).replace("~", "~0").replace("/", "~1")  # RFC 6901 §3
            yield from _pointed(below, f"{pointer}/{escaped}")
    elif isinstance(messages, list):
        for message in messages:
            yield from _pointed(message, pointer)
    else:
        yield pointer, str(messages)


def _unexpected(error: Exception) -> Response:
    _log.exception("unexpected error", extra={"request_id": str(request_uuid()), "method": request.method})
    if request.blueprint == "webhooks":
        return _not_durable(NotDurableError(str(error)))
    return problem(500, "unexpected", "Something went wrong on our side. Nothing is known to be lost.")
