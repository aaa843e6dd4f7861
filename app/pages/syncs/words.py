"""Describe syncs in the words of the pages."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from app.pages.unreadable import reason_in_words
from app.pages.wording import count
from backlog.sync_vocabulary import ERRORS, STATUSES
from backlog.syncs.requests import SyncRun

Tone = Literal["good", "warn", "bad", "calm"]

_DAY_SECONDS = 86_400
_HOUR_SECONDS, _MINUTE_SECONDS = 3600, 60


_TONES: Mapping[str, Tone] = {"succeeded": "good", "partially_succeeded": "warn", "failed": "warn"}
_ACTORS = {"operator": "the operator", "clock": "the clock"}


def status_badge(run: SyncRun) -> tuple[Tone, str]:
    """Return tone and word of a sync's status: red only if somebody has to act, amber if we retry by ourselves."""
    status = str(run.status)
    return ("bad" if has_to_act(run) else _TONES.get(status, "calm")), STATUSES[status]


def has_to_act(run: SyncRun) -> bool:
    """Return whether people have to do something before the next sync can do better."""
    if run.error_code is not None:
        return ERRORS[str(run.error_code)].has_to_act
    return any(one["kind"] == "permission_missing" for one in differences_of(run))


def differences_of(run: SyncRun) -> list[dict[str, Any]]:
    """Return the differences that remained when a sync ended."""
    found: Mapping[str, list[dict[str, Any]]] = run.reconciliation or {}
    return found.get("differences", [])


def detail_of(difference: Mapping[str, Any]) -> str | None:
    """Return the details of a difference; of what could not be read, the reason in plain words."""
    detail: str | None = difference.get("detail")
    if difference["kind"] != "unreadable" or not detail:
        return detail
    return reason_in_words(f"{difference.get('resource', 'invoice')}:", detail)


def started_by(run: SyncRun, emails: Mapping[int, str], *, interval_seconds: int) -> str:
    """Return why a sync was started."""
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
    """Return the ids of the people who started these syncs."""
    asked = (str(run.requested_by).partition(":") for run in runs)
    return {int(number) for kind, _, number in asked if kind == "user" and number.isdecimal()}


def lasted(run: SyncRun, now: datetime) -> str | None:
    """Return how long a sync has worked, up to now or to its end; None before it began."""
    if run.started_at is None:
        return None
    return duration((run.finished_at or now) - run.started_at)


def duration(span: timedelta) -> str:
    """Return a length of time as 42 s, 3 min 5 s or 2 h 10 min."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < _MINUTE_SECONDS:
        return f"{seconds} s"
    if seconds < _HOUR_SECONDS:
        return f"{seconds // _MINUTE_SECONDS} min {seconds % _MINUTE_SECONDS} s"
    return f"{seconds // _HOUR_SECONDS} h {seconds % _HOUR_SECONDS // _MINUTE_SECONDS} min"


def changes(run: SyncRun) -> str:
    """Return what a sync found new and changed."""
    if not run.invoices_new and not run.invoices_changed:
        return "Nothing new" if run.invoices_listed else "–"
    parts = ((run.invoices_new, "new"), (run.invoices_changed, "changed"))
    return ", ".join(f"{count(number)} {word}" for number, word in parts if number)


def proof(run: SyncRun) -> str | None:
    """Return how many invoices were proven to match Stripe; None when nothing was compared."""
    if run.reconciliation is None:
        return None
    matched, repaired = run.reconciliation["matched"], run.reconciliation["repaired"]
    equal = f"{count(matched)} {'invoice matches' if matched == 1 else 'invoices match'} Stripe"
    return f"{equal}; {count(repaired)} repaired" if repaired else equal


def differing(run: SyncRun) -> str | None:
    """Return how many differences remained; None without any."""
    found = len(differences_of(run))
    return f"{count(found)} {'difference' if found == 1 else 'differences'}" if found else None


def _actor(actor: str, emails: Mapping[int, str]) -> str:
    kind, _, number = actor.partition(":")
    if kind == "user":
        return emails.get(int(number), "somebody") if number.isdecimal() else "somebody"
    return "an API key" if kind == "api_key" else _ACTORS.get(actor, actor)
