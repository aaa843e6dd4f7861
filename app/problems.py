"""Every refusal and every failure, in one shape: RFC 9457. The only place where errors become answers."""

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, json, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException

from app.access import MissingKeyError, RoleTooLowError
from app.bodies import BodyTooLargeError, BodyTooSlowError, TooManyBodiesError, UnsupportedBodyError
from app.cursors import InvalidCursorError
from app.request_log import request_uuid
from app.webhooks import MAX_BODY_BYTES, UnacceptableWebhookError
from events.group_append import NotDurableError
from projections.snapshots import NotFoldedYetError, PositionAheadError

# The codes a program may meet, each with its status and with what to do.
CODES: dict[str, tuple[int, str]] = {
    "unauthenticated": (401, "Send a valid API key as 'Authorization: Bearer KEY'."),
    "forbidden": (403, "Use a key with a higher role."),
    "not_found": (404, "Check the address; a key sees its own company only."),
    "invalid_request": (422, "Correct what 'errors' points at."),
    "invalid_cursor": (400, "Start the list again without the cursor: it belongs to another list."),
    "not_folded_yet": (503, "Ask again after the seconds of Retry-After: the table is about to say so."),
    "unavailable": (503, "Ask again after the seconds of Retry-After."),
    "unacceptable_webhook": (400, "Sign the event with one of the endpoint's secrets, and check the sender's clock."),
    "body_too_large": (413, "Send less."),
    "body_too_slow": (408, "Send the body without pauses."),
    "bad_request": (400, "Send the request whole and well-formed."),
    "unsupported_encoding": (415, "Send the body uncompressed."),
    "not_json": (400, "Send the body as application/json."),
    "method_not_allowed": (405, "Use a method that the Allow header names."),
    "unexpected": (500, "The fault is ours. Quote the request_id."),
}

_RETRY_AFTER_SECONDS = "5"
_log = logging.getLogger(__name__)


def problem(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: object
) -> Response:
    """Give a problem document. `code` is stable for programs, `detail` is for people and says what to do."""
    body = {
        "type": f"/docs#problem-{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": str(request_uuid()),
        **members,
    }
    response = Response(json.dumps(body) + "\n", status, headers, mimetype="application/problem+json")
    response.headers["Cache-Control"] = "private, no-store"
    return response


def install(app: Flask) -> None:
    """Answer every error of this app as a problem."""
    app.register_error_handler(UnacceptableWebhookError, _unacceptable_webhook)
    app.register_error_handler(UnsupportedBodyError, _unsupported_body)
    app.register_error_handler(BodyTooLargeError, _too_large)
    app.register_error_handler(BodyTooSlowError, _too_slow)
    app.register_error_handler(TooManyBodiesError, _too_many_bodies)
    app.register_error_handler(NotDurableError, _not_durable)
    app.register_error_handler(MissingKeyError, _missing_key)
    app.register_error_handler(RoleTooLowError, _role_too_low)
    app.register_error_handler(InvalidCursorError, _invalid_cursor)
    app.register_error_handler(NotFoldedYetError, _not_folded_yet)
    app.register_error_handler(PositionAheadError, _position_ahead)
    app.register_error_handler(DBAPIError, _database_away)
    app.register_error_handler(PoolTimeoutError, _database_away)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(Exception, _unexpected)


def not_found() -> Response:
    """Give the one answer for what is absent and for what is another company's."""
    return problem(404, "not_found", "There is nothing here, or nothing that this key may see.")


def _unacceptable_webhook(_error: UnacceptableWebhookError) -> Response:
    return problem(400, "unacceptable_webhook", "The request is not an event signed with one of our endpoint secrets.")


def _unsupported_body(error: UnsupportedBodyError) -> Response:
    code = "unsupported_encoding" if error.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE else "not_json"
    return problem(error.status, code, "Send the body as plain, uncompressed application/json.")


def _too_large(_error: BodyTooLargeError) -> Response:
    # What was not read is not read any more: the connection ends instead.
    return problem(
        413, "body_too_large", f"The body is larger than {MAX_BODY_BYTES} bytes.", headers={"Connection": "close"}
    )


def _too_slow(_error: BodyTooSlowError) -> Response:
    return problem(408, "body_too_slow", "The body did not arrive in time.", headers={"Connection": "close"})


def _too_many_bodies(_error: TooManyBodiesError) -> Response:
    return problem(
        503,
        "unavailable",
        "Too much is being sent at once. Send it again.",
        headers={"Retry-After": _RETRY_AFTER_SECONDS, "Connection": "close"},
    )


def _not_durable(_error: NotDurableError) -> Response:
    return _unavailable("The event could not be made durable. Send it again.")


def _database_away(error: DBAPIError | PoolTimeoutError) -> Response:
    sqlstate = getattr(getattr(error, "orig", None), "sqlstate", None)
    _log.error("database away", extra={"error": type(error).__name__, "sqlstate": sqlstate})
    return _unavailable("The database did not answer. Nothing was changed; ask again.")


def _unavailable(detail: str) -> Response:
    return problem(503, "unavailable", detail, headers={"Retry-After": _RETRY_AFTER_SECONDS})


def _missing_key(_error: MissingKeyError) -> Response:
    return problem(
        401,
        "unauthenticated",
        "Send a valid API key as 'Authorization: Bearer KEY'.",
        headers={"WWW-Authenticate": 'Bearer realm="revmap"'},
    )


def _role_too_low(error: RoleTooLowError) -> Response:
    return problem(403, "forbidden", f"This needs a key with the role {error.needed} or above.")


def _invalid_cursor(_error: InvalidCursorError) -> Response:
    return problem(400, "invalid_cursor", "The cursor belongs to another list. Start again without it.")


def _not_folded_yet(_error: NotFoldedYetError) -> Response:
    detail = "The table does not reach that far yet, or its past is being made. Ask again."
    return problem(503, "not_folded_yet", detail, headers={"Retry-After": _RETRY_AFTER_SECONDS})


def _position_ahead(_error: PositionAheadError) -> Response:
    errors = [{"pointer": "/query/as_of", "detail": "The log has not reached that position."}]
    return problem(422, "invalid_request", "Some of what was sent cannot be used; see errors.", errors=errors)


def _http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    if status == HTTPStatus.NOT_FOUND:
        return not_found()
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        messages = getattr(error, "data", {}).get("messages", {})
        errors = [{"pointer": pointer, "detail": detail} for pointer, detail in _pointed(messages, "")]
        return problem(422, "invalid_request", "Some of what was sent cannot be used; see errors.", errors=errors)
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
