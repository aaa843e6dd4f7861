"""Tables of how far each build of each projection is folded, and which build readers see."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, MetaData, Table, Text, func, text
from sqlalchemy.types import TypeEngine

from events.log.tables import INSTANT, NAMING_CONVENTION

metadata = MetaData(naming_convention=NAMING_CONVENTION)


def key_column(name: str, kind: type[TypeEngine[Any]]) -> Column[Any]:
    """Return a column of a primary key whose value we choose ourselves."""
    return Column(name, kind, primary_key=True, autoincrement=False)


projection_state = Table(
    "projection_state",
    metadata,
    key_column("projection", Text),
    key_column("build", Integer),
    key_column("company_id", BigInteger),
    Column("position", BigInteger, nullable=False, server_default=text("0")),
    Column("status", Text, nullable=False, server_default="live"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("retry_at", INSTANT),
    Column("error", Text),
    Column("error_position", BigInteger),
    Column("updated_at", INSTANT, nullable=False, server_default=func.clock_timestamp()),
    # The version of the fold that made it: workers of other versions do not touch it.
    Column("version", Integer, nullable=False, server_default=text("1")),
    # Whether any worker may fold it to the end and flip to it; if not, whoever began it does so.
    Column("is_automatic", Boolean, nullable=False, server_default=text("true")),
    # Since when it, or a batch with it, could not be folded. Until it can, it shares no batch with others.
    Column("failing_since", INSTANT),
    CheckConstraint("status IN ('building', 'ready', 'live', 'halted', 'retired')", name="status"),
)
Index("projection_state_of_company", projection_state.c.company_id, projection_state.c.projection)
Index("projection_state_building", projection_state.c.company_id, postgresql_where=text("status = 'building'"))

# The build of a projection that a company's readers see.
projection_active = Table(
    "projection_active",
    metadata,
    key_column("projection", Text),
    key_column("company_id", BigInteger),
    Column("build", Integer, nullable=False),
)

# Events that an operator told a projection to skip. Each skip is also a fact of the log.
projection_skip = Table(
    "projection_skip",
    metadata,
    key_column("company_id", BigInteger),
    key_column("projection", Text),
    key_column("position", BigInteger),
)
