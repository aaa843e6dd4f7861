"""What may become of a connection once it was authorized: each step is a fact, and a change of the row beside it."""

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, delete, select

from events.connection.accounts import (
    Account,
    ConnectionState,
    Status,
    connection_fact,
    lock_connection_state,
    set_status,
)
from events.log.append import append
from events.log.tables import account_owner, stripe_connection

PAUSED = "connection.paused"
RESUMED = "connection.resumed"
DEAUTHORIZED = "connection.deauthorized"
DISCONNECTED = "connection.disconnected"

# Stripe's event about it, a refusal that says so, or a token that cannot be renewed any more.
DeauthorizationReason = Literal["stripe_event", "stripe_refusal", "token_expired"]


class NotConnectedError(Exception):
    """The company has no connection that this could be done to; `status` tells how it stands."""

    def __init__(self, status: Status | None) -> None:
        super().__init__(status)
        self.status = status


def pause(connection: Connection, company_id: int, *, actor: str, now: datetime) -> bool:
    """Ask Stripe for nothing until it is resumed; tell whether that is new. Commits nothing; safe to repeat.

    :raises NotConnectedError: there is no connection, or it has to be reauthorized
    """
    return _switch(connection, company_id, ("paused", PAUSED), actor=actor, now=now)


def resume(connection: Connection, company_id: int, *, actor: str, now: datetime) -> bool:
    """Go on after a pause; tell whether that is new. Commits nothing; safe to repeat.

    :raises NotConnectedError: there is no connection, or it has to be reauthorized
    """
    return _switch(connection, company_id, ("connected", RESUMED), actor=actor, now=now)


def disconnect(connection: Connection, company_id: int, *, actor: str, now: datetime) -> bool:
    """Give the account up: another company may connect it from now on; tell whether that is new. Commits nothing.

    What the log holds stays. What Stripe still sends is parked, for whoever connects the account next.
    """
    state = lock_connection_state(connection, company_id)
    if state is None or state.status == "disconnected":
        return False
    set_status(connection, company_id, "disconnected")
    connection.execute(delete(account_owner).where(account_owner.c.company_id == company_id))
    _append(connection, company_id, state, DISCONNECTED, actor=actor, now=now)
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
    """Note that Stripe lets us at the account no more; tell whether that is new. Commits nothing; safe to repeat.

    News from before the last authorization is old: Stripe repeats an event for days, and by then the account may have
    been connected again. Stripe counts in whole seconds.
    """
    state = lock_connection_state(connection, company_id)
    if state is None or state.status not in ("connected", "paused"):
        return False
    if occurred_at < state.authorized_at.replace(microsecond=0):
        return False
    set_status(connection, company_id, "reauthorization_required")
    details: dict[str, object] = {"reason": reason}
    fact = connection_fact(DEAUTHORIZED, state.account, details, actor="stripe", now=now, external_id=external_id)
    append(connection, company_id, [fact])
    return True


def stays_connected(connection: Connection, company_id: int, account_id: str) -> bool:
    """Tell whether the company is connected to the account; if so, nobody changes that until the caller commits."""
    is_this = (stripe_connection.c.company_id == company_id) & (stripe_connection.c.account_id == account_id)
    return (
        connection.execute(
            select(stripe_connection.c.company_id)
            .where(is_this, stripe_connection.c.status == "connected")
            .with_for_update(read=True, key_share=True)
        ).scalar_one_or_none()
        is not None
    )


def owner_of(connection: Connection, account: Account) -> int | None:
    """Give the company that owns the account in this very mode."""
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
