"""What the table knows that it lacks: lines beyond the embedded ones, prices never seen, facts that contradict."""

from typing import NamedTuple

from sqlalchemy import Connection, text

from projections.revenue_lines import NAME


class Gap(NamedTuple):
    """A thing of Stripe's that would settle it. `kind`: invoice, invoice_lines, price or customer."""

    company_id: int
    livemode: bool
    kind: str
    object_id: str


_FIND = text("""
    WITH live AS (
        SELECT a.company_id, a.build FROM projection_active a
        WHERE a.projection = :projection
          AND (CAST(:company_ids AS bigint[]) IS NULL OR a.company_id = ANY (:company_ids))
    )
    SELECT l.company_id, i.livemode, 'invoice_lines' AS kind, i.id AS object_id
    FROM live l JOIN revenue_invoice i ON i.company_id = l.company_id AND i.build = l.build
    WHERE (i.lacks_lines OR i.is_contested) AND i.lacks_lines
    UNION ALL
    SELECT l.company_id, i.livemode, 'invoice', i.id
    FROM live l JOIN revenue_invoice i ON i.company_id = l.company_id AND i.build = l.build
    WHERE (i.lacks_lines OR i.is_contested) AND i.is_contested
    UNION ALL
    SELECT l.company_id, c.livemode, 'customer', c.id
    FROM live l JOIN revenue_customer c ON c.company_id = l.company_id AND c.build = l.build
    WHERE c.is_contested
    UNION ALL
    SELECT DISTINCT l.company_id, r.livemode, 'price', r.price_id
    FROM live l JOIN revenue_line r ON r.company_id = l.company_id AND r.build = l.build
    WHERE r.type = 'unknown' AND r.price_id IS NOT NULL
    LIMIT :limit
""")


def find_gaps(connection: Connection, *, company_ids: list[int] | None = None, limit: int = 1000) -> list[Gap]:
    """Give what is lacking, of these companies or of all. Every gap closes when a fact that fills it is folded."""
    rows = connection.execute(_FIND, {"projection": NAME, "company_ids": company_ids, "limit": limit})
    return [Gap(*row) for row in rows]
