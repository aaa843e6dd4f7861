"""Turn every error into an answer. No other module does."""

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import psycopg
from flask import Flask, Response, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException, NotFound

from app.auth.access import NotSignedInError, RoleTooLowError, SecondFactorNeededError
from app.auth.sign_in import to_second_factor, to_sign_in
from app.http.bodies import BodyTooLargeError, UnsupportedBodyError, UnwantedBodyError
from app.http.rate_limits import TooManyAttemptsError
from app.http.request_log import request_uuid
from app.problems.answers import answer_with, invalid, is_read_by_people, problem
from app.problems.codes import PROBLEMS, Problem
from app.problems.raised import RAISED
from events.intake.group_append import NotDurableError
from mapping.undo import LaterFactsError
from projections.mapping.problems import InvalidRulesError
from projections.reads.snapshots import PositionAheadError
from runtime.sqlstates import is_of_erased_company, is_outage, is_transient, sqlstate_of
from stripe_gateway.restricted_keys import KeyRefusedError

_MOST_POSITIONS = 10

_log = logging.getLogger(__name__)


def install(app: Flask) -> None:
    """Answer every error of this app with a problem."""
    for raised in RAISED:
        app.register_error_handler(raised, _raised)
    app.register_error_handler(UnsupportedBodyError, _unsupported_body)
    app.register_error_handler(BodyTooLargeError, _too_large)
    app.register_error_handler(UnwantedBodyError, _unwanted_body)
    app.register_error_handler(NotSignedInError, _not_signed_in)
    app.register_error_handler(SecondFactorNeededError, _second_factor_needed)
    app.register_error_handler(TooManyAttemptsError, _too_many_attempts)
    app.register_error_handler(RoleTooLowError, _role_too_low)
    app.register_error_handler(KeyRefusedError, _key_refused)
    app.register_error_handler(PositionAheadError, _position_ahead)
    app.register_error_handler(InvalidRulesError, _invalid_rules)
    app.register_error_handler(LaterFactsError, _later_facts)
    app.register_error_handler(DBAPIError, _database_failed)
    app.register_error_handler(PoolTimeoutError, _database_failed)
    # From code that uses the driver directly: an export.
    app.register_error_handler(psycopg.Error, _database_failed)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(Exception, _unexpected)


def _raised(error: Exception) -> Response:
    code, detail, closes_connection = next(RAISED[kind] for kind in type(error).__mro__ if kind in RAISED)
    return problem(code, detail, headers={"Connection": "close"} if closes_connection else None)


def _unsupported_body(error: UnsupportedBodyError) -> Response:
    is_encoded = error.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported_encoding" if is_encoded else "not_json"
    return problem(code, "Send the body as plain, uncompressed application/json.")


def _too_large(error: BodyTooLargeError) -> Response:
    # The rest of the body is not read: the connection ends instead.
    detail = f"The body is larger than {error.limit_bytes} bytes."
    return problem("body_too_large", detail, headers={"Connection": "close"})


def _unwanted_body(_error: UnwantedBodyError) -> Response:
    return invalid([{"pointer": "", "detail": "Leave the body empty, or send {}."}])


def _not_signed_in(_error: NotSignedInError) -> Response:
    if is_read_by_people() and "Authorization" not in request.headers:
        return to_sign_in()
    return problem("unauthenticated", headers={"WWW-Authenticate": 'Bearer realm="revmap"'})


def _second_factor_needed(_error: SecondFactorNeededError) -> Response:
    return to_second_factor() if is_read_by_people() else problem("second_factor_needed")


def _too_many_attempts(error: TooManyAttemptsError) -> Response:
    headers = {"Retry-After": str(error.retry_after_seconds)}
    return problem("too_many_attempts", "Too many attempts. Try again later.", headers=headers)


def _role_too_low(error: RoleTooLowError) -> Response:
    who = {"admin": "admins", "editor": "editors and admins"}.get(error.needed, "members")
    return problem("forbidden", f"Only {who} can do this. Ask an admin of your company.")


def _key_refused(error: KeyRefusedError) -> Response:
    if is_read_by_people():
        detail = (
            "This key is missing permissions." if error.missing else "Stripe doesn't recognize this key. Copy it again."
        )
        return problem("key_refused", detail, lacking=error.missing)
    lacking = [f"Lacks the permission {name}." for name in error.missing] or ["Stripe does not know this key."]
    errors = [{"pointer": "/restricted_key", "detail": detail} for detail in lacking]
    return problem("key_refused", "The key cannot be used; see errors.", errors=errors)


def _position_ahead(_error: PositionAheadError) -> Response:
    return invalid([{"pointer": "/query/as_of", "detail": "The log has not reached that position."}])


def _invalid_rules(error: InvalidRulesError) -> Response:
    return invalid([found._asdict() for found in error.problems])


def _later_facts(error: LaterFactsError) -> Response:
    shown = ", ".join(map(str, error.positions[:_MOST_POSITIONS]))
    detail = f"What was chosen at these positions of the log is about the same lines: {shown}. Undo it first."
    return problem("later_overrides", detail, positions=error.positions)


def _database_failed(error: DBAPIError | PoolTimeoutError | psycopg.Error) -> Response:
    if is_of_erased_company(error) and request.blueprint != "webhooks":
        # As for every other company that does not exist. A webhook is sent again, and then parked.
        return _http_exception(NotFound())
    if not (is_transient(error) or is_outage(error)):
        return _unexpected(error)
    _log.error("database away", extra={"error": type(error).__name__, "sqlstate": sqlstate_of(error)})
    return problem("unavailable", "The database didn't respond. Nothing was changed. Try again.")


def _http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    if status == HTTPStatus.NOT_FOUND:
        return problem("not_found", "There's nothing here, or you don't have access to it.")
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        messages = getattr(error, "data", {}).get("messages", {})
        return invalid([{"pointer": pointer, "detail": detail} for pointer, detail in _pointed(messages, "")])
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    code, description = HTTPStatus(status).name.lower(), HTTPStatus(status).description
    known = PROBLEMS.get(code) or Problem(code, status, description)
    return answer_with(known, error.description or description, headers=headers)


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
        return _raised(NotDurableError(str(error)))
    return problem("unexpected", "Something went wrong on our side. Try again.")
