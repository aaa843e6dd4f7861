"""The projections there are. To add one: write its fold and its tables, and name it here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Table

from projections.connection.fold import NAME as CONNECTION
from projections.connection.store import fold_connection
from projections.connection.tables import connection_state
from projections.facts.facts import FactPage
from projections.revenue.fold import NAME as REVENUE_LINES
from projections.revenue.store.apply import fold_revenue
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
    revenue_quarantine,
)

BY_MONTH = "revenue_by_month"


@dataclass(frozen=True, slots=True)
class Projection:
    """What is made from the log by one fold.

    `version` changes with what the fold gives: each version has builds of its own. The fold writes a batch of facts, of
    many companies, into the tables and commits nothing. `tables` are told apart by the name under which they are shown:
    what else than the projection itself is filled from the same rows shares its builds and stands where it stands.
    """

    name: str
    version: int
    fold: Callable[[Connection, Sequence[FactPage]], None]
    tables: dict[str, tuple[Table, ...]]


PROJECTIONS = (
    Projection(
        REVENUE_LINES,
        4,
        fold_revenue,
        {
            REVENUE_LINES: (
                revenue_line,
                revenue_line_past,
                revenue_invoice,
                revenue_price,
                revenue_customer,
                revenue_quarantine,
                revenue_checksum,
                revenue_day,
            ),
            BY_MONTH: (revenue_by_month, revenue_month_stretch),
        },
    ),
    Projection(CONNECTION, 1, fold_connection, {CONNECTION: (connection_state,)}),
)
BY_NAME = {projection.name: projection for projection in PROJECTIONS}


def names_shown(name: str) -> tuple[str, ...]:
    """Give the projection's name and those of what shares its builds."""
    return tuple(BY_NAME[name].tables) if name in BY_NAME else (name,)


def versions() -> dict[str, list[object]]:
    """Give the projections with their versions, as the parallel arrays that statements take."""
    return {"names": list(BY_NAME), "versions": [projection.version for projection in PROJECTIONS]}
