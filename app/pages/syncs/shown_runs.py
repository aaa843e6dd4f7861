"""A sync run as pages show it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from app.api.syncing import sync_details
from app.pages.syncs import words
from app.wiring.tools import current_tools
from backlog.sync_vocabulary import ERRORS, PHASES, SyncError
from backlog.syncs.requests import SyncRun
from events.stripe.money import EXPONENTS
from runtime.database import across_companies
from tenants.people.users import emails_of


class ShownRun(NamedTuple):
    """A sync as pages show it. `details` is its JSON as in the API, with all counts and amounts."""

    id: int
    number: int
    details: dict[str, Any]
    tone: words.Tone
    status: str
    phase: str
    why: str
    lasted: str | None
    changes: str
    proof: str | None
    differing: str | None
    error: SyncError | None
    # Until when it waits for Stripe; None while it runs.
    waits_until: datetime | None
    is_over: bool


def shown(connection: Connection, run: SyncRun, *, has_details: bool = False) -> ShownRun:
    """Return a sync as pages show it. Without details, the books by month are left out."""
    tools = current_tools()
    tone, status = words.status_badge(run)
    return ShownRun(
        id=run.id,
        number=run.number,
        details=sync_details(connection, run, has_details=has_details),
        tone=tone,
        status=status,
        phase=PHASES[str(run.phase)],
        why=words.started_by(run, {}, interval_seconds=tools.sync_interval_seconds),
        lasted=words.lasted(run, tools.clock()),
        changes=words.changes(run),
        proof=words.proof(run),
        differing=words.differing(run),
        error=ERRORS[str(run.error_code)] if run.error_code else None,
        waits_until=run.due_at if run.waits_for == "stripe" else None,
        is_over=run.finished_at is not None,
    )


def with_names(shown_runs: Sequence[ShownRun], runs: Sequence[SyncRun]) -> list[ShownRun]:
    """Return these syncs with the e-mail addresses of those who requested them, former members included."""
    tools, user_ids = current_tools(), words.user_ids(runs)
    emails = {}
    if user_ids:
        with across_companies(tools.engine) as connection:
            emails = emails_of(connection, user_ids)
    return [
        shown_run._replace(why=words.started_by(run, emails, interval_seconds=tools.sync_interval_seconds))
        for shown_run, run in zip(shown_runs, runs, strict=True)
    ]


class Books(NamedTuple):
    """The books of a sync by month, status and currency: those that differ between both sides, and the equal ones."""

    differing: list[dict[str, Any]]
    equal: list[dict[str, Any]]


def books_of(run: ShownRun) -> Books:
    """Return the books of a sync that is shown with details; none if nothing was compared."""
    found = (run.details["reconciliation"] or {}).get("books", [])
    return Books([one for one in found if not one["is_equal"]], [one for one in found if one["is_equal"]])


def exponent(currency: str) -> int | None:
    """Return the number of decimals of a currency; None for one that has not been checked."""
    return EXPONENTS.get(currency)
