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
from events.intake.receive import STRIPE_SOURCE
from events.log.read import last_recorded_at
from projections.reads.snapshots import snapshot_of

_RECENT_SYNCS = 14
# Permissions as the Stripe Dashboard names them.
_PERMISSIONS = {
    "rak_invoice_read": "Invoices: read",
    "rak_plan_read": "Prices: read",
    "rak_customer_read": "Customers: read",
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


def settings_page(problem: Mapping[str, object] | None = None) -> str:
    """Return the settings page of the current company, with the problem that just occurred, if any."""
    tools, company_id = current_tools(), principal().company_id
    with snapshot_of(tools.engine, company_id) as snapshot:
        card = _card(snapshot.connection, company_id)
    members = problem or {}
    lacking = [_PERMISSIONS[name] for name in members.get("lacking", ()) if name in _PERMISSIONS]  # type: ignore[attr-defined]  # a list if present
    return framed_text(
        "settings/integrations.html",
        here="integrations",
        card=card,
        stripe=card.connection,
        can_connect=tools.connect is not None,
        problem=problem,
        lacking=lacking,
    )


def _card(connection: Connection, company_id: int) -> StripeCard:
    health = health_in(connection, company_id)
    runs = list_runs(connection, company_id, limit=_RECENT_SYNCS + 1)
    active = runs[0] if runs and runs[0].finished_at is None else None
    ended = [shown(connection, run) for run in runs if run is not active][:_RECENT_SYNCS]
    last = next((run for run in runs if run is not active), None)
    return StripeCard(
        health,
        verdict_on(health, last),
        shown(connection, active) if active is not None else None,
        next(iter(ended), None),
        ended[::-1],
        last_recorded_at(connection, company_id, source=STRIPE_SOURCE),
    )
