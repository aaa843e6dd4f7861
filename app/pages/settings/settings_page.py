"""The Integrations settings page: the state of a company's connection to Stripe, and its actions."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from app.auth.access import principal
from app.connect.state import health_in
from app.pages.frame import framed_text
from app.pages.settings.verdicts import Verdict, verdict_on
from app.pages.syncs.shown_runs import ShownRun, shown
from app.wiring.tools import current_tools
from backlog.syncs.health import ConnectionHealth
from backlog.syncs.requests import list_runs
from events.connection.accounts import authorized_by
from events.intake.receive import STRIPE_SOURCE
from events.log.read import last_recorded_at
from projections.reads.missing import Missing, missing_from
from projections.reads.snapshots import Snapshot, snapshot_of

_RECENT_SYNCS = 14
# Permissions as the Stripe Dashboard names them.
_PERMISSIONS = {
    "rak_invoice_read": "Invoices: read",
    "rak_plan_read": "Prices: read",
    "rak_customer_read": "Customers: read",
}
_WAYS = {"connect": "Through Stripe Connect", "app": "As a Stripe App", "restricted_key": "With a restricted key"}
_BY_OPERATOR = "By your operator"
# What is said after a redirect to the settings, by the name in its URL.
_NOTICES = {
    "declined": "You didn't connect Stripe. Nothing changed.",
    "account_replaced": "Connected to another account. The lines of the previous one stay in the table.",
}


class StripeCard(NamedTuple):
    """The content of the Stripe card. `active` is the sync in progress, `last` the last one that ended.

    `recent` are the last ones that ended, oldest first.
    """

    connection: ConnectionHealth
    verdict: Verdict
    active: ShownRun | None
    last: ShownRun | None
    recent: list[ShownRun]
    last_event_at: object
    way: str
    missing: Missing


def settings_page(problem: Mapping[str, object] | None = None, *, notice: str = "") -> str:
    """Return the settings page of the current company, with the problem that just occurred or the notice of that name.

    A notice is only a name in the URL: names that we do not know are ignored.
    """
    tools, company_id = current_tools(), principal().company_id
    with snapshot_of(tools.engine, company_id) as snapshot:
        card = _card(snapshot)
    members = problem or {}
    lacking = [_PERMISSIONS[name] for name in members.get("lacking", ()) if name in _PERMISSIONS]  # type: ignore[attr-defined]  # a list if present
    return framed_text(
        "settings/integrations.html",
        here="integrations",
        card=card,
        stripe=card.connection,
        can_connect=tools.connect is not None,
        problem=problem,
        notice=_NOTICES.get(notice),
        lacking=lacking,
    )


def _way(connection: Connection, company_id: int, health: ConnectionHealth) -> str:
    """Return how the account was connected."""
    if health.method is None:
        return ""
    return _BY_OPERATOR if authorized_by(connection, company_id) == "operator" else _WAYS[health.method]


def _card(snapshot: Snapshot) -> StripeCard:
    connection, company_id = snapshot.connection, snapshot.company_id
    health, missing = health_in(connection, company_id), missing_from(snapshot)
    runs = list_runs(connection, company_id, limit=_RECENT_SYNCS + 1)
    active = runs[0] if runs and runs[0].finished_at is None else None
    ended = [shown(connection, run) for run in runs if run is not active][:_RECENT_SYNCS]
    last = next((run for run in runs if run is not active), None)
    return StripeCard(
        health,
        verdict_on(health, last, missing),
        shown(connection, active) if active is not None else None,
        next(iter(ended), None),
        ended[::-1],
        last_recorded_at(connection, company_id, source=STRIPE_SOURCE),
        _way(connection, company_id, health),
        missing,
    )
