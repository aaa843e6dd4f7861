"""What a page shows about the table besides its lines: how fresh it is, what is missing, and why it is empty."""

from datetime import datetime
from typing import NamedTuple

from app.connect.state import health_in
from app.pages.mapping.query import View
from backlog.syncs.health import ConnectionHealth
from events.connection.accounts import owned_account
from projections.reads.freshness import events_behind, has_changed_since, holds_mode, last_changed_at
from projections.reads.snapshots import Snapshot
from projections.reads.totals import list_currencies


class Freshness(NamedTuple):
    """How up to date the table is. `position` is its position in the log.

    `has_changed` says whether it changed since the requesting page was rendered.
    """

    position: int
    last_change: datetime | None
    events_behind: int
    is_halted: bool
    has_changed: bool
    connection: ConnectionHealth


class Choices(NamedTuple):
    """What the filters offer: currencies, most used first, whether both modes have lines, and which mode is shown.

    `connected_livemode` is the mode that syncs read; None if no account is connected.
    """

    currencies: list[str]
    has_both_modes: bool
    livemode: bool
    connected_livemode: bool | None


def freshness_of(snapshot: Snapshot, since: int) -> Freshness:
    """Return how fresh the table is, for a page that shows it as of position `since`."""
    return Freshness(
        snapshot.position,
        last_changed_at(snapshot),
        events_behind(snapshot),
        snapshot.status == "halted",
        since < snapshot.position and has_changed_since(snapshot, since),
        health_in(snapshot.connection, snapshot.company_id),
    )


def choices_of(snapshot: Snapshot, view: View) -> Choices:
    """Return the currencies and modes that the table can be filtered by."""
    account = owned_account(snapshot.connection, snapshot.company_id)
    connected = account.livemode if account else None
    livemode = bool(view.query.get("livemode", connected is not False))
    has_both_modes = holds_mode(snapshot, livemode=not livemode)
    return Choices(list_currencies(snapshot, livemode=livemode), has_both_modes, livemode, connected)


def why_empty(view: View, connection: ConnectionHealth, choices: Choices) -> str:
    """Return the reason why a view has no lines, so that the page can say what to do."""
    if view.is_filtered:
        return "filtered"
    if choices.connected_livemode is not None and choices.livemode != choices.connected_livemode:
        return "other_mode"
    if view.as_of is not None:
        return "then"
    if connection.status != "connected":
        return connection.status
    if connection.last_success_at:
        return "no_invoices"
    return {"syncing": "first_sync", "never_synced": "first_sync"}.get(connection.health, "failing")
