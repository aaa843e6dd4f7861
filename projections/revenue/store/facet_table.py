"""The table of the customers, subscriptions, prices and products that lines have, for choosing among them."""

from sqlalchemy import BigInteger, Boolean, Column, Computed, Index, Integer, Table, Text, text

from projections.facts.state_tables import key_column, metadata

revenue_facet = Table(
    "revenue_facet",
    metadata,
    key_column("company_id", BigInteger),
    key_column("build", Integer),
    key_column("livemode", Boolean),
    key_column("facet", Text),
    key_column("id", Text),
    Column("name", Text),
    # What else may help to recognize it: an e-mail address, or the description of a line.
    Column("hint", Text),
    # The fold of an older release counts lines in it. It will be dropped when none is left.
    Column("line_count", BigInteger, nullable=False, server_default=text("0")),
    # Compared byte by byte, so that a prefix is a range of the index.
    Column(
        "words",
        Text(collation="C"),
        Computed(
            "lower(coalesce(left(name, 120) || E'\\x1f', '') || coalesce(left(hint, 120) || E'\\x1f', '') || id)",
            persisted=True,
        ),
        nullable=False,
    ),
)
_facet = revenue_facet.c
Index("revenue_facet_by_words", _facet.company_id, _facet.build, _facet.livemode, _facet.facet, _facet.words)
