"""Tables of waiting work. A queue only wakes the workers that do it."""

from collections.abc import Iterable

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    FetchedValue,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from backlog.sync_vocabulary import ACTIVE, COUNTS, PHASES, RESOURCES, STATUSES, TRIGGERS
from events.log.tables import INSTANT, NAMING_CONVENTION

metadata = MetaData(naming_convention=NAMING_CONVENTION)


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


# Objects at Stripe that the table lacks. An answered row is kept for a while, so that an object whose answer did not
# close its gap is not requested again at once.
fetch_request = Table(
    "fetch_request",
    metadata,
    Column("company_id", BigInteger, primary_key=True, autoincrement=False),
    Column("livemode", Boolean, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("object_id", Text, primary_key=True),
    Column("requested_at", INSTANT, nullable=False, server_default=func.clock_timestamp()),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("due_at", INSTANT, nullable=False, server_default=func.clock_timestamp()),
    Column("answered_at", INSTANT),
    # The head of the log once the answer was appended.
    Column("answered_position", BigInteger),
    Column("error", Text),
    CheckConstraint("kind IN ('invoice', 'invoice_lines', 'credit_note', 'price', 'product', 'customer')", name="kind"),
)
Index("fetch_request_due_at_idx", fetch_request.c.due_at)
Index(
    "fetch_request_open",
    fetch_request.c.company_id,
    fetch_request.c.due_at,
    postgresql_where=text("answered_at IS NULL"),
)
Index("fetch_request_answered", fetch_request.c.answered_at, postgresql_where=fetch_request.c.answered_at.is_not(None))

# A run that reads from Stripe. Each lease on it has a new epoch.
sync_run = Table(
    "sync_run",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("company_id", BigInteger, nullable=False),
    # The company's runs are numbered from 1 without gaps, by a trigger: ids are shared by all companies.
    Column("number", Integer, FetchedValue(), nullable=False),
    Column("account_id", Text, nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="queued"),
    Column("phase", Text, nullable=False, server_default="queued"),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", INSTANT, nullable=False),
    Column("is_cancel_requested", Boolean, nullable=False, server_default=text("false")),
    Column("started_at", INSTANT),
    Column("finished_at", INSTANT),
    Column("due_at", INSTANT, nullable=False, server_default=func.clock_timestamp()),
    Column("lease_until", INSTANT),
    Column("epoch", Integer, nullable=False, server_default=text("0")),
    Column("waits_for", Text),
    Column("crashes", Integer, nullable=False, server_default=text("0")),
    Column("proofs", Integer, nullable=False, server_default=text("0")),
    Column("proved_position", BigInteger),
    Column("differing", Integer),
    Column("repaired", Integer, nullable=False, server_default=text("0")),
    *(Column(name, Integer, nullable=False, server_default=text("0")) for name in COUNTS),
    Column("coverage_from", INSTANT),
    Column("coverage_to", INSTANT),
    Column("error_code", Text),
    Column("error_detail", Text),
    Column("reconciliation", JSONB),
    CheckConstraint(f"trigger IN ({_quoted(TRIGGERS)})", name="trigger"),
    CheckConstraint(f"status IN ({_quoted(STATUSES)})", name="status"),
    CheckConstraint(f"phase IN ({_quoted(PHASES)})", name="phase"),
)
_is_active = text(f"status IN ({_quoted(ACTIVE)})")
Index("sync_run_active", sync_run.c.company_id, unique=True, postgresql_where=_is_active)
Index("sync_run_due", sync_run.c.due_at, postgresql_where=_is_active)
Index("sync_run_of_company", sync_run.c.company_id, sync_run.c.id)
Index("sync_run_number", sync_run.c.company_id, sync_run.c.number, unique=True)

# A segment of one of Stripe's lists, read newest first from its cursor. Creation times are in Unix seconds.
sync_segment = Table(
    "sync_segment",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("company_id", BigInteger, nullable=False),
    Column("resource", Text, nullable=False),
    Column("created_from", BigInteger),
    Column("created_before", BigInteger),
    Column("cursor", Text),
    Column("oldest_created", BigInteger),
    Column("page_limit", Integer, nullable=False, server_default=text("100")),
    Column("pages", Integer, nullable=False, server_default=text("0")),
    Column("objects", Integer, nullable=False, server_default=text("0")),
    Column("newest_created", BigInteger),
    Column("says_more", Boolean, nullable=False, server_default=text("true")),
    Column("empty_answers", Integer, nullable=False, server_default=text("0")),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("not_before", INSTANT),
    Column("ended_as", Text),
    CheckConstraint(f"resource IN ({_quoted(RESOURCES)})", name="resource"),
    CheckConstraint("ended_as IN ('read', 'forbidden')", name="ended_as"),
)

# What Stripe's API last showed of an invoice, to compare with the table.
sync_sighting = Table(
    "sync_sighting",
    metadata,
    Column("company_id", BigInteger, primary_key=True, autoincrement=False),
    Column("livemode", Boolean, primary_key=True),
    Column("invoice_id", Text, primary_key=True),
    Column("run_id", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("line_count", Integer),
    Column("amount", Numeric),
    Column("lines_digest", Text),
    Column("unreadable", Text),
    Column("subtotal", Numeric),
    # None if Stripe did not show all lines, or they do not tell which discounts are their own.
    Column("line_discounts", Numeric),
    Column("times_shown", Integer, nullable=False, server_default=text("1")),
)

# What Stripe's API last showed of a credit note, to compare with the table.
sync_credit_note_sighting = Table(
    "sync_credit_note_sighting",
    metadata,
    Column("company_id", BigInteger, primary_key=True, autoincrement=False),
    Column("livemode", Boolean, primary_key=True),
    Column("credit_note_id", Text, primary_key=True),
    Column("run_id", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("amount", BigInteger),
    # None if Stripe did not show all lines.
    Column("lines_digest", Text),
    Column("unreadable", Text),
)

# The invoices that a run found new or changed, so that each is counted once.
sync_change = Table(
    "sync_change",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("company_id", BigInteger, nullable=False),
    Column("invoice", Text, primary_key=True),
    Column("effect", Text, nullable=False),
    CheckConstraint("effect IN ('new', 'changed')", name="effect"),
)

# The run that a request with this key was answered with; `run_id` is null only while the request is under way.
sync_request_key = Table(
    "sync_request_key",
    metadata,
    Column("company_id", BigInteger, primary_key=True, autoincrement=False),
    Column("idempotency_key", Text, primary_key=True),
    Column("run_id", BigInteger),
)

sync_schedule = Table(
    "sync_schedule",
    metadata,
    Column("company_id", BigInteger, primary_key=True, autoincrement=False),
    Column("next_sync_at", INSTANT, nullable=False),
    Column("failures", Integer, nullable=False, server_default=text("0")),
)
Index("sync_schedule_due", sync_schedule.c.next_sync_at)

# How many runs of all companies ended in an hour, with which status, and how many invoices they repaired.
sync_run_count = Table(
    "sync_run_count",
    metadata,
    Column("hour", INSTANT, primary_key=True),
    Column("status", Text, primary_key=True),
    Column("runs", BigInteger, nullable=False),
    Column("repaired", BigInteger, nullable=False),
)
