"""Which company a Stripe account belongs to: recorded as a fact of the company, and as the row that routes events."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from events.log import NewEvent, append
from events.tables import account_owner

AUTHORIZED = "connection.authorized"


class AccountTakenError(Exception):
    """The account, or the company, is already connected to another one."""


@dataclass(frozen=True, slots=True)
class Account:
    """A Stripe account in one of its two modes."""

    account_id: str
    livemode: bool


class Authorization(NamedTuple):
    """Where the fact of the authorization stands; not new when the company already owned the account."""

    position: int | None
    is_new: bool


def authorize(connection: Connection, company_id: int, account: Account, *, now: datetime, actor: str) -> Authorization:
    """Make a company the owner of an account. Commits nothing; safe to repeat.

    :raises AccountTakenError: the account has another owner, or the company another account
    """
    claimed = connection.execute(
        insert(account_owner)
        .values(account_id=account.account_id, livemode=account.livemode, company_id=company_id)
        .on_conflict_do_nothing()
        .returning(account_owner.c.company_id)
    ).one_or_none()
    if claimed is None:
        if owned_account(connection, company_id) == account:
            return Authorization(None, is_new=False)
        raise AccountTakenError
    fact = NewEvent(
        type=AUTHORIZED,
        source="revmap",
        external_id=str(uuid4()),
        payload=json.dumps({"account_id": account.account_id, "livemode": account.livemode}).encode(),
        livemode=account.livemode,
        occurred_at=now,
        entity="connection:stripe",
        account_id=account.account_id,
        actor=actor,
    )
    return Authorization(append(connection, company_id, [fact])[0].position, is_new=True)


def owned_account(connection: Connection, company_id: int) -> Account | None:
    """Give the account a company owns, if any."""
    row = connection.execute(
        select(account_owner.c.account_id, account_owner.c.livemode).where(account_owner.c.company_id == company_id)
    ).one_or_none()
    return Account(row.account_id, row.livemode) if row else None
