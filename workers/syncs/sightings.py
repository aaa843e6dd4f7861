"""Record what Stripe's API last showed of each invoice, for the proof to compare with the table. Commits nothing."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from events.stripe.observations import InvoiceLinesSeen, InvoiceSeen, Line
from events.stripe.subtotal import Subtotal
from stripe_gateway.pages import Listed

_UPSERT = text("""
    WITH shown AS (
        SELECT * FROM unnest(
            CAST(:invoice_id AS text[]), CAST(:created AS bigint[]), CAST(:status AS text[]), CAST(:currency AS text[]),
            CAST(:line_count AS integer[]), CAST(:amount AS numeric[]), CAST(:lines_digest AS text[]),
            CAST(:unreadable AS text[]), CAST(:subtotal AS numeric[]), CAST(:line_discounts AS numeric[]))
            AS s (invoice_id, created, status, currency, line_count, amount, lines_digest, unreadable, subtotal,
                  line_discounts)
    ), written AS (
        INSERT INTO sync_sighting AS k (company_id, livemode, invoice_id, run_id, created, status, currency, line_count,
                                        amount, lines_digest, unreadable, subtotal, line_discounts)
        SELECT :company_id, :livemode, invoice_id, :run_id, created, status, currency, line_count, amount, lines_digest,
               unreadable, subtotal, line_discounts
        FROM shown ORDER BY invoice_id
        ON CONFLICT (company_id, livemode, invoice_id) DO UPDATE SET
            run_id = excluded.run_id, created = excluded.created, status = excluded.status,
            currency = excluded.currency, unreadable = excluded.unreadable, line_count = excluded.line_count,
            subtotal = excluded.subtotal,
            -- Lines are frozen: what was shown completely once is valid while their number is the same.
            amount = coalesce(excluded.amount, CASE WHEN k.line_count = excluded.line_count THEN k.amount END),
            lines_digest = coalesce(excluded.lines_digest,
                                    CASE WHEN k.line_count = excluded.line_count THEN k.lines_digest END),
            line_discounts = coalesce(excluded.line_discounts,
                                      CASE WHEN k.line_count = excluded.line_count THEN k.line_discounts END),
            times_shown = CASE WHEN k.run_id = excluded.run_id THEN k.times_shown + 1 ELSE 1 END
        RETURNING line_count, times_shown
    )
    SELECT count(*) AS invoices, coalesce(sum(line_count), 0) AS lines FROM written WHERE times_shown = 1
""")
# The line count of the invoice itself wins, if it has one: pages of lines can end too early.
_LINES = text("""
    UPDATE sync_sighting SET line_count = coalesce(line_count, :line_count), amount = :amount,
        lines_digest = :lines_digest, line_discounts = :line_discounts
    WHERE company_id = :company_id AND livemode = :livemode AND invoice_id = :invoice_id
""")


class Shown(NamedTuple):
    """An invoice as shown by a list or an answer. `seen` is our reading; without one, `unreadable` says why."""

    listed: Listed
    seen: InvoiceSeen | None
    unreadable: str | None
    subtotal: Subtotal


class FirstShown(NamedTuple):
    """How many invoices, with how many lines, were shown to the run for the first time."""

    invoices: int
    lines: int


def note_shown(
    connection: Connection, company_id: int, run_id: int, shown: Sequence[Shown], *, livemode: bool
) -> FirstShown:
    """Record what was shown to a run; return the counts of what was new to it. Safe to repeat."""
    if not shown:
        return FirstShown(0, 0)
    whole = [one.seen.lines if one.seen and one.seen.is_complete else None for one in shown]
    counts = [
        len(lines) if lines is not None else _declared_lines(one) for one, lines in zip(shown, whole, strict=True)
    ]
    row = connection.execute(
        _UPSERT,
        {
            "company_id": company_id,
            "livemode": livemode,
            "run_id": run_id,
            "invoice_id": [one.listed.id for one in shown],
            "created": [one.listed.created for one in shown],
            "status": [one.listed.status or "" for one in shown],
            "currency": [one.listed.currency or "" for one in shown],
            "line_count": counts,
            "amount": [None if lines is None else amount_of(lines) for lines in whole],
            "lines_digest": [None if lines is None else digest_of(lines) for lines in whole],
            "unreadable": [one.unreadable for one in shown],
            "subtotal": [one.subtotal.amount for one in shown],
            "line_discounts": [
                None if lines is None else one.subtotal.line_discounts for one, lines in zip(shown, whole, strict=True)
            ],
        },
    ).one()
    return FirstShown(row.invoices, row.lines)


def note_lines(
    connection: Connection, company_id: int, seen: InvoiceLinesSeen, *, line_discounts: int | None, livemode: bool
) -> None:
    """Record the complete lines of an invoice that was shown before. Safe to repeat."""
    lines, invoice_id = seen.lines, seen.invoice_id
    values = {"line_count": len(lines), "amount": amount_of(lines), "lines_digest": digest_of(lines)}
    values["line_discounts"] = line_discounts
    key = {"company_id": company_id, "livemode": livemode, "invoice_id": invoice_id}
    connection.execute(_LINES, values | key)


def amount_of(lines: tuple[Line, ...]) -> int:
    """Return the sum of an invoice's lines, which share one currency, in its minor units."""
    return sum(line.amount for line in lines)


def digest_of(lines: tuple[Line, ...]) -> str:
    """Return a digest of the lines' ids and money; `reconciliation` computes the same from the table's rows."""
    parts = (
        f"{one.line_id}:{one.amount}:{one.discount_amount}:{one.tax_amount}:{one.currency}"
        for one in sorted(lines, key=lambda line: line.line_id)
    )
    return hashlib.md5(",".join(parts).encode(), usedforsecurity=False).hexdigest()


def _declared_lines(one: Shown) -> int | None:
    return one.listed.lines.total_count if one.listed.lines else None
