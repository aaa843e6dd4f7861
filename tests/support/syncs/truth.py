"""Compare the revenue table with the simulated Stripe's truth, both in one form."""

from typing import Any

from sqlalchemy import Engine, select, text

from projections.recognition.days import month_text
from projections.revenue.store.tables import revenue_line
from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.recognized import Recognized, recognized_by_month
from sandbox.stripe.account.truth import revenue_table

# Of a table that was rebuilt, the rows of the build before are kept for a while.
_IS_LIVE = text(
    "(revenue_line.company_id, revenue_line.build) IN"
    " (SELECT company_id, build FROM projection_active WHERE projection = 'revenue_lines')"
)


def truth_of(account: Account) -> list[dict[str, Any]]:
    """Return the rows that the account's company must have, sorted."""
    return sorted(revenue_table(account, livemode=True), key=_identity)


def table_of(engine: Engine, company_id: int) -> list[dict[str, object]]:
    """Return the company's live rows in the form of the truth, sorted."""
    with engine.connect() as connection:
        rows = connection.execute(
            select(revenue_line)
            .where(revenue_line.c.company_id == company_id, revenue_line.c.livemode, _IS_LIVE)
            .order_by(revenue_line.c.invoice_id, revenue_line.c.invoice_line_item_id)
        ).mappings()
        return sorted((as_truth(dict(row)) for row in rows), key=_identity)


def recognized_truth_of(account: Account) -> Recognized:
    """Return what the account's company must recognize by currency and month."""
    return recognized_by_month(account, livemode=True)


def recognized_of(engine: Engine, company_id: int) -> Recognized:
    """Return what the company recognizes of its live lines, in the form of the truth."""
    query = text("""
        SELECT currency, month, sum(earned + contra) FROM recognition_by_month
        WHERE company_id = :company_id AND livemode AND build = (
            SELECT build FROM projection_active WHERE projection = 'revenue_lines' AND company_id = :company_id)
        GROUP BY currency, month
        HAVING sum(earned + contra) <> 0 ORDER BY currency, month
    """)
    with engine.connect() as connection:
        rows = connection.execute(query, {"company_id": company_id})
        return {(currency, month_text(month)): int(amount) for currency, month, amount in rows}


def as_truth(row: dict) -> dict[str, object]:
    unit, count = row.pop("interval_unit"), row.pop("interval_count")
    start, end = row.pop("period_start"), row.pop("period_end")
    for name in ("company_id", "build", "position", "updated_at", "first_position", "customer_order"):
        del row[name]
    return row | {
        "object": "revenue_line",
        "date": row["date"].isoformat(),
        "interval": {"unit": unit, "count": count} if unit else None,
        "period": {"start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "end": f"{end:%Y-%m-%dT%H:%M:%SZ}"},
    }


def _identity(row: dict) -> tuple[str, str]:
    return row["invoice_id"], row["invoice_line_item_id"]
