"""Read lines in groups: those that have the same in all that rules test are mapped alike, however many they are."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from projections.revenue.build_state import BuildState
from runtime.database import Driver
from runtime.json_rows import as_rows, rows_of

LINE_KEY = ("company_id", "build", "livemode", "invoice_id", "invoice_line_item_id")
_TEXTS = (
    "invoice_id invoice_number customer_id customer_email invoice_line_item_id subscription_id description quantity"
    " price_id product_id product_name currency type cadence interval_unit"
)
# What lines can be grouped by, in SQL and with its type. What is missing is the empty text, which compares.
COLUMNS = {name: (f"coalesce(l.{name}, '')", "text") for name in _TEXTS.split()} | {
    "customer_name": ("coalesce(nullif(l.customer_name, ''), l.customer_name_on_invoice, '')", "text"),
    "amount": ("l.amount", "bigint"),
    "net_amount": ("l.net_amount", "bigint"),
    "proration": ("l.proration", "boolean"),
    "has_period": ("(l.period_end > l.period_start)", "boolean"),
    "date": ("l.date", "date"),
    "period_start": ("l.period_start", "timestamptz"),
    "finalized_on": ("billing.booked_on", "date"),
}
# Each line has one such part.
_BILLING = f"""
    JOIN revenue_part billing ON {" AND ".join(f"billing.{name} = l.{name}" for name in LINE_KEY)}
        AND billing.step = 0 AND billing.share = 0
"""
_PARTS = f"JOIN revenue_part p ON {' AND '.join(f'p.{name} = l.{name}' for name in LINE_KEY)} AND p.kind = 'revenue'"
_IS_OVERRIDDEN = "billing.layer IN ('line_override', 'subscription_override')"
_HAS_LINE_OVERRIDES = """
    SELECT EXISTS (SELECT FROM revenue_line_override WHERE company_id = %(company_id)s AND build = %(build)s)
"""
BOOKED_MONTH = "(extract(year FROM p.booked_on) * 12 + extract(month FROM p.booked_on) - 1)::integer"
_OF_MODE = " AND ".join(f"l.{name} = %({name})s" for name in LINE_KEY[:3])


class Group(NamedTuple):
    """Lines that have the same in all columns, how many they are, and whether an override maps them."""

    values: Sequence[Any]
    is_overridden: bool
    lines: int


class LargeLine(NamedTuple):
    """A line, and the number that was given to its group."""

    invoice_id: str
    line_id: str
    currency: str
    net_amount: int
    number: int


class MonthSum(NamedTuple):
    """What lines of groups with this number recognize in a month as revenue, net of contra and without expenses."""

    number: int
    currency: str
    month: int
    net: int


# The values of groups, each with a number.
Numbered = Sequence[tuple[Sequence[Any], int]]


class LineGroups:
    """The lines of a mode by columns. To be read in `of_whole_tables`."""

    def __init__(
        self, driver: Driver, at: BuildState, columns: Sequence[str], *, livemode: bool, has_overrides: bool
    ) -> None:
        self._driver = driver
        self.livemode = livemode
        self._scope = {"company_id": at.company_id, "build": at.build, "livemode": livemode}
        self._columns = [COLUMNS[name] for name in columns]
        may_be_overridden = has_overrides or self._rows(_HAS_LINE_OVERRIDES)[0][0]
        self._is_overridden = _IS_OVERRIDDEN if may_be_overridden else "false"
        self._lines = f"revenue_line l {_BILLING if may_be_overridden or 'finalized_on' in columns else ''}"

    def all(self) -> list[Group]:
        """Return all groups."""
        columns = [*(column for column, _ in self._columns), self._is_overridden]
        numbers = ", ".join(str(number) for number in range(1, len(columns) + 1))
        statement = f"SELECT {', '.join(columns)}, count(*) FROM {self._lines} WHERE {_OF_MODE} GROUP BY {numbers}"  # noqa: S608
        return [Group(values, is_overridden, lines) for *values, is_overridden, lines in self._rows(statement)]

    def largest(self, groups: Numbered, most: int) -> list[LargeLine]:
        """Return the largest lines of groups, whatever their currencies."""
        statement = f"""
            SELECT l.invoice_id, l.invoice_line_item_id, l.currency, l.net_amount, k.number FROM {self.of_groups()}
            ORDER BY abs(l.net_amount) DESC, l.invoice_id COLLATE "C" DESC, l.invoice_line_item_id COLLATE "C" DESC
            LIMIT {most}
        """  # noqa: S608 - our own words
        return [LargeLine(*row) for row in self.of(groups, statement)]

    def recognized(self, groups: Numbered, has_expenses: bool) -> list[MonthSum]:  # noqa: FBT001 - a value
        """Return what lines of groups recognize."""
        parts = self.of_groups(_PARTS)
        of_expenses = f"UNION ALL SELECT k.number, p.currency, {BOOKED_MONTH}, -p.expense FROM {parts}"  # noqa: S608
        statement = f"""
            SELECT number, currency, month, sum(net)::bigint FROM (
                SELECT k.number, p.currency, generate_series(p.first_month, p.last_month) AS month,
                       unnest(p.months) AS net
                FROM {parts} {of_expenses if has_expenses else ""}
            ) part GROUP BY number, currency, month
        """  # noqa: S608 - our own words
        return [MonthSum(*row) for row in self.of(groups, statement)]

    def invoices(self, groups: Numbered) -> list[str]:
        """Return the ids of the invoices that have lines of groups, in order."""
        statement = f"SELECT DISTINCT l.invoice_id FROM {self.of_groups()} ORDER BY 1"  # noqa: S608 - our own words
        return [invoice_id for (invoice_id,) in self.of(groups, statement)]

    def of_groups(self, joined: str = "") -> str:
        """Return SQL for FROM and WHERE: the lines `l` of groups, `joined` to others, and the number `k.number`."""
        names = [f"c{place}" for place in range(len(self._columns))]
        types = [f"{name} {of_type}" for name, (_, of_type) in zip(names, self._columns, strict=True)]
        alike = [f"{column} = k.{name}" for name, (column, _) in zip(names, self._columns, strict=True)]
        groups = rows_of(", ".join(("number integer", *types)))
        condition = " AND ".join((_OF_MODE, f"NOT {self._is_overridden}", *alike))
        return f"{self._lines} {joined} CROSS JOIN {groups} WHERE {condition}"

    def of(self, groups: Numbered, statement: str, more: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement that is made with `of_groups`, and return its rows: none if there are no groups."""
        if not groups:
            return []
        names = ("number", *(f"c{place}" for place in range(len(self._columns))))
        rows = as_rows(names, ((number, *values) for values, number in groups))
        return self._rows(statement, {**rows, **(more or {})})

    def _rows(self, statement: str, more: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        return self._driver.execute(statement.encode(), {**self._scope, **(more or {})}).fetchall()
