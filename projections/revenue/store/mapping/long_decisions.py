"""Which decisions of people take long to fold: those that may map or recognize every line of a large table anew."""

from projections.facts.facts import Fact
from projections.mapping.decisions.payloads import (
    LinesOverridden,
    LinesReleased,
    PlanCreated,
    StreamCreated,
    SubscriptionOverridden,
    SubscriptionReleased,
)
from runtime.database import Driver

# These name the lines that they are about, or are about none yet.
_OF_FEW_LINES = (
    LinesOverridden | LinesReleased | SubscriptionOverridden | SubscriptionReleased | StreamCreated | PlanCreated
)
# So many are loaded, mapped and written in some seconds.
MANY_LINES = 20_000
_LINES = """
    SELECT row_count FROM revenue_checksum WHERE company_id = %(company_id)s AND build = %(build)s
    ORDER BY stretch DESC LIMIT 1
"""


def takes_long(driver: Driver, company_id: int, build: int, fact: Fact) -> bool:
    """Return whether a fact is a decision about a table with many lines."""
    if fact.said is None or isinstance(fact.said, _OF_FEW_LINES):
        return False
    lines = driver.execute(_LINES, {"company_id": company_id, "build": build}).fetchone()
    return lines is not None and lines[0] > MANY_LINES
