"""Tables of what maps lines: the book of each company, and the outcomes that people chose for lines."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Table, Text

from projections.facts.state_tables import key_column, metadata

revenue_book = Table(
    "revenue_book",
    metadata,
    key_column("company_id", BigInteger),
    key_column("build", Integer),
    # The facts that the book follows from: see `projections.mapping.decisions.stored_book`.
    Column("book", LargeBinary, nullable=False),
    # Whether people ever chose outcomes for lines.
    Column("has_line_overrides", Boolean, nullable=False),
    # The last fact about the mapping or the policy.
    Column("position", BigInteger, nullable=False),
)
revenue_line_override = Table(
    "revenue_line_override",
    metadata,
    key_column("company_id", BigInteger),
    key_column("build", Integer),
    key_column("livemode", Boolean),
    key_column("invoice_id", Text),
    key_column("invoice_line_item_id", Text),
    Column("batch_id", Text, nullable=False),
    # JSON, as in the fact.
    Column("outcome", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
)
