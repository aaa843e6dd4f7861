"""An id for every request, and one line in the log when it is answered. No query, no body, no header of its own.

Webhooks have no line: what was kept is in the log of events, under the same id and with its time; what was refused is
counted, or whoever sends junk would write our log.
"""

import logging
import time
from http import HTTPStatus
from uuid import UUID, uuid4

from flask import Flask, Response, g, request

from app.http.request_counts import count_answer

_TOLD_ELSEWHERE = frozenset({"webhooks"})

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
    seconds = time.monotonic() - g.started if "started" in g else 0.0
    rule = request.url_rule.rule if request.url_rule else None
    # Whoever asks chooses methods and paths as they like; a label is one of ours.
    count_answer(request.method if rule else "any", rule or "none", response.status_code, seconds)
    is_told_elsewhere = request.blueprint in _TOLD_ELSEWHERE
    if is_told_elsewhere and response.status_code == HTTPStatus.OK:
        return response
    request_id = str(request_uuid())
    response.headers["X-Request-Id"] = request_id
    if is_told_elsewhere:
        return response
    _log.info(
        "request answered",
        extra={
            "request_id": request_id,
            "method": request.method,
            "route": rule,
            "status": response.status_code,
            "duration_ms": round(seconds * 1000, 1),
        },
    )
    return response
