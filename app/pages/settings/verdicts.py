"""How a connection does, said to people in one sentence, with what to do: red only when it is their turn."""

from typing import NamedTuple

from app.pages.syncs.words import Tone, differences_of, differing, has_to_act
from app.pages.wording import ago, coming, instant
from backlog.syncs.health import ConnectionHealth
from backlog.syncs.report import ERRORS
from backlog.syncs.requests import SyncRun


class Verdict(NamedTuple):
    """How it does: a badge in its tone, what is so, and whose turn it is."""

    tone: Tone
    badge: str
    says: str
    todo: str


_UNCONNECTED: dict[str, Verdict] = {
    "pending_authorization": Verdict(
        "calm",
        "Not connected",
        "No Stripe account is connected yet.",
        "Connect one, and every completed invoice appears in the revenue mapping table, line by line.",
    ),
    "disconnected": Verdict(
        "calm",
        "Disconnected",
        "Nothing is read from Stripe, and nothing that it sends is taken in. The table and its history stay.",
        "Reconnect the account, and syncs resume.",
    ),
    "reauthorization_required": Verdict(
        "bad",
        "Reconnect needed",
        "Stripe no longer lets us read this account, so syncs have stopped. Nothing that was read is lost.",
        "Reconnect the account, and syncs resume.",
    ),
    "paused": Verdict(
        "calm",
        "Paused",
        "Syncs are paused: Stripe is asked for nothing. What it sends by itself is still taken in.",
        "Resume when you want the table to be proven complete again.",
    ),
}
_NOTHING_TO_DO = "You need not do anything"


def verdict_on(connection: ConnectionHealth, last: SyncRun | None) -> Verdict:
    """Say how a connection does. `last` is the last sync that has ended."""
    if connection.status in _UNCONNECTED:
        return _UNCONNECTED[connection.status]
    if connection.health == "syncing":
        return _syncing(connection, last)
    if last is not None and last.status == "failed":
        return _failed(connection, last)
    if last is not None and last.status == "partially_succeeded":
        return _in_part(connection, last)
    if connection.health == "never_synced":
        return _never_synced(connection, last)
    return _by_age(connection, last)


def _syncing(connection: ConnectionHealth, last: SyncRun | None) -> Verdict:
    if connection.last_success_at is None and last is None:
        says = "The first sync is running. Rows are in the table already, and more arrive by the second."
        return Verdict("calm", "Syncing", says, f"{_NOTHING_TO_DO}, and you may leave this page.")
    before = " The one before failed." if last is not None and last.status == "failed" else ""
    return Verdict("calm", "Syncing", f"A sync is running.{before}", f"{_NOTHING_TO_DO}.")


def _failed(connection: ConnectionHealth, last: SyncRun) -> Verdict:
    meaning = ERRORS[str(last.error_code)]
    failed = "The last sync failed."
    if connection.health == "failing" and connection.last_success_at is not None:
        failed = f"No sync has ended well since {instant(connection.last_success_at)}."
    if has_to_act(last):
        return Verdict("bad", "Action needed", f"{failed} {meaning.title}", meaning.what_you_can_do)
    says = f"{failed} {meaning.title} We try again{_next(connection)}."
    return Verdict("warn", "Trying again", says, f"{_NOTHING_TO_DO}: nothing is lost.")


def _in_part(connection: ConnectionHealth, last: SyncRun) -> Verdict:
    says = f"The last sync read all it could; {differing(last)} from Stripe's books stayed."
    if has_to_act(last):
        kinds = [str(one["resource"]) for one in differences_of(last) if one["kind"] == "permission_missing"]
        todo = f"Reconnect with a key or an authorization that may read {' and '.join(kinds)}."
        return Verdict("bad", "Action needed", says, todo)
    return Verdict("warn", "Differences", f"{says} We compare again{_next(connection)}.", "See what differs.")


def _never_synced(connection: ConnectionHealth, last: SyncRun | None) -> Verdict:
    so_far = "The last sync was canceled before its end." if last is not None else "Connected, and never synced yet."
    return Verdict("calm", "Never synced", f"{so_far} The next one starts{_next(connection)}.", "Or start it now.")


def _by_age(connection: ConnectionHealth, last: SyncRun | None) -> Verdict:
    if connection.health == "healthy":
        stopped = " A sync since then was canceled." if last is not None and last.status == "canceled" else ""
        return Verdict("good", "Healthy", f"{_standing(connection)}{stopped}", f"{_NOTHING_TO_DO}.")
    if connection.health == "delayed":
        says = f"{_standing(connection)} That is longer ago than it should be; the next sync starts{_next(connection)}."
        return Verdict("warn", "Delayed", says, f"{_NOTHING_TO_DO} yet: what Stripe sends still arrives.")
    todo = "Start a sync now. If none begins, have whoever runs this installation look at the worker and the clock."
    return Verdict("bad", "Failing", f"No sync has ended well for too long. {_standing(connection)}", todo)


def _standing(connection: ConnectionHealth) -> str:
    if connection.last_success_at is None:
        return "The table was never compared with Stripe's books."
    if connection.data_through is None:
        return f"The last sync ended {ago(connection.last_success_at)}, and differences stayed."
    return f"The table was proven to equal Stripe's books {ago(connection.last_success_at)}."


def _next(connection: ConnectionHealth) -> str:
    return f" {coming(connection.next_sync_at)}" if connection.next_sync_at else " by itself"
