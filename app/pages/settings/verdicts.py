"""The state of a connection in one sentence, with what to do about it. Red only if people have to act."""

from typing import NamedTuple

from app.pages.syncs.words import Tone, differences_of, differing, has_to_act
from app.pages.wording import ago, coming, count, instant
from backlog.sync_vocabulary import ERRORS
from backlog.syncs.health import ConnectionHealth
from backlog.syncs.requests import SyncRun
from projections.reads.missing import MOST_COUNTED, Missing


class Verdict(NamedTuple):
    """The state of a connection: a badge and its tone, a sentence, and what to do."""

    tone: Tone
    badge: str
    says: str
    todo: str


_UNCONNECTED: dict[str, Verdict] = {
    "pending_authorization": Verdict(
        "calm",
        "Not connected",
        "No Stripe account is connected yet.",
        "Connect one to see every finalized invoice in the revenue mapping table, line by line.",
    ),
    "disconnected": Verdict(
        "calm",
        "Disconnected",
        "We no longer read from Stripe, and nothing it sends reaches the table. The table and its history are kept.",
        "Reconnect the account to resume syncs.",
    ),
    "reauthorization_required": Verdict(
        "bad",
        "Reconnect needed",
        "Stripe no longer lets us read this account, so syncs have stopped. Nothing we've read is lost.",
        "Reconnect the account to resume syncs.",
    ),
    "paused": Verdict(
        "calm",
        "Paused",
        "Syncs are paused, so we don't read from Stripe. We still receive what it sends.",
        "Resume to verify the table against Stripe again.",
    ),
}
_NOTHING_TO_DO = "No action needed"


def verdict_on(connection: ConnectionHealth, last: SyncRun | None, missing: Missing = Missing()) -> Verdict:  # noqa: B008 - immutable
    """Return the verdict on a connection. `last` is the last sync that has ended; `missing` is what the table lacks."""
    verdict = _of_syncs(connection, last)
    lacks = _lacks(missing, is_syncing=connection.health == "syncing")
    if lacks is None or connection.status != "connected":
        return verdict
    says, todo = f"{verdict.says} {lacks[0]}", lacks[1] if verdict.todo.startswith(_NOTHING_TO_DO) else verdict.todo
    if verdict.tone == "good":
        return Verdict("warn", "Incomplete", says, todo)
    return verdict._replace(says=says, todo=todo)


def _lacks(missing: Missing, *, is_syncing: bool) -> tuple[str, str] | None:
    """Return what the table lacks and what to do about it; None if nothing. A sync fetches lines by itself."""
    if missing.unread:
        what = _counted(missing.unread, "update from Stripe", "updates from Stripe")
        return f"{what} couldn't be read, so the table is incomplete.", "Review what's missing."
    if missing.incomplete and not is_syncing:
        what = _counted(missing.incomplete, "invoice still lacks", "invoices still lack")
        return f"{what} some lines. We're fetching them.", "If that takes longer than an hour, start a sync."
    return None


def _counted(number: int, one: str, several: str) -> str:
    most = "At least " if number >= MOST_COUNTED else ""
    return f"{most}{count(number)} {one if number == 1 else several}"


def _of_syncs(connection: ConnectionHealth, last: SyncRun | None) -> Verdict:
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
        says = "The first sync is running. Rows are already in the table, with more arriving every second."
        return Verdict("calm", "Syncing", says, f"{_NOTHING_TO_DO}. You can leave this page.")
    before = " The previous one failed." if last is not None and last.status == "failed" else ""
    return Verdict("calm", "Syncing", f"A sync is running.{before}", f"{_NOTHING_TO_DO}.")


def _failed(connection: ConnectionHealth, last: SyncRun) -> Verdict:
    meaning = ERRORS[str(last.error_code)]
    failed = "The last sync failed."
    if connection.health == "failing" and connection.last_success_at is not None:
        failed = f"No sync has succeeded since {instant(connection.last_success_at)}."
    if has_to_act(last):
        return Verdict("bad", "Action needed", f"{failed} {meaning.title}", meaning.what_you_can_do)
    says = f"{failed} {meaning.title} We'll try again{_next(connection)}."
    return Verdict("warn", "Retrying", says, f"{_NOTHING_TO_DO}. Nothing is lost.")


def _in_part(connection: ConnectionHealth, last: SyncRun) -> Verdict:
    says = f"The last sync read everything it could, leaving {differing(last)} from Stripe's books."
    if has_to_act(last):
        kinds = [str(one["resource"]) for one in differences_of(last) if one["kind"] == "permission_missing"]
        todo = f"Reconnect with a key or authorization that can read {' and '.join(kinds)}."
        return Verdict("bad", "Action needed", says, todo)
    return Verdict("warn", "Differences", f"{says} We'll compare again{_next(connection)}.", "See what differs.")


def _never_synced(connection: ConnectionHealth, last: SyncRun | None) -> Verdict:
    so_far = "The last sync was canceled." if last is not None else "Connected, but not synced yet."
    says = f"{so_far} The next sync starts{_next(connection)}."
    return Verdict("calm", "Never synced", says, "You can also start one now.")


def _by_age(connection: ConnectionHealth, last: SyncRun | None) -> Verdict:
    if connection.health == "healthy":
        stopped = " A later sync was canceled." if last is not None and last.status == "canceled" else ""
        return Verdict("good", "Healthy", f"{_standing(connection)}{stopped}", f"{_NOTHING_TO_DO}.")
    if connection.health == "delayed":
        says = f"{_standing(connection)} A sync is overdue; the next one starts{_next(connection)}."
        return Verdict("warn", "Delayed", says, f"{_NOTHING_TO_DO} yet. We still receive what Stripe sends.")
    todo = "Start a sync now. If it doesn't begin, ask your operator to check the worker and the clock."
    return Verdict("bad", "Failing", f"No sync has succeeded for too long. {_standing(connection)}", todo)


def _standing(connection: ConnectionHealth) -> str:
    if connection.last_success_at is None:
        return "The table has never been compared with Stripe's books."
    if connection.data_through is None:
        return f"The last sync ended {ago(connection.last_success_at)} with differences remaining."
    return f"The table matched Stripe's books {ago(connection.last_success_at)}."


def _next(connection: ConnectionHealth) -> str:
    return f" {coming(connection.next_sync_at)}" if connection.next_sync_at else " automatically"
