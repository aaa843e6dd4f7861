"""Prove that tables equal the log: fold it again into a build beside them, and compare both byte by byte.

Both builds are compared at the same position of the log.
"""

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from sqlalchemy import Connection, Engine, Table, text

from projections.builds.differences import differences
from projections.builds.rebuild import fold_to
from projections.engine.catch_up import advance
from projections.engine.folding import Claim
from projections.registry import BY_NAME

MOST_NAMED = 10


class Verdict(NamedTuple):
    """The result of comparing one company's projection. Equal if there are no differences."""

    company_id: int
    projection: str
    position: int
    differences: list[str]

    @property
    def is_equal(self) -> bool:
        """Return whether both builds are the same, to the byte."""
        return not self.differences


_ACTIVE = text("""
    SELECT s.build, s.position, s.error FROM projection_active a JOIN projection_state s
        ON s.projection = a.projection AND s.company_id = a.company_id AND s.build = a.build
    WHERE a.projection = :projection AND a.company_id = :company_id AND s.version = :version
""")
# Reading a large table takes longer than a transaction may usually be idle.
_TAKE_TIME = text("SET LOCAL idle_in_transaction_session_timeout = 0")


def compare(engine: Engine, beside: Claim) -> list[Verdict]:
    """Compare the live tables of a projection with a build beside them, which is first folded to the same position.

    The live tables are read as of one moment, without blocking anyone. Returns a verdict for each name that users see
    the projection under; none if no build of this version is live. Commits the build's progress.
    """
    moment = engine.execution_options(isolation_level="REPEATABLE READ")
    projection = BY_NAME[beside.projection]
    parameters = {"projection": projection.name, "company_id": beside.company_id, "version": projection.version}
    while advance(engine):
        pass
    with moment.connect() as live, live.begin():
        live.execute(_TAKE_TIME)
        row = live.execute(_ACTIVE, parameters).one_or_none()
        if row is None:
            return []
        if fold_to(engine, beside, row.position) != row.position:
            behind = f"it stands at position {row.position}, short of the log's end: {row.error or 'nobody folds it'}"
            return [Verdict(beside.company_id, name, row.position, [behind]) for name in projection.tables]
        builds = (row.build, beside.build)
        with engine.connect() as other, other.begin():
            other.execute(_TAKE_TIME)
            return [
                Verdict(
                    beside.company_id, name, row.position, _compared(live, other, tables, beside.company_id, builds)
                )
                for name, tables in projection.tables.items()
            ]


def _compared(
    live: Connection, other: Connection, tables: Sequence[Table], company_id: int, builds: tuple[int, int]
) -> list[str]:
    found = (one for table in tables for one in differences(live, other, table, company_id, builds))
    return list(islice(found, MOST_NAMED))
