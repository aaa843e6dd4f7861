"""What a sync is, does and came to, in words that people read."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from app.pages.wording import count
from backlog.syncs.requests import SyncRun

Tone = Literal["good", "warn", "bad", "calm"]

_DAY_SECONDS = 86_400
_HOUR_SECONDS, _MINUTE_SECONDS = 3600, 60


class ErrorWords(NamedTuple):
    """Whether whoever reads it has to act, and what we do about it by ourselves."""

    has_to_act: bool
    what_we_do: str


_RETRIED_IN_VAIN = "We try again by ourselves, less and less often; until this is mended it fails again."
ERRORS: Mapping[str, ErrorWords] = {
    "stripe_unavailable": ErrorWords(
        has_to_act=False, what_we_do="We try again by ourselves, soon at first, and go on where this sync stopped."
    ),
    "stripe_key_refused": ErrorWords(has_to_act=True, what_we_do=_RETRIED_IN_VAIN),
    "account_access_lost": ErrorWords(has_to_act=True, what_we_do="We have stopped asking Stripe for this account."),
    "permission_missing": ErrorWords(has_to_act=True, what_we_do=_RETRIED_IN_VAIN),
    "projection_halted": ErrorWords(has_to_act=True, what_we_do=_RETRIED_IN_VAIN),
    "worker_crashed": ErrorWords(has_to_act=True, what_we_do=_RETRIED_IN_VAIN),
}
PHASES = {
    "queued": "Waiting for its turn",
    "listing": "Reading invoices from Stripe",
    "fetching": "Fetching what is still missing",
    "proving": "Comparing the table with Stripe's books",
    "finished": "Finished",
}
DIFFERENCES = {
    "missing": "Missing in the table",
    "status_differs": "The status differs",
    "lines_differ": "The lines differ",
    "not_shown_by_stripe": "Stripe does not show it",
    "unreadable": "Cannot be read",
    "not_fetched": "Could not be fetched",
    "permission_missing": "Not permitted",
}
_STATUSES: Mapping[str, tuple[Tone, str]] = {
    "queued": ("calm", "Queued"),
    "running": ("calm", "Running"),
    "succeeded": ("good", "Succeeded"),
    "partially_succeeded": ("warn", "Succeeded in part"),
    "failed": ("warn", "Failed"),
    "canceled": ("calm", "Canceled"),
}
_ACTORS = {"operator": "the operator", "clock": "the clock"}


def status_badge(run: SyncRun) -> tuple[Tone, str]:
    """Give tone and word of a sync's status: red only if somebody has to act, amber if we go on by ourselves."""
    tone, word = _STATUSES[str(run.status)]
    return ("bad" if has_to_act(run) else tone), word


def has_to_act(run: SyncRun) -> bool:
    """Tell whether people have to do something before the next sync can do better."""
    if run.error_code is not None:
        return ERRORS[str(run.error_code)].has_to_act
    return any(one["kind"] == "permission_missing" for one in differences_of(run))


def differences_of(run: SyncRun) -> list[dict[str, Any]]:
    """Give what differed when a sync ended."""
    found: Mapping[str, list[dict[str, Any]]] = run.reconciliation or {}
    return found.get("differences", [])


def started_by(run: SyncRun, emails: Mapping[int, str], *, interval_seconds: int) -> str:
    """Say why there is a sync: somebody asked for it, or it was time."""
    match run.trigger:
        case "initial":
            return "First sync"
        case "scheduled":
            return "Daily" if interval_seconds == _DAY_SECONDS else "On schedule"
        case "reauthorization":
            return "After reconnecting"
        case _:
            return f"Initiated by {_actor(str(run.requested_by), emails)}"


def user_ids(runs: Sequence[SyncRun]) -> set[int]:
    """Give the people who asked for these syncs."""
    asked = (str(run.requested_by).partition(":") for run in runs)
    return {int(number) for kind, _, number in asked if kind == "user" and number.isdecimal()}


def lasted(run: SyncRun, now: datetime) -> str | None:
    """Say how long a sync has worked, up to now or to its end; None before it began."""
    if run.started_at is None:
        return None
    return duration((run.finished_at or now) - run.started_at)


def duration(span: timedelta) -> str:
    """Write a length of time as 42 s, 3 min 5 s or 2 h 10 min."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < _MINUTE_SECONDS:
        return f"{seconds} s"
    if seconds < _HOUR_SECONDS:
        return f"{seconds // _MINUTE_SECONDS} min {seconds % _MINUTE_SECONDS} s"
    return f"{seconds // _HOUR_SECONDS} h {seconds % _HOUR_SECONDS // _MINUTE_SECONDS} min"


def changes(run: SyncRun) -> str:
    """Say what a sync found new and changed."""
    if not run.invoices_new and not run.invoices_changed:
        return "Nothing new" if run.invoices_listed else "–"
    parts = ((run.invoices_new, "new"), (run.invoices_changed, "changed"))
    return ", ".join(f"{count(number)} {word}" for number, word in parts if number)


def proof(run: SyncRun) -> str | None:
    """Say how many invoices were proven to be equal to Stripe's books; None when nothing was compared."""
    if run.reconciliation is None:
        return None
    matched, repaired = run.reconciliation["matched"], run.reconciliation["repaired"]
    equal = f"{_invoices(matched)} equal to Stripe's books"
    return f"{equal}; {count(repaired)} repaired" if repaired else equal


def differing(run: SyncRun) -> str | None:
    """Say how much differed; None when nothing did."""
    found = len(differences_of(run))
    return f"{count(found)} {'difference' if found == 1 else 'differences'}" if found else None


def _invoices(number: int) -> str:
    return f"{count(number)} {'invoice' if number == 1 else 'invoices'}"


def _actor(actor: str, emails: Mapping[int, str]) -> str:
    kind, _, number = actor.partition(":")
    if kind == "user":
        return emails.get(int(number), "somebody") if number.isdecimal() else "somebody"
    return "an API key" if kind == "api_key" else _ACTORS.get(actor, actor)
