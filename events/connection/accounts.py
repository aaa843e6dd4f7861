"""Connect a company to a Stripe account: recorded as a fact in its log, and as rows for quick lookups."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from events.log.append import NewEvent, append
from events.log.own_facts import own_fact
from events.log.tables import account_owner, event, stripe_connection

AUTHORIZED = "connection.authorized"
REAUTHORIZED = "connection.reauthorized"
DISCONNECTED = "connection.disconnected"
ENTITY = "connection:stripe"

Status = Literal["connected", "paused", "reauthorization_required", "disconnected"]
# Through Stripe Connect, through an installed Stripe App, or with a restricted key of the account.
Method = Literal["connect", "app", "restricted_key"]


class AccountTakenError(Exception):
    """The account belongs to another company."""


class AnotherAccountError(AccountTakenError):
    """The company has another account connected, which must be disconnected first."""


@dataclass(frozen=True, slots=True)
class Account:
    """A Stripe account in live or test mode."""

    account_id: str
    livemode: bool


class Authorization(NamedTuple):
    """The position of the appended fact. Not new, and without a position, if the account was connected already."""

    position: int | None
    is_new: bool


class Agreement(NamedTuple):
    """How access was granted: the method, the scope if any, and the account's name at Stripe at that time."""

    method: Method = "connect"
    scope: str | None = None
    account_name: str | None = None


class ConnectionState(NamedTuple):
    """The state of a company's connection. `account_name` dates from `authorized_at`, the last authorization."""

    status: Status
    account: Account
    method: Method
    scope: str | None
    authorized_at: datetime
    account_name: str | None


def authorize(
    connection: Connection,
    company_id: int,
    account: Account,
    *,
    now: datetime,
    actor: str,
    by: Agreement = Agreement(),  # noqa: B008 - immutable
) -> Authorization:
    """Connect a company to an account, which it then owns. Commits nothing; safe to repeat.

    A connection that had to be reauthorized is connected again, or replaced if this is another account: access to the
    one before has ended. A paused connection stays paused.

    :raises AnotherAccountError: the company has another account connected
    :raises AccountTakenError: the account has another owner
    """
    state = lock_connection_state(connection, company_id)
    if state is not None and state.status == "reauthorization_required" and state.account != account:
        release(connection, company_id, state.account, actor=actor, now=now)
        state = state._replace(status="disconnected")
    owns_account = state is not None and state.status != "disconnected"
    if not owns_account and not _is_claimed(connection, company_id, account):
        # A concurrent request was faster: perhaps with the same account, for the same company.
        state = lock_connection_state(connection, company_id)
        if state is None or state.status == "disconnected":
            raise AccountTakenError
        owns_account = True
    if state is not None and owns_account:
        if state.account != account:
            raise AnotherAccountError
        if state.status != "reauthorization_required":
            return Authorization(None, is_new=False)
    details = {"account_id": account.account_id, "livemode": account.livemode, **by._asdict()}
    values = {"status": "connected", "authorized_at": now, "is_scheduled": False, **details}
    connection.execute(
        insert(stripe_connection)
        .values(company_id=company_id, **values)
        .on_conflict_do_update(index_elements=[stripe_connection.c.company_id], set_=values)
    )
    fact = connection_fact(REAUTHORIZED if owns_account else AUTHORIZED, account, details, actor=actor, now=now)
    return Authorization(append(connection, company_id, [fact])[0].position, is_new=True)


def release(connection: Connection, company_id: int, account: Account, *, actor: str, now: datetime) -> None:
    """Disconnect a company from its account, so that any company may connect it. Commits nothing.

    The caller holds the lock on the connection's state.
    """
    set_status(connection, company_id, "disconnected")
    connection.execute(delete(account_owner).where(account_owner.c.company_id == company_id))
    append(connection, company_id, [connection_fact(DISCONNECTED, account, {}, actor=actor, now=now)])


def owned_account(connection: Connection, company_id: int) -> Account | None:
    """Return the account that a company owns, if any."""
    row = connection.execute(
        select(account_owner.c.account_id, account_owner.c.livemode).where(account_owner.c.company_id == company_id)
    ).one_or_none()
    return Account(row.account_id, row.livemode) if row else None


def authorized_by(connection: Connection, company_id: int) -> str | None:
    """Return who connected the company's account last; None if nobody did."""
    statement = (
        select(event.c.actor)
        .where(event.c.company_id == company_id, event.c.entity == ENTITY, event.c.type.in_((AUTHORIZED, REAUTHORIZED)))
        .order_by(event.c.position.desc())
        .limit(1)
    )
    return connection.execute(statement).scalar()


def connection_state(connection: Connection, company_id: int) -> ConnectionState | None:
    """Return the state of a company's connection; None if it never had one."""
    return _state(connection, company_id, for_update=False)


def lock_connection_state(connection: Connection, company_id: int) -> ConnectionState | None:
    """Return the state of a company's connection, and block changes to it until the caller commits."""
    return _state(connection, company_id, for_update=True)


def set_status(connection: Connection, company_id: int, status: Status) -> None:
    """Set the connection's status. Commits nothing; the caller holds the lock and appends the fact."""
    values = {"status": status, "is_scheduled": False}
    connection.execute(update(stripe_connection).where(stripe_connection.c.company_id == company_id).values(values))


def connection_fact(
    fact: str,
    account: Account,
    details: dict[str, object],
    *,
    now: datetime,
    actor: str | None,
    external_id: str | None = None,
) -> NewEvent:
    """Return a fact about a company's connection, to be appended by the caller."""
    return own_fact(
        fact,
        details,
        entity=ENTITY,
        now=now,
        actor=actor,
        livemode=account.livemode,
        account_id=account.account_id,
        external_id=external_id,
    )


def _is_claimed(connection: Connection, company_id: int, account: Account) -> bool:
    claimed = connection.execute(
        insert(account_owner)
        .values(account_id=account.account_id, livemode=account.livemode, company_id=company_id)
        .on_conflict_do_nothing()
        .returning(account_owner.c.company_id)
    ).one_or_none()
    return claimed is not None


def _state(connection: Connection, company_id: int, *, for_update: bool) -> ConnectionState | None:
    statement = select(stripe_connection).where(stripe_connection.c.company_id == company_id)
    row = connection.execute(statement.with_for_update() if for_update else statement).one_or_none()
    if row is None:
        return None
    account = Account(row.account_id, row.livemode)
    return ConnectionState(row.status, account, row.method, row.scope, row.authorized_at, row.account_name)
