"""Read which of Stripe's lists the last sync that ended with a comparison was not permitted to read."""

from sqlalchemy import Connection, text

_NOTICES = text("""
    SELECT notice ->> 'resource' FROM (
        SELECT reconciliation FROM sync_run
        WHERE company_id = :company_id AND livemode = :livemode AND reconciliation IS NOT NULL
        ORDER BY id DESC LIMIT 1
    ) last, jsonb_array_elements(coalesce(reconciliation -> 'notices', '[]')) notice
""")


def unread_lists(connection: Connection, company_id: int, *, livemode: bool) -> frozenset[str]:
    """Return the names of these lists, as in `backlog.sync_vocabulary.OPTIONAL`."""
    return frozenset(connection.scalars(_NOTICES, {"company_id": company_id, "livemode": livemode}))
