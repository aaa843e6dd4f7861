"""A sync as pages show it: its row beside what is said of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from app.api.syncing import told_of
from app.pages.syncs import words
from app.wiring.tools import current_tools
from backlog.syncs.requests import SyncRun
from events.stripe.money import EXPONENTS
from runtime.database import as_owner
from tenants.users import emails_of


class ShownRun(NamedTuple):
    """What pages tell of a sync; amounts and counts are the contract's, in `told`."""

    id: int
    told: dict[str, Any]
    tone: words.Tone
    status: str
    phase: str
    why: str
    lasted: str | None
    changes: str
    proof: str | None
    differing: str | None
    error: words.ErrorWords | None
    # Until when it waits for Stripe; None while it works.
    waits_until: datetime | None
    is_over: bool


def shown(connection: Connection, run: SyncRun, *, has_details: bool = False) -> ShownRun:
    """Give a sync as pages show it; without details no books."""
    tools = current_tools()
    tone, status = words.status_badge(run)
    return ShownRun(
        id=run.id,
        told=told_of(connection, run, has_details=has_details),
        tone=tone,
        status=status,
        phase=words.PHASES[str(run.phase)],
        why=words.started_by(run, {}, interval_seconds=tools.sync_interval_seconds),
        lasted=words.lasted(run, tools.clock()),
        changes=words.changes(run),
        proof=words.proof(run),
        differing=words.differing(run),
        error=words.ERRORS[str(run.error_code)] if run.error_code else None,
        waits_until=run.due_at if run.waits_for == "stripe" else None,
        is_over=run.finished_at is not None,
    )


def with_names(shown_runs: Sequence[ShownRun], runs: Sequence[SyncRun]) -> list[ShownRun]:
    """Say by name who asked for these syncs, also of people who are no members any more."""
    tools, asked = current_tools(), words.user_ids(runs)
    emails = {}
    if asked:
        with as_owner(tools.engine) as connection:
            emails = emails_of(connection, asked)
    return [
        told._replace(why=words.started_by(run, emails, interval_seconds=tools.sync_interval_seconds))
        for told, run in zip(shown_runs, runs, strict=True)
    ]


def exponent(currency: str) -> int | None:
    """Give the decimals of a currency for an amount on a page; None for one nobody has checked."""
    return EXPONENTS.get(currency)
