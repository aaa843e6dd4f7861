"""Close notices about what is over without anybody having said so."""

from sqlalchemy import Engine, and_, bindparam, func, select

from notices.causes import MOST_CHARACTERS, close_notice, close_what_is_over, notice_causes
from notices.vocabulary import QUARANTINE_OPENED
from projections.facts.state_tables import projection_active
from projections.reads.read_since import is_read_since
from projections.revenue.fold import NAME
from projections.revenue.store.tables import revenue_quarantine
from runtime.clock import Clock

_held, _active = revenue_quarantine.c, projection_active.c
_IS_UNRESOLVED = (
    select(_held.position)
    .join(projection_active, and_(_active.company_id == _held.company_id, _active.build == _held.build))
    .where(
        _active.projection == NAME,
        _active.company_id == bindparam("company_id"),
        func.left(_held.reason, MOST_CHARACTERS) == bindparam("reason"),
        ~is_read_since(),
    )
    .limit(1)
)


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
            unresolved = connection.scalar(_IS_UNRESOLVED, {"company_id": company_id, "reason": reason})
            if unresolved is None:
                close_notice(connection, company_id, QUARANTINE_OPENED, reason, now=clock())
