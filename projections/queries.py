"""Read the revenue mapping table. A company's readers see one build at one position, never a mix."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, Select, and_, func, select, tuple_

from projections.filters import LineFilter, Sort, condition_of
from projections.revenue_lines import NAME
from projections.state_tables import projection_active, projection_state
from projections.tables import revenue_invoice, revenue_line, revenue_quarantine

LineRow = Row[Any]


class Snapshot(NamedTuple):
    """What a reader stands on: the build that is live for the company, folded up to `position` of its log."""

    connection: Connection
    company_id: int
    build: int
    position: int
    status: str


class After(NamedTuple):
    """The last row of the page before: its sort value and the ids that order rows of one value."""

    value: date | int
    invoice_line_item_id: str
    invoice_id: str


@dataclass(frozen=True, slots=True)
class Total:
    """What a filter adds up to in one currency, in its minor units."""

    currency: str
    count: int
    amount: int
    net_amount: int


@contextmanager
def snapshot_of(engine: Engine, company_id: int) -> Iterator[Snapshot]:
    """Open a consistent view of a company's table. Everything read inside belongs to one instant; writes nothing."""
    with (
        engine.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True) as connection,
        connection.begin(),
    ):
        row = connection.execute(
            select(projection_state.c.build, projection_state.c.position, projection_state.c.status)
            .join(
                projection_active,
                and_(
                    projection_active.c.projection == projection_state.c.projection,
                    projection_active.c.company_id == projection_state.c.company_id,
                    projection_active.c.build == projection_state.c.build,
                ),
            )
            .where(projection_state.c.projection == NAME, projection_state.c.company_id == company_id)
        ).one_or_none()
        build, position, status = row or (0, 0, "live")
        yield Snapshot(connection, company_id, build, position, status)


def list_lines(
    snapshot: Snapshot, line_filter: LineFilter, *, sort: Sort, limit: int, after: After | None
) -> Sequence[LineRow]:
    """Give up to `limit` rows that follow `after`, in the order of `sort`, then of their ids."""
    statement = _lines_of(snapshot).where(condition_of(line_filter))
    column = revenue_line.c[sort.removeprefix("-")]
    order = (column, revenue_line.c.invoice_line_item_id, revenue_line.c.invoice_id)
    descending = sort.startswith("-")
    if after is not None:
        here = tuple_(*order)
        statement = statement.where(here < tuple_(*after) if descending else here > tuple_(*after))
    statement = statement.order_by(*(key.desc() if descending else key for key in order)).limit(limit)
    return snapshot.connection.execute(statement).all()


def total_lines(snapshot: Snapshot, line_filter: LineFilter) -> list[Total]:
    """Add up the whole filter, a total for each currency: currencies never add."""
    lines = revenue_line.c
    rows = snapshot.connection.execute(
        select(lines.currency, func.count(), func.sum(lines.amount), func.sum(lines.net_amount))
        .where(lines.company_id == snapshot.company_id, lines.build == snapshot.build)
        .where(condition_of(line_filter))
        .group_by(lines.currency)
        .order_by(lines.currency)
    )
    return [Total(currency, count, int(amount), int(net_amount)) for currency, count, amount, net_amount in rows]


def find_line(snapshot: Snapshot, line_id: str, *, livemode: bool) -> LineRow | None:
    """Give one line of a mode by its id. Should two invoices hold the id (Stripe before 2019), the newer one's."""
    return snapshot.connection.execute(
        _lines_of(snapshot)
        .where(revenue_line.c.invoice_line_item_id == line_id, revenue_line.c.livemode == livemode)
        .order_by(revenue_line.c.date.desc(), revenue_line.c.invoice_id.desc())
        .limit(1)
    ).one_or_none()


def list_quarantined(snapshot: Snapshot, *, limit: int, before: int | None) -> Sequence[LineRow]:
    """Give facts that could not be read, newest first; `is_resolved` when their invoice was read since."""
    held = revenue_quarantine.c
    later = (
        select(1)
        .where(
            revenue_invoice.c.company_id == held.company_id,
            revenue_invoice.c.build == held.build,
            revenue_invoice.c.livemode == held.livemode,
            func.concat("invoice:", revenue_invoice.c.id) == held.entity,
            revenue_invoice.c.seen_at >= held.seen_at,
        )
        .exists()
    )
    statement = (
        select(held.position, held.livemode, held.entity, held.reason, held.recorded_at, later.label("is_resolved"))
        .where(held.company_id == snapshot.company_id, held.build == snapshot.build)
        .order_by(held.position.desc())
        .limit(limit)
    )
    return snapshot.connection.execute(statement if before is None else statement.where(held.position < before)).all()


def _lines_of(snapshot: Snapshot) -> Select[Any]:
    return select(revenue_line).where(
        revenue_line.c.company_id == snapshot.company_id, revenue_line.c.build == snapshot.build
    )
