"""What a page shows about the table besides its lines: how fresh it is, what is missing, and why it is empty."""

from datetime import datetime
from typing import NamedTuple

from app.connect.state import health_in
from app.pages.mapping.query import View
from backlog.syncs.health import ConnectionHealth
from events.connection.accounts import owned_account
from mapping.streams import streams_at
from projections.mapping.decisions.streams import Stream
from projections.reads.freshness import events_behind, has_changed_since, holds_mode, last_changed_at
from projections.reads.snapshots import Snapshot
from projections.reads.table.totals import list_currencies


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

    `connected_livemode` is the mode that syncs read; None if no account is connected. `streams` are all there are.
    """

    currencies: list[str]
    has_both_modes: bool
    livemode: bool
    connected_livemode: bool | None
    streams: dict[str, Stream]

    @property
    def stream_choices(self) -> list[tuple[str, str]]:
        """Return streams with their names, for a choice."""
        names = ((stream_id, stream.name) for stream_id, stream in self.streams.items())
        return sorted(names, key=lambda named: named[1].casefold())

    @property
    def stream_names(self) -> dict[str, str]:
        """Return the names of streams and plans, by their ids."""
        plans = {plan_id: plan.name for stream in self.streams.values() for plan_id, plan in stream.plans.items()}
        return {stream_id: stream.name for stream_id, stream in self.streams.items()} | plans


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
    """Return the currencies, modes and streams that the table can be filtered by."""
    account = owned_account(snapshot.connection, snapshot.company_id)
    connected = account.livemode if account else None
    livemode = bool(view.query.get("livemode", connected is not False))
    has_both_modes = holds_mode(snapshot, livemode=not livemode)
    streams = streams_at(snapshot.connection, snapshot.company_id)
    return Choices(list_currencies(snapshot, livemode=livemode), has_both_modes, livemode, connected, streams)


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
