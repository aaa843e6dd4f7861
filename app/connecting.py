"""What is done with a code that somebody brings back from Stripe's page."""

import logging

from sqlalchemy import Connection

from app.wiring import tools
from events.accounts import Account, AccountTakenError, authorize, standing_of
from events.connections import owner_of
from events.database import as_owner, within_company
from events.intake import join_parked_events
from tenants.access_facts import CONNECTION_REFUSED, note_access
from tenants.connect_attempts import Attempt, Outcome, note_outcome
from tenants.roles import Principal
from workers.connect import Connector, ExchangeRefusedError, Grant, OutcomeUnknownError, StripeAwayError
from workers.sync_requests import request_sync

_JOINED_AT_ONCE = 500

_log = logging.getLogger(__name__)


class ConnectNotConfiguredError(Exception):
    """There is no Connect client id: accounts can only be connected by key or by the operator."""


class WrongGrantError(Exception):
    """Stripe granted something else than was asked for: another mode, or more than reading."""


def connect_account(attempt: Attempt, code: str, principal: Principal) -> None:
    """Exchange a code once, make the company the account's owner and ask for its first sync. Commits.

    What was parked for the account begins to join; the clock moves the rest.

    :raises ConnectNotConfiguredError, ExchangeRefusedError, OutcomeUnknownError: nothing is recorded as connected
    :raises WrongGrantError, AccountTakenError, AnotherAccountError: the same; and Stripe was told to let go, unless
        the account is connected to somebody
    """
    hand = tools()
    connector = _connector()
    try:
        grant = connector.exchange(code)
    except (ExchangeRefusedError, OutcomeUnknownError) as error:
        _note(attempt, "unknown" if isinstance(error, OutcomeUnknownError) else "failed")
        raise
    try:
        _refuse_wrong_grant(grant)
        with within_company(hand.engine, attempt.company_id) as connection:
            note_outcome(connection, attempt, "connected")
            _own(connection, attempt.company_id, grant, principal)
    except (WrongGrantError, AccountTakenError) as error:
        _note(attempt, "failed")
        _note_refused(principal, reason=type(error).__name__)
        _let_go_of_strays(connector, grant)
        raise
    with as_owner(hand.engine) as connection:
        join_parked_events(connection, limit=_JOINED_AT_ONCE)


def note_refusal(attempt: Attempt, principal: Principal) -> None:
    """Note that somebody said no on Stripe's page. Commits."""
    _note(attempt, "refused")
    _note_refused(principal, reason="access_denied")


def _own(connection: Connection, company_id: int, grant: Grant, principal: Principal) -> None:
    now = tools().clock()
    before = standing_of(connection, company_id)
    account = Account(grant.account_id, grant.livemode)
    authorization = authorize(
        connection, company_id, account, now=now, actor=principal.actor, by=("connect", grant.scope)
    )
    if authorization.is_new:
        trigger = "reauthorization" if before and before.account == account else "initial"
        request_sync(connection, company_id, trigger=trigger, actor=principal.actor, now=now)


def _refuse_wrong_grant(grant: Grant) -> None:
    wanted = tools().connect
    if wanted is None or grant.livemode != wanted.livemode:
        raise WrongGrantError
    if wanted.scope == "read_only" and grant.scope != "read_only":
        raise WrongGrantError


def _let_go_of_strays(connector: Connector, grant: Grant) -> None:
    with as_owner(tools().engine) as connection:
        owner = owner_of(connection, Account(grant.account_id, grant.livemode))
    if owner is not None:
        return  # to let go of it would cut off the company whose account it is
    try:
        connector.let_go(grant.account_id)
    except StripeAwayError:
        _log.warning("stray account still connected at Stripe", extra={"account_id": grant.account_id})


def _connector() -> Connector:
    connector = tools().connect
    if connector is None:
        raise ConnectNotConfiguredError
    return connector


def _note(attempt: Attempt, outcome: Outcome) -> None:
    with within_company(tools().engine, attempt.company_id) as connection:
        note_outcome(connection, attempt, outcome)


def _note_refused(principal: Principal, *, reason: str) -> None:
    hand = tools()
    about, actor, now = "connection:stripe", principal.actor, hand.clock()
    with within_company(hand.engine, principal.company_id) as connection:
        note_access(
            connection, principal.company_id, CONNECTION_REFUSED, about=about, actor=actor, now=now, reason=reason
        )
    _log.info("connection refused", extra={"company_id": principal.company_id, "reason": reason})
