"""An id for every request, and one line in the log when it is answered. No query, no body, no header of its own.

A webhook that was kept has no line: it is in the log of events, under the same id and with its time.
"""

import logging
import time
from http import HTTPStatus
from uuid import UUID, uuid4

from flask import Flask, Response, g, request

_KEPT_ELSEWHERE = frozenset({"webhooks"})

_log = logging.getLogger("revmap.request")


def request_uuid() -> UUID:
    """Give the id of the request under way: on its log line, in its problems, on the events it appends."""
    if "request_uuid" not in g:
        g.request_uuid = uuid4()
    found: UUID = g.request_uuid
    return found


def install(app: Flask) -> None:
    """Log every request of this app."""
    app.before_request(_note_start)
    app.after_request(_log_answer)


def _note_start() -> None:
    g.started = time.monotonic()


def _log_answer(response: Response) -> Response:
    if response.status_code == HTTPStatus.OK and request.blueprint in _KEPT_ELSEWHERE:
        return response
    request_id = str(request_uuid())
    response.headers["X-Request-Id"] = request_id
    rule = request.url_rule.rule if request.url_rule else None
    _log.info(
        "request answered",
        extra={
            "request_id": request_id,
            "method": request.method,
            "route": rule,
            "status": response.status_code,
            "duration_ms": round((time.monotonic() - g.started) * 1000, 1) if "started" in g else None,
        },
    )
    return response
