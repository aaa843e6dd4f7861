"""Where a company's connection to Stripe stands, by what the log says of it."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Integer, Table, Text

from events.log.tables import INSTANT
from projections.facts.state_tables import key_column, metadata

connection_state = Table(
    "connection_state",
    metadata,
    key_column("company_id", BigInteger),
    key_column("build", Integer),
    Column("status", Text, nullable=False),
    Column("account_id", Text),
    Column("livemode", Boolean),
    Column("last_success_at", INSTANT),
    Column("data_through", INSTANT),
    # The last run that was asked for or finished.
    Column("run_id", BigInteger),
    Column("run_status", Text),
    Column("run_error", JSON),
    Column("position", BigInteger, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
)
