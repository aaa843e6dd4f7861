"""Connect an account with the code that a person brings back from Stripe's page."""

import logging

from sqlalchemy import Connection

from app.wiring.tools import current_tools
from backlog.syncs.requests import request_sync
from events.connection.accounts import Account, AccountTakenError, Agreement, authorize, connection_state
from events.connection.lifecycle import owner_of
from events.intake.parked import join_parked_events
from runtime.database import across_companies, within_company
from stripe_gateway.connect import (
    Connector,
    ExchangeRefusedError,
    Grant,
    OutcomeUnknownError,
    StripeAwayError,
    WrongGrantError,
)
from stripe_gateway.credentials import keep_tokens
from tenants.access_facts import CLAIM_REFUSED, CONNECTION_REFUSED, note_access
from tenants.connect_attempts import Attempt, Outcome, note_outcome
from tenants.roles import Principal
from tenants.secrets import forget_secrets

_JOINED_AT_ONCE = 500

_log = logging.getLogger(__name__)


class ConnectNotConfiguredError(Exception):
    """There is no Connect client id: accounts can only be connected by key or by the operator."""


def connect_account(attempt: Attempt, code: str, principal: Principal) -> None:
    """Exchange a code once, make the company the account's owner, and request its first sync. Commits.

    The first parked events of the account join the company's log; the clock moves the rest.

    :raises ConnectNotConfiguredError, ExchangeRefusedError, OutcomeUnknownError: nothing is recorded as connected
    :raises WrongGrantError, AccountTakenError, AnotherAccountError: the same, and the account was disconnected at
        Stripe unless a company owns it
    """
    tools = current_tools()
    connector = _connector()
    grant = _exchange(attempt, connector, code, principal)
    try:
        with within_company(tools.engine, attempt.company_id) as connection:
            note_outcome(connection, attempt, "connected")
            _make_owner(connection, attempt, grant, principal)
    except AccountTakenError as error:
        _undo_grant(attempt, connector, grant, principal, reason=type(error).__name__)
        raise
    tools.wake_sync()
    with across_companies(tools.engine) as connection:
        join_parked_events(connection, attempt.company_id, limit=_JOINED_AT_ONCE)


def note_refusal(attempt: Attempt, principal: Principal) -> None:
    """Record that the person refused on Stripe's page. Commits."""
    _note(attempt, "refused")
    _note_refused(principal, reason="access_denied")


def _exchange(attempt: Attempt, connector: Connector, code: str, principal: Principal) -> Grant:
    try:
        return connector.exchange(code)
    except ExchangeRefusedError:
        _note(attempt, "failed")
        raise
    except OutcomeUnknownError:
        _note(attempt, "unknown")
        raise
    except WrongGrantError as error:
        _undo_grant(attempt, connector, error.grant, principal, reason=type(error).__name__)
        raise


def _make_owner(connection: Connection, attempt: Attempt, grant: Grant, principal: Principal) -> None:
    tools = current_tools()
    now, account = tools.clock(), Account(grant.account_id, grant.livemode)
    before = connection_state(connection, attempt.company_id)
    if before and before.account != account:
        forget_secrets(connection, attempt.company_id)
    if grant.tokens:
        keep_tokens(connection, tools.box, attempt.company_id, grant.tokens, now=now)
    agreement = Agreement(attempt.method, grant.scope, grant.account_name)
    authorization = authorize(connection, attempt.company_id, account, now=now, actor=principal.actor, by=agreement)
    if authorization.is_new:
        trigger = "reauthorization" if before and before.account == account else "initial"
        request_sync(connection, attempt.company_id, trigger=trigger, actor=principal.actor, now=now)


def _undo_grant(attempt: Attempt, connector: Connector, grant: Grant, principal: Principal, *, reason: str) -> None:
    _note(attempt, "failed")
    _note_refused(principal, reason=reason)
    with across_companies(current_tools().engine) as connection:
        owner = owner_of(connection, Account(grant.account_id, grant.livemode))
    if owner is not None and owner != principal.company_id:
        _tell_owner(owner)
    if owner is not None:
        return  # disconnecting it would cut off the company that owns it
    try:
        connector.let_go(grant.account_id)
    except StripeAwayError:
        _log.warning("stray account still connected at Stripe", extra={"account_id": grant.account_id})


def _tell_owner(company_id: int) -> None:
    tools = current_tools()
    with within_company(tools.engine, company_id) as connection:
        note_access(connection, company_id, CLAIM_REFUSED, about="connection:stripe", actor=None, now=tools.clock())


def _connector() -> Connector:
    connector = current_tools().connect
    if connector is None:
        raise ConnectNotConfiguredError
    return connector


def _note(attempt: Attempt, outcome: Outcome) -> None:
    with within_company(current_tools().engine, attempt.company_id) as connection:
        note_outcome(connection, attempt, outcome)


def _note_refused(principal: Principal, *, reason: str) -> None:
    tools = current_tools()
    about, actor, now = "connection:stripe", principal.actor, tools.clock()
    with within_company(tools.engine, principal.company_id) as connection:
        note_access(
            connection, principal.company_id, CONNECTION_REFUSED, about=about, actor=actor, now=now, reason=reason
        )
    _log.info("connection refused", extra={"company_id": principal.company_id, "reason": reason})
