"""The fold of a company's connection to Stripe: what was authorized, paused, asked for and finished. Pure."""

from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import Struct

from events.log.bulk import BulkEvent

NAME = "connection"

OURS = "revmap"
_DEAUTHORIZED_AT_STRIPE = "account.application.deauthorized"

PENDING = "pending_authorization"
CONNECTED = "connected"
PAUSED = "paused"
REAUTHORIZATION_REQUIRED = "reauthorization_required"
DISCONNECTED = "disconnected"

_STATUS_AFTER = {
    "connection.authorized": CONNECTED,
    "connection.reauthorized": CONNECTED,
    "connection.resumed": CONNECTED,
    "connection.paused": PAUSED,
    "connection.deauthorized": REAUTHORIZATION_REQUIRED,
    "connection.disconnected": DISCONNECTED,
    _DEAUTHORIZED_AT_STRIPE: REAUTHORIZATION_REQUIRED,
}
_ABOUT = {*_STATUS_AFTER, "sync.requested", "sync.finished"}


class ConnectionState(NamedTuple):
    """Where a connection stands, and the event that last changed it. The run is the last one asked for or finished."""

    status: str = PENDING
    account_id: str | None = None
    livemode: bool | None = None
    last_success_at: datetime | None = None
    data_through: datetime | None = None
    run_id: int | None = None
    run_status: str | None = None
    run_error: dict[str, object] | None = None
    position: int = 0
    updated_at: datetime | None = None


class _Said(Struct):
    """What facts about connections and runs say; each has some of it."""

    account_id: str | None = None
    livemode: bool | None = None
    run_id: int | None = None
    status: str | None = None
    finished_at: datetime | None = None
    data_through: datetime | None = None
    error: dict[str, object] | None = None


_SAID = msgspec.json.Decoder(_Said)


def is_about_connection(event: BulkEvent) -> bool:
    """Tell whether the fold reads an event at all."""
    return event.type in _ABOUT and (event.source == OURS or event.type == _DEAUTHORIZED_AT_STRIPE)


def after(state: ConnectionState, event: BulkEvent) -> ConnectionState:
    """Give the state after one more event. The log's order counts: these facts are our own decisions.

    :raises msgspec.MsgspecError: a fact of ours that is not as we write it
    """
    if event.type == _DEAUTHORIZED_AT_STRIPE and state.status == DISCONNECTED:
        return state
    said = _SAID.decode(event.payload) if event.source == OURS else _Said()
    return _told(state, event.type, said)._replace(position=event.position, updated_at=event.recorded_at)


def _told(state: ConnectionState, event_type: str, said: _Said) -> ConnectionState:
    match event_type:
        case "sync.requested":
            return state._replace(run_id=said.run_id, run_status="queued", run_error=None)
        case "sync.finished":
            return _after_run(state, said)
        case "connection.authorized" | "connection.reauthorized":
            return state._replace(status=CONNECTED, account_id=said.account_id, livemode=said.livemode)
        case other:
            return state._replace(status=_STATUS_AFTER[other])


def _after_run(state: ConnectionState, said: _Said) -> ConnectionState:
    is_success = said.status == "succeeded"
    return state._replace(
        run_id=said.run_id,
        run_status=said.status,
        run_error=said.error,
        last_success_at=said.finished_at if is_success else state.last_success_at,
        data_through=said.data_through or state.data_through,
    )
