"""Tables of credit notes and of their past versions. All of it can be rebuilt from the log."""

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, SmallInteger, Table, Text, text

from events.log.tables import INSTANT
from projections.facts.state_tables import key_column, metadata


def _columns() -> tuple[Column[object], ...]:
    return (
        Column("number", Text),
        Column("status", Text, nullable=False),
        Column("effective_on", Date, nullable=False),
        Column("voided_on", Date),
        Column("currency", Text, nullable=False),
        Column("currency_exponent", SmallInteger, nullable=False),
        # Stripe's total, with exclusive tax; then what its lines take, and what of that found no line. Minor units.
        Column("amount", BigInteger, nullable=False),
        Column("net_amount", BigInteger, nullable=False),
        Column("unapplied_amount", BigInteger, nullable=False),
        # JSON: what it takes from each invoice line, by the line's id.
        Column("lines", Text, nullable=False),
        Column("is_complete", Boolean, nullable=False),
        Column("is_invoice_known", Boolean, nullable=False),
        Column("line_count", Integer, nullable=False),
        Column("lines_digest", Text, nullable=False),
        # The event that last changed the row, and when the log recorded it.
        Column("updated_at", INSTANT, nullable=False),
    )


# The invoice is part of the key, in case facts name different ones: the fold keeps what each of them says.
_KEY = (("company_id", BigInteger), ("build", Integer), ("livemode", Boolean), ("credit_note_id", Text))

revenue_credit_note = Table(
    "revenue_credit_note",
    metadata,
    *(key_column(name, kind) for name, kind in _KEY),
    key_column("invoice_id", Text),
    *_columns(),
    Column("position", BigInteger, nullable=False),
    # Newest sighting of it, in Unix seconds: facts about it that were quarantined up to then are resolved.
    Column("seen_at", BigInteger, nullable=False),
    # Whether Stripe should be asked for it: lines are missing, or facts contradict each other.
    Column("is_gap", Boolean, nullable=False),
)
# A row stood from its position to just before `until`.
revenue_credit_note_past = Table(
    "revenue_credit_note_past",
    metadata,
    *(key_column(name, kind) for name, kind in _KEY),
    key_column("invoice_id", Text),
    key_column("position", BigInteger),
    *_columns(),
    Column("until", BigInteger, nullable=False),
)
for _table in (revenue_credit_note, revenue_credit_note_past):
    _scope = (_table.c.company_id, _table.c.build)
    Index(f"{_table.name}_by_day", *_scope, _table.c.livemode, _table.c.effective_on, _table.c.credit_note_id)
    Index(f"{_table.name}_of_invoice", *_scope, _table.c.invoice_id)
Index(
    "revenue_credit_note_gaps",
    revenue_credit_note.c.company_id,
    revenue_credit_note.c.build,
    postgresql_where=text("is_gap"),
)
