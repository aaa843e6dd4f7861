"""The projections, each with its fold, its version and its tables.

Anything else derived from facts about revenue is not another projection but one more step of `fold_revenue`: it is
stored in the same builds and is always at the same position.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Table

from projections.facts.facts import Fact, FactPage, Folded
from projections.revenue.fold import NAME as REVENUE_LINES
from projections.revenue.store.credit_note_tables import revenue_credit_note, revenue_credit_note_past
from projections.revenue.store.facet_table import revenue_facet
from projections.revenue.store.fold_pages import fold_revenue
from projections.revenue.store.mapping.long_decisions import takes_long
from projections.revenue.store.mapping.mapping_tables import revenue_book, revenue_line_override
from projections.revenue.store.parts.part_tables import (
    recognition_by_month,
    recognition_month_stretch,
    revenue_part,
    revenue_part_past,
)
from projections.revenue.store.past_tables import (
    revenue_by_month,
    revenue_checksum,
    revenue_day,
    revenue_line_past,
    revenue_month_stretch,
)
from projections.revenue.store.tables import (
    revenue_customer,
    revenue_invoice,
    revenue_line,
    revenue_price,
    revenue_product,
    revenue_quarantine,
)
from runtime.database import Driver

BY_MONTH, RECOGNITION = "revenue_by_month", "recognition"


@dataclass(frozen=True, slots=True)
class Projection:
    """Tables made from the log by one fold.

    Each `version` of the fold has its own builds: raise it whenever the fold derives something else from the same
    facts. The fold writes a batch of facts, of many companies, into the tables and commits nothing. `takes_long` tells
    of a company, its build and a fact whether folding this one would keep other companies waiting. `tables` are grouped
    by the names that users see; the groups share builds and position.
    """

    name: str
    version: int
    fold: Callable[[Driver, Sequence[FactPage]], Folded]
    takes_long: Callable[[Driver, int, int, Fact], bool]
    tables: dict[str, tuple[Table, ...]]


PROJECTIONS = (
    Projection(
        REVENUE_LINES,
        10,
        fold_revenue,
        takes_long,
        {
            REVENUE_LINES: (
                revenue_line,
                revenue_line_past,
                revenue_invoice,
                revenue_price,
                revenue_product,
                revenue_customer,
                revenue_credit_note,
                revenue_credit_note_past,
                revenue_quarantine,
                revenue_checksum,
                revenue_day,
                revenue_facet,
                revenue_book,
                revenue_line_override,
            ),
            BY_MONTH: (revenue_by_month, revenue_month_stretch),
            RECOGNITION: (revenue_part, revenue_part_past, recognition_by_month, recognition_month_stretch),
        },
    ),
)
BY_NAME = {projection.name: projection for projection in PROJECTIONS}


def names_shown(name: str) -> tuple[str, ...]:
    """Return the names under which users see a projection."""
    return tuple(BY_NAME[name].tables)


def versions() -> dict[str, list[object]]:
    """Return names and versions of the projections, as the parallel arrays that statements take."""
    return {"names": list(BY_NAME), "versions": [projection.version for projection in PROJECTIONS]}
