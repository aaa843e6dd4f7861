"""Assign an id to every request, and log one line when it is answered, without its query, body or headers.

Webhooks have no line: accepted ones are in the event log under the same id with their time, and refused ones are
counted, so that a sender of junk cannot fill our log.
"""

import logging
import time
from http import HTTPStatus
from uuid import UUID, uuid4

from flask import Flask, Response, g, request

from app.http.request_counts import count_answer

# Where the environment has the id and the start (monotonic seconds) of a request that was begun before Flask.
REQUEST_UUID, REQUEST_STARTED = "revmap.request_uuid", "revmap.request_started"

_LOGGED_ELSEWHERE = frozenset({"webhooks"})

_log = logging.getLogger("revmap.request")


def request_uuid() -> UUID:
    """Return the id of the current request: it is in its log line, its problems and the events it appends."""
    if "request_uuid" not in g:
        g.request_uuid = request.environ.get(REQUEST_UUID) or uuid4()
    found: UUID = g.request_uuid
    return found


def install(app: Flask) -> None:
    """Log every request of this app."""
    app.before_request(_note_start)
    app.after_request(_log_answer)


def _note_start() -> None:
    g.started = request.environ.get(REQUEST_STARTED) or time.monotonic()


def _log_answer(response: Response) -> Response:
    seconds = time.monotonic() - g.started if "started" in g else 0.0
    rule = request.url_rule.rule if request.url_rule else None
    # Clients choose methods and paths freely; labels are taken only from our own routes.
    count_answer(request.method if rule else "any", rule or "none", response.status_code, seconds)
    is_logged_elsewhere = request.blueprint in _LOGGED_ELSEWHERE
    if is_logged_elsewhere and response.status_code == HTTPStatus.OK:
        return response
    request_id = str(request_uuid())
    response.headers["X-Request-Id"] = request_id
    if is_logged_elsewhere:
        return response
    _log.info(
        "request answered",
        extra={
            "request_id": request_id,
            "method": request.method,
            "route": rule,
            "status": response.status_code,
            "duration_ms": round(seconds * 1000, 1),
            **_caller(),
        },
    )
    return response


def _caller() -> dict[str, object]:
    """Return the company and who acted in it, `user:1` or `api_key:2`, if access was checked and granted."""
    principal = g.get("principal")
    if principal is not None:
        return {"company_id": principal.company_id, "actor": principal.actor}
    session = g.get("session")
    return {"actor": f"user:{session.user_id}"} if session is not None else {}
