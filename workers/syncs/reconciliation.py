"""The proof: compare the invoices and lines that Stripe showed a run with the table, row set against row set."""

from dataclasses import asdict
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from events.connection.accounts import Account
from events.intake.receive import STRIPE_SOURCE
from workers.syncs.differences import MOST_DIFFERENCES, Difference, SubtotalDifference

# One row for every invoice that Stripe showed or the table has; `kind` names the difference. An invoice that Stripe did
# not show completely is compared by what it did show. What Stripe did not show is compared only if this account's facts
# tell of it: the invoices of an account that was connected before stay in the table, and this one does not list them.
# What differs and was changed by webhooks since the proof before was asked of Stripe too early: it is not judged.
_COMPARE = text("""
    CREATE TEMPORARY TABLE proof ON COMMIT DROP AS
    WITH live AS (
        SELECT build FROM projection_active WHERE projection = 'revenue_lines' AND company_id = :company_id
    ), ours AS (
        SELECT r.invoice_id, min(r.invoice_status) AS status, min(r.currency) AS currency,
               bool_and(r.invoice_complete) AS is_complete,
               count(*)::integer AS lines, sum(r.amount) AS amount, sum(r.discount_amount) AS discounts,
               md5(string_agg(concat_ws(':', r.invoice_line_item_id, r.amount, r.discount_amount, r.tax_amount,
                                        r.currency), ',' ORDER BY r.invoice_line_item_id COLLATE "C")) AS digest
        FROM revenue_line r JOIN live ON live.build = r.build
        WHERE r.company_id = :company_id AND r.livemode = :livemode GROUP BY r.invoice_id
    ), theirs AS (
        SELECT * FROM sync_sighting
        WHERE company_id = :company_id AND livemode = :livemode AND run_id = :run_id
    ), compared AS (
        SELECT coalesce(s.invoice_id, o.invoice_id) AS invoice_id, s.created, s.status,
               coalesce(s.currency, o.currency) AS currency,
               coalesce(s.line_count, o.lines, 0) AS lines, coalesce(s.amount, o.amount, 0) AS amount,
               o.status AS our_status, coalesce(o.lines, 0) AS our_lines, coalesce(o.amount, 0) AS our_amount,
               s.unreadable, s.subtotal, sums.lines_subtotal,
               s.subtotal NOT IN (sums.amount, sums.lines_subtotal) AS differs_from_subtotal,
               CASE WHEN s.invoice_id IS NULL THEN 'not_shown_by_stripe'
                    WHEN s.unreadable IS NOT NULL THEN 'unreadable'
                    WHEN o.invoice_id IS NULL AND s.line_count IS DISTINCT FROM 0 THEN 'missing'
                    WHEN o.status <> s.status THEN 'status_differs'
                    WHEN NOT o.is_complete OR o.lines <> s.line_count OR o.amount <> s.amount
                        OR o.digest <> s.lines_digest THEN 'lines_differ'
               END AS kind
        FROM theirs s FULL JOIN ours o ON o.invoice_id = s.invoice_id
        -- Where nobody tells which discounts are of single lines, and there are some, the subtotal is not judged.
        CROSS JOIN LATERAL (SELECT
            coalesce(o.amount, 0) AS amount,
            coalesce(o.amount, 0) - coalesce(s.line_discounts, CASE WHEN coalesce(o.discounts, 0) = 0 THEN 0 END)
                AS lines_subtotal
        ) sums
        WHERE s.invoice_id IS NOT NULL OR (
            SELECT true FROM event e WHERE e.entity = 'invoice:' || o.invoice_id AND e.company_id = :company_id
                AND e.account_id = :account_id LIMIT 1)
    )
    SELECT *, kind IS NOT NULL AND kind <> 'unreadable' AND coalesce((
        SELECT true FROM event e WHERE e.entity = 'invoice:' || invoice_id AND e.company_id = :company_id
            AND e.position > :since AND e.source = :source LIMIT 1), false) AS is_moving
    FROM compared
""")
_MOVING = text('SELECT invoice_id FROM proof WHERE is_moving ORDER BY invoice_id COLLATE "C"')
_DIFFERENCES = text("""
    SELECT invoice_id, kind, status, lines, amount, our_status, our_lines, our_amount, unreadable, currency
    FROM proof WHERE kind IS NOT NULL AND NOT is_moving ORDER BY invoice_id COLLATE "C" LIMIT :most
""")
# Where the lines are equal on both sides, and yet are not all that the invoice says.
_SUBTOTALS_THAT_DIFFER = text("""
    SELECT invoice_id, currency, subtotal::bigint, lines_subtotal::bigint
    FROM proof WHERE kind IS NULL AND differs_from_subtotal ORDER BY invoice_id COLLATE "C" LIMIT :most
""")
_BOOKS = text("""
    SELECT to_char(to_timestamp(created) AT TIME ZONE 'UTC', 'YYYY-MM') AS month, status, currency,
           count(*) AS invoices, sum(lines)::bigint AS lines, sum(amount) AS amount,
           count(our_status) AS our_invoices, sum(our_lines)::bigint AS our_lines, sum(our_amount) AS our_amount,
           bool_and(kind IS NULL) AS is_equal
    FROM proof WHERE created IS NOT NULL AND NOT is_moving GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3
""")
_COUNTS = text(
    "SELECT count(*) FILTER (WHERE kind IS NULL) AS matched, count(kind) AS differing FROM proof WHERE NOT is_moving"
)
_NO_TIME_LIMIT = text("SET LOCAL statement_timeout = 0")


