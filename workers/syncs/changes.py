"""Count the invoices that a run found new or changed: each once, however often it was seen. Commits nothing."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from backlog.sync_vocabulary import COUNTS
from events.log.append import NewEvent
from projections.reads.effects import Compared, Effect

_COUNT = text(f"""
    UPDATE sync_run SET {", ".join(f"{name} = {name} + :{name}" for name in COUNTS)},
        -- What the first run lists is not repaired by it: there was nothing yet that could have been wrong.
        repaired = repaired + CASE WHEN phase = 'listing' AND trigger = 'initial' THEN 0
                                   ELSE :invoices_new + :invoices_changed END
    WHERE company_id = :company_id AND status = 'running'
""")  # noqa: S608 - our own columns
_NOTE = text("""
    WITH noted AS (
        INSERT INTO sync_change (run_id, company_id, invoice, effect)
        SELECT r.id, r.company_id, c.invoice, c.effect
        FROM unnest(CAST(:invoice AS text[]), CAST(:effect AS text[])) AS c (invoice, effect)
        JOIN sync_run r ON r.company_id = :company_id AND r.status = 'running'
        ON CONFLICT DO NOTHING RETURNING effect
    )
    SELECT count(*) FILTER (WHERE effect = 'new') AS invoices_new,
           count(*) FILTER (WHERE effect = 'changed') AS invoices_changed
    FROM noted
""")


def note_changes(connection: Connection, company_id: int, facts: Sequence[tuple[NewEvent, Compared]]) -> None:
    """Count the invoices that these facts make new or change, for the company's run under way, if there is one.

    Of several facts about an invoice, in the order in which they were compared, the first one counts.
    """
    found = {
        fact.entity: one.effect.value
        for fact, one in reversed(facts)
        if one.effect is not Effect.NOTHING and (one.invoice is not None or one.unreadable is not None)
    }
    if found:
        parameters = {"company_id": company_id, "invoice": list(found), "effect": list(found.values())}
        count(connection, company_id, **connection.execute(_NOTE, parameters).one()._asdict())


def count(connection: Connection, company_id: int, **counts: int) -> None:
    """Add to the counts of the company's run under way, if there is one."""
    if any(counts.values()):
        connection.execute(_COUNT, dict.fromkeys(COUNTS, 0) | counts | {"company_id": company_id})
