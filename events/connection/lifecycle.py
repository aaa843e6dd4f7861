"""Pause, resume and end a connection: each step appends a fact and updates the connection's row."""

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, select

from events.connection.accounts import (
    Account,
    ConnectionState,
    Status,
    connection_fact,
    lock_connection_state,
    release,
    set_status,
)
from events.log.append import append
from events.log.tables import account_owner, stripe_connection

PAUSED = "connection.paused"
RESUMED = "connection.resumed"
DEAUTHORIZED = "connection.deauthorized"

# An event from Stripe, a refusal that says so, or a token that can no longer be renewed.
DeauthorizationReason = Literal["stripe_event", "stripe_refusal", "token_expired"]


class NotConnectedError(Exception):
    """The company has no connection that allows this. `status` is the connection's status, None if there is none."""

    def __init__(self, status: Status | None) -> None:
        super().__init__(status)
        self.status = status


def pause(connection: Connection, company_id: int, *, actor: str, now: datetime) -> bool:
    """Stop requests to Stripe until `resume`; return whether anything changed. Commits nothing; safe to repeat.

    :raises NotConnectedError: there is no connection, or it has to be reauthorized
    """
    return _switch(connection, company_id, ("paused", PAUSED), actor=actor, now=now)


def resume(connection: Connection, company_id: int, *, actor: str, now: datetime) -> bool:
    """Resume a paused connection; return whether anything changed. Commits nothing; safe to repeat.

    :raises NotConnectedError: there is no connection, or it has to be reauthorized
    """
    return _switch(connection, company_id, ("connected", RESUMED), actor=actor, now=now)


def disconnect(connection: Connection, company_id: int, *, actor: str, now: datetime) -> bool:
    """Disconnect the account, so that any company may connect it; return whether anything changed. Commits nothing.

    The log keeps its events. Events that Stripe still sends are parked for the company that connects the account next.
    """
    state = lock_connection_state(connection, company_id)
    if state is None or state.status == "disconnected":
        return False
    release(connection, company_id, state.account, actor=actor, now=now)
    return True


def note_deauthorized(
    connection: Connection,
    company_id: int,
    *,
    reason: DeauthorizationReason,
    occurred_at: datetime,
    now: datetime,
    external_id: str | None = None,
) -> bool:
    """Record that access to the account was lost; return whether anything changed. Commits nothing; safe to repeat.

    A loss before the last authorization is ignored: Stripe repeats an event for days, and by then the account may have
    been connected again. Times are compared in whole seconds, because Stripe's have no fractions.
    """
    state = lock_connection_state(connection, company_id)
    if state is None or state.status not in ("connected", "paused"):
        return False
    if occurred_at < state.authorized_at.replace(microsecond=0):
        return False
    if reason == "stripe_event" and state.method == "restricted_key":
        return False  # the event is about our application: the account's own key works without it
    set_status(connection, company_id, "reauthorization_required")
    details: dict[str, object] = {"reason": reason}
    fact = connection_fact(DEAUTHORIZED, state.account, details, actor="stripe", now=now, external_id=external_id)
    append(connection, company_id, [fact])
    return True


def lock_if_connected(connection: Connection, company_id: int, account_id: str) -> bool:
    """Return whether the company is connected to the account; if so, block changes to that until the caller commits."""
    is_same_account = (stripe_connection.c.company_id == company_id) & (stripe_connection.c.account_id == account_id)
    return (
        connection.execute(
            select(stripe_connection.c.company_id)
            .where(is_same_account, stripe_connection.c.status == "connected")
            .with_for_update(read=True, key_share=True)
        ).scalar_one_or_none()
        is not None
    )


def owner_of(connection: Connection, account: Account) -> int | None:
    """Return the company that owns the account in exactly this mode, if any."""
    return connection.execute(
        select(account_owner.c.company_id).where(
            account_owner.c.account_id == account.account_id, account_owner.c.livemode == account.livemode
        )
    ).scalar_one_or_none()


def _switch(connection: Connection, company_id: int, to: tuple[Status, str], *, actor: str, now: datetime) -> bool:
    status, fact = to
    state = lock_connection_state(connection, company_id)
    if state is None or state.status not in ("connected", "paused"):
        raise NotConnectedError(state.status if state else None)
    if state.status == status:
        return False
    set_status(connection, company_id, status)
    _append(connection, company_id, state, fact, actor=actor, now=now)
    return True


def _append(
    connection: Connection, company_id: int, state: ConnectionState, fact: str, *, actor: str, now: datetime
) -> None:
    append(connection, company_id, [connection_fact(fact, state.account, {}, actor=actor, now=now)])