class Proof(NamedTuple):
    """How many invoices match and how many differ, the first of them, and the books of both sides by month.

    `subtotals`: the first that match but do not add up to their own subtotals. `moving`: the invoices left out.
    """

    matched: int
    differing: int
    differences: list[Difference]
    moving: list[str]
    subtotals: list[SubtotalDifference]
    books: list[dict[str, object]]


def prove(connection: Connection, company_id: int, run_id: int, account: Account, *, since: int | None) -> Proof:
    """Compare the table with what Stripe showed of the account. Commits nothing.

    Invoices that differ and were changed by webhooks after the position `since` are left out; None leaves none out. The
    table must have folded the log up to the position that the next proof is given as `since`.
    """
    connection.execute(_NO_TIME_LIMIT)
    of_run = {"company_id": company_id, "run_id": run_id, "since": since, "source": STRIPE_SOURCE, **asdict(account)}
    connection.execute(_COMPARE, of_run)
    counts = connection.execute(_COUNTS).one()
    most = {"most": MOST_DIFFERENCES}
    differences = [_difference(row) for row in connection.execute(_DIFFERENCES, most)]
    subtotals = [SubtotalDifference(*row) for row in connection.execute(_SUBTOTALS_THAT_DIFFER, most)]
    moving = list(connection.scalars(_MOVING))
    books = [_book(row) for row in connection.execute(_BOOKS)]
    return Proof(counts.matched, counts.differing, differences, moving, subtotals, books)


def _difference(row: Row[Any]) -> Difference:
    at_stripe = _side(row.status, row.lines, row.amount) if row.status is not None else None
    in_table = _side(row.our_status, row.our_lines, row.our_amount) if row.our_status is not None else None
    return Difference(row.kind, row.invoice_id, at_stripe, in_table, row.unreadable, row.currency)


def _side(status: str, lines: int, amount: Decimal | int) -> dict[str, object]:
    return {"status": status, "lines": lines, "amount": int(amount)}


def _book(row: Row[Any]) -> dict[str, object]:
    ours = {"invoices": row.our_invoices, "lines": row.our_lines, "amount": int(row.our_amount)}
    theirs = {"invoices": row.invoices, "lines": row.lines, "amount": int(row.amount)}
    cell = {"month": row.month, "status": row.status, "currency": row.currency}
    return {**cell, "stripe": theirs, "table": ours, "is_equal": row.is_equal}
