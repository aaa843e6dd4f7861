"""Columns of parts as SQL: their booked month, and what each month recognizes of them, as `month_rows` has it."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Numeric,
    Select,
    Table,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.sql.selectable import CompoundSelect

EXPENSE = "expense"
_MONTHS_OF_YEAR = 12


def booked_month(part: Any) -> ColumnElement[int]:  # noqa: ANN401 - the columns of either table of parts
    """Return the month of the day on which a part is booked."""
    day = type_coerce(part.booked_on, Date)
    months = func.extract("year", day) * _MONTHS_OF_YEAR + func.extract("month", day) - 1
    return cast(months, Integer)


def month_rows_of(table: Table, conditions: list[ColumnElement[bool]], *, sign: int) -> CompoundSelect[Any]:
    """Return a statement of the month rows of parts that meet conditions, their amounts multiplied by a sign."""
    return union_all(_of_their_kind(table, conditions, sign), _of_expenses(table, conditions, sign))


def _of_their_kind(table: Table, conditions: list[ColumnElement[bool]], sign: int) -> Select[Any]:
    part = table.c
    recognized = (
        func.unnest(part.months).table_valued("amount", with_ordinality="place").render_derived(name="by_month")
    )
    month = part.first_month + cast(recognized.c.place, Integer) - 1
    is_booked = month == booked_month(part)
    contra = case((is_booked, part.contra), else_=0)
    # Only revenue has expenses.
    reduced = case((is_booked, part.contra - part.expense), else_=0)
    return (
        select(
            part.currency,
            part.stream_id,
            part.plan_id,
            part.kind,
            part.cause,
            booked_month(part).label("booked_month"),
            month.label("month"),
            cast(sign * (recognized.c.amount - contra), Numeric).label("earned"),
            cast(sign * reduced, Numeric).label("contra"),
        )
        .select_from(table.join(recognized, literal(value=True)))
        .where(*conditions)
    )


def _of_expenses(table: Table, conditions: list[ColumnElement[bool]], sign: int) -> Select[Any]:
    part = table.c
    return select(
        part.currency,
        part.stream_id,
        part.plan_id,
        literal(EXPENSE),
        part.cause,
        booked_month(part),
        booked_month(part),
        cast(0, Numeric),
        cast(sign * part.expense, Numeric),
    ).where(and_(*conditions, part.expense != 0))
