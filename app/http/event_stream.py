"""Stream changes of state as server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

import logging
from collections.abc import Callable, Iterator
from typing import NamedTuple

from flask import Response, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

LOOK_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 15.0
# Each stream looks once a second and keeps a socket of the web process: this many leave room for everything else.
MOST_STREAMS = 100
MOST_STREAMS_OF_A_COMPANY = 30
_RETRY_MS = 2000

_log = logging.getLogger(__name__)
_company_of_stream: dict[object, int] = {}


class TooManyStreamsError(Exception):
    """The company or the process has as many streams as it may; the client has to try again later."""


class State(NamedTuple):
    """A state as JSON on one line, with an id that no other state has."""

    id: str
    json: str
    is_final: bool


def streamed(events: Iterator[str], *, company_id: int) -> Response:
    """Return the response that streams these events to a company; it counts as a stream until it is closed.

    :raises TooManyStreamsError: the company or the process has too many streams
    """
    response = Response(events, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
    if request.method == "HEAD":
        return response  # a response without a body is never closed
    of_company = sum(one == company_id for one in _company_of_stream.values())
    if of_company >= MOST_STREAMS_OF_A_COMPANY or len(_company_of_stream) >= MOST_STREAMS:
        raise TooManyStreamsError
    _company_of_stream[response] = company_id
    response.call_on_close(lambda: _company_of_stream.pop(response, None))
    return response


def told_as_events(
    state: State, look: Callable[[], State | None], pause: Callable[[float], bool], *, known_id: str | None
) -> Iterator[str]:
    """Yield a `progress` event for every new state, `finished` for the last one, and a comment when nothing changes.

    `look` returns None when the client may see no more, and `pause` True when the process is to stop: either ends it.
    """
    yield f"retry: {_RETRY_MS}\n\n"
    silent_seconds = 0.0
    now: State | None = state
    while now is not None:
        if now.id != known_id:
            yield _event(now)
            known_id, silent_seconds = now.id, 0.0
        elif silent_seconds >= KEEP_ALIVE_SECONDS:
            yield ": still here\n\n"
            silent_seconds = 0.0
        if now.is_final or pause(LOOK_SECONDS):
            return
        silent_seconds += LOOK_SECONDS
        now = _look_again(look, before=now)


def _look_again(look: Callable[[], State | None], *, before: State) -> State | None:
    try:
        return look()
    except (DBAPIError, PoolTimeoutError) as error:
        # The response has begun, so it waits for the database as its client would have to.
        _log.warning("stream waits for the database", extra={"error": type(error).__name__})
        return before


def _event(state: State) -> str:
    return f"event: {'finished' if state.is_final else 'progress'}\nid: {state.id}\ndata: {state.json}\n\n"
