"""Record what Stripe's API last showed of each credit note, and compare it with the table. Commits nothing."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import NamedTuple

from sqlalchemy import Connection, text

from events.connection.accounts import Account
from events.intake.receive import STRIPE_SOURCE
from events.stripe.observations import CreditNoteSeen
from projections.revenue.credit_notes import digest_of
from stripe_gateway.pages import Listed
from workers.syncs.differences import MOST_DIFFERENCES, NoteDifference

_UPSERT = text("""
    INSERT INTO sync_credit_note_sighting AS k (company_id, livemode, credit_note_id, run_id, status, amount,
                                                lines_digest, unreadable)
    SELECT :company_id, :livemode, credit_note_id, :run_id, status, amount, lines_digest, unreadable
    FROM unnest(
        CAST(:credit_note_id AS text[]), CAST(:status AS text[]), CAST(:amount AS bigint[]),
        CAST(:lines_digest AS text[]), CAST(:unreadable AS text[]))
        AS s (credit_note_id, status, amount, lines_digest, unreadable)
    ORDER BY credit_note_id
    ON CONFLICT (company_id, livemode, credit_note_id) DO UPDATE SET
        run_id = excluded.run_id, status = excluded.status, amount = excluded.amount, unreadable = excluded.unreadable,
        -- Lines are frozen: what was shown completely once stays valid.
        lines_digest = coalesce(excluded.lines_digest, k.lines_digest)
""")
_LINES = text("""
    UPDATE sync_credit_note_sighting SET lines_digest = :lines_digest
    WHERE company_id = :company_id AND livemode = :livemode AND credit_note_id = :credit_note_id
""")
# One row for every credit note that Stripe showed or the table has and that differs. What Stripe did not show is
# compared only if this account's facts tell of it, as invoices are.
_DIFFERENCES = text("""
    WITH live AS (
        SELECT build FROM projection_active WHERE projection = 'revenue_lines' AND company_id = :company_id
    ), ours AS (
        SELECT r.* FROM revenue_credit_note r JOIN live ON live.build = r.build
        WHERE r.company_id = :company_id AND r.livemode = :livemode
    ), theirs AS (
        SELECT * FROM sync_credit_note_sighting
        WHERE company_id = :company_id AND livemode = :livemode AND run_id = :run_id
    ), compared AS (
        SELECT coalesce(s.credit_note_id, o.credit_note_id) AS credit_note_id, s.unreadable,
               coalesce(o.invoice_id, '') AS invoice_id,
               CASE WHEN s.credit_note_id IS NULL THEN 'not_shown_by_stripe'
                    WHEN s.unreadable IS NOT NULL THEN 'unreadable'
                    WHEN o.credit_note_id IS NULL THEN 'missing'
                    WHEN o.status <> s.status THEN 'status_differs'
                    WHEN NOT o.is_complete OR o.amount <> s.amount OR o.lines_digest <> s.lines_digest
                        THEN 'lines_differ'
               END AS kind
        FROM theirs s FULL JOIN ours o ON o.credit_note_id = s.credit_note_id
        WHERE s.credit_note_id IS NOT NULL OR (
            SELECT true FROM event e WHERE e.entity = 'credit_note:' || o.credit_note_id
                AND e.company_id = :company_id AND e.account_id = :account_id LIMIT 1)
    )
    SELECT credit_note_id, kind, unreadable, kind <> 'unreadable' AND coalesce((
        SELECT true FROM event e WHERE e.entity = 'credit_note:' || credit_note_id AND e.company_id = :company_id
            AND e.position > :since AND e.source = :source LIMIT 1), false) AS is_moving
    FROM compared
    WHERE kind IS NOT NULL ORDER BY credit_note_id COLLATE "C", invoice_id COLLATE "C" LIMIT :most
""")


class NoteShown(NamedTuple):
    """A credit note as Stripe's API showed it, and as the projection reads it, or why it cannot."""

    listed: Listed
    seen: CreditNoteSeen | None
    unreadable: str | None


def note_credit_notes(
    connection: Connection, company_id: int, run_id: int, shown: Sequence[NoteShown], *, livemode: bool
) -> None:
    """Record what Stripe showed of these credit notes. Safe to repeat."""
    seen = {one.listed.id: one for one in shown}
    columns = {
        "credit_note_id": list(seen),
        "status": [one.listed.status or "" for one in seen.values()],
        "amount": [one.seen.header.amount if one.seen else None for one in seen.values()],
        "lines_digest": [
            digest_of(one.seen.lines) if one.seen and one.seen.is_complete else None for one in seen.values()
        ],
        "unreadable": [one.unreadable for one in seen.values()],
    }
    if seen:
        connection.execute(_UPSERT, {"company_id": company_id, "livemode": livemode, "run_id": run_id, **columns})


def note_credit_note_lines(
    connection: Connection, company_id: int, note_id: str, lines_digest: str, *, livemode: bool
) -> None:
    """Record a digest of all lines of a credit note that was shown before."""
    key = {"company_id": company_id, "livemode": livemode, "credit_note_id": note_id}
    connection.execute(_LINES, {**key, "lines_digest": lines_digest})


def credit_note_differences(
    connection: Connection, company_id: int, run_id: int, account: Account, *, since: int | None
) -> tuple[list[NoteDifference], list[str]]:
    """Compare the table's credit notes with those that Stripe showed of the account.

    Return the differences, and the ids of those left out because webhooks tell of them after position `since`. The
    table must have folded the log as for `prove`.
    """
    parameters = {"company_id": company_id, "run_id": run_id, **asdict(account), "most": MOST_DIFFERENCES}
    rows = connection.execute(_DIFFERENCES, {**parameters, "since": since, "source": STRIPE_SOURCE}).all()
    standing = [NoteDifference(row.kind, row.credit_note_id, row.unreadable) for row in rows if not row.is_moving]
    return standing, [row.credit_note_id for row in rows if row.is_moving]
