"""Ask for a sync: the request is a fact in the company's log."""

import json
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Connection

from events.accounts import ENTITY, owned_account
from events.connection_health import SYNC_REQUESTED
from events.log import NewEvent, append


class NotConnectedError(Exception):
    """The company is connected to no account: there is nothing to sync with."""


class SyncRun(NamedTuple):
    """A sync that was asked for."""

    id: str


def request_sync(connection: Connection, company_id: int, *, trigger: str, actor: str, now: datetime) -> SyncRun:
    """Ask for a sync. Commits nothing.

    :raises NotConnectedError: the company is connected to no account
    """
    account = owned_account(connection, company_id)
    if account is None:
        raise NotConnectedError
    run = SyncRun(str(uuid4()))
    fact = NewEvent(
        type=SYNC_REQUESTED,
        source="revmap",
        external_id=str(uuid4()),
        payload=json.dumps({"run_id": run.id, "trigger": trigger}).encode(),
        livemode=account.livemode,
        occurred_at=now,
        entity=ENTITY,
        account_id=account.account_id,
        actor=actor,
    )
    append(connection, company_id, [fact])
    return run
