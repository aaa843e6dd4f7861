"""Tell how something goes on, as server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

import logging
from collections.abc import Callable, Iterator
from typing import NamedTuple

from flask import Response, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

LOOK_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 15.0
# Each looks once a second and holds a socket of the web process: so many leave room for everything else.
MOST_STREAMS = 100
MOST_STREAMS_OF_A_COMPANY = 30
_RETRY_MS = 2000

_log = logging.getLogger(__name__)
_company_of_stream: dict[object, int] = {}


class TooManyStreamsError(Exception):
    """So many are told already, of this company or in this process, that the next has to come again."""


class State(NamedTuple):
    """How something stands: JSON on one line, with a name that another state does not have."""

    id: str
    json: str
    is_final: bool


def streamed(events: Iterator[str], *, company_id: int) -> Response:
    """Give the answer that tells a company of these events; it counts until it is closed.

    :raises TooManyStreamsError: there is no room for it
    """
    response = Response(events, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
    if request.method == "HEAD":
        return response  # nobody closes an answer that has no body
    of_company = sum(one == company_id for one in _company_of_stream.values())
    if of_company >= MOST_STREAMS_OF_A_COMPANY or len(_company_of_stream) >= MOST_STREAMS:
        raise TooManyStreamsError
    _company_of_stream[response] = company_id
    response.call_on_close(lambda: _company_of_stream.pop(response, None))
    return response


def told_as_events(
    state: State, look: Callable[[], State | None], pause: Callable[[float], bool], *, known_id: str | None
) -> Iterator[str]:
    """Give a `progress` event for every new state, and `finished` for the last one; a comment when nothing happens.

    `look` gives None when it may be told no more, and `pause` true when the process is to stop: either ends it.
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
        now = _looked(look, before=now)


def _looked(look: Callable[[], State | None], *, before: State) -> State | None:
    try:
        return look()
    except (DBAPIError, PoolTimeoutError) as error:
        # The answer is under way: it waits for the database, as its reader would have to.
        _log.warning("stream waits for the database", extra={"error": type(error).__name__})
        return before


def _event(state: State) -> str:
    return f"event: {'finished' if state.is_final else 'progress'}\nid: {state.id}\ndata: {state.json}\n\n"
