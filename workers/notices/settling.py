"""Close notices about what is over without anybody having said so."""

from sqlalchemy import Engine, text

from notices.causes import MOST_CHARACTERS, close_notice, close_what_is_over, notice_causes
from notices.vocabulary import QUARANTINE_OPENED
from projections.revenue.fold import NAME
from runtime.clock import Clock

# As `list_quarantined` has it: a fact is resolved if its invoice was read since.
_IS_UNRESOLVED = text("""
    SELECT EXISTS (
        SELECT FROM projection_active a
        JOIN revenue_quarantine q ON q.company_id = a.company_id AND q.build = a.build
        WHERE a.projection = :projection AND a.company_id = :company_id AND left(q.reason, :most) = :reason
          AND NOT EXISTS (
            SELECT FROM revenue_invoice i
            WHERE i.company_id = q.company_id AND i.build = q.build AND i.livemode = q.livemode
              AND 'invoice:' || i.id = q.entity AND i.seen_at >= q.seen_at))
""")


def settle_notices(engine: Engine, clock: Clock, *, is_long: bool) -> None:
    """Close notices about connections that changed; a long settling also those about facts read since. Commits."""
    with engine.begin() as connection:
        close_what_is_over(connection, now=clock())
    if is_long:
        _settle_quarantine(engine, clock)


def _settle_quarantine(engine: Engine, clock: Clock) -> None:
    with engine.connect() as connection:
        causes = notice_causes(connection, QUARANTINE_OPENED)
    for company_id, reason in causes:
        with engine.begin() as connection:
            parameters = {"projection": NAME, "company_id": company_id, "reason": reason, "most": MOST_CHARACTERS}
            if not connection.execute(_IS_UNRESOLVED, parameters).scalar():
                close_notice(connection, company_id, QUARANTINE_OPENED, reason, now=clock())
