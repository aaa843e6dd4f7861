"""The two parts of a row make up its text, and the values by which it is stored, ordered and summed."""

from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from events.stripe.observations import InvoiceHeader, Line, Recurrence
from projections.facts.sightings import Change
from projections.revenue.register import Register
from projections.revenue.row import NO_PRICE, UNKNOWN, Billing, Row, billing_of
from projections.revenue.row_parts import (
    FixedPart,
    Names,
    VariablePart,
    fixed_part,
    head_of,
    variable_part,
)
from projections.revenue.row_text import text_of
from projections.revenue.state import HeldValue, PricedAs
from tests.support.clock import NOON
from tests.support.payloads import CREATED

DAY, QUARTER = 86_400, 7_776_000
LATER = Change(8, datetime(2026, 3, 2, tzinfo=UTC))
HEADER = InvoiceHeader("cus_1", "Zed Inc", "sub_1", "F00D-0001", "zed@example.org")
LINE = Line(
    line_id="il_1",
    subscription_id=None,
    description="3 × Team plan",
    currency="usd",
    amount=30_000,
    discount_amount=0,
    tax_amount=0,
    period_start=CREATED,
    period_end=CREATED + QUARTER,
    proration=False,
    quantity="3",
    price_id="price_q",
    product_id="prod_1",
)
QUARTERLY = Billing("recurring", "quarterly", "month", 3, "price", "Per quarter")
VARIABLE = variable_part(Names("Zed", "Team plan"), QUARTERLY, "paid", True, Change(7, NOON), 500)  # noqa: FBT003
PERIOD = b"2026-01-01\t2026-01-01T00:00:00+00:00\t2026-04-01T00:00:00+00:00"
TAIL = (
    b"\tZed\tzed\tTeam plan\trecurring\tquarterly\tmonth\t3\tprice\tPer quarter\tpaid\tt\t500\t7"
    b"\t2026-03-01T12:00:00+00:00"
)


def fixed(line: Line = LINE, header: InvoiceHeader = HEADER, *, livemode: bool = True) -> FixedPart:
    return fixed_part(head_of((livemode, "in_1"), header), line)


def stored(line: Line, header: InvoiceHeader, variable: VariablePart) -> Row:
    """Return the row as the table has it."""
    starts_at, ends_at = (datetime.fromtimestamp(second, UTC) for second in (line.period_start, line.period_end))
    fields = (
        True,
        "in_1",
        header.number,
        header.customer_id,
        header.customer_name,
        header.customer_email,
        line.line_id,
        line.subscription_id or header.subscription_id,
        line.description,
        line.quantity,
        line.price_id,
        line.product_id,
        starts_at.date(),
        starts_at,
        ends_at,
        line.amount,
        line.discount_amount,
        line.tax_amount,
        line.amount - line.discount_amount - line.tax_amount,
        line.currency,
        0 if line.currency == "jpy" else 2,
        line.proration,
        variable.names.customer,
        (variable.names.customer or variable.names.email or "").casefold(),
        variable.names.product,
        *variable.billing,
        variable.invoice_status,
        variable.is_complete,
        variable.credited_amount,
        *variable.change,
    )
    return Row._make(fields)


def priced(recurrence: Recurrence | None, source: str = "price", name: str | None = None) -> HeldValue[PricedAs]:
    return HeldValue(Register(PricedAs(recurrence, source, name), (1, CREATED, 0)), LATER)


def test_text_of_a_row_has_all_its_fields_in_order() -> None:
    head = (
        b"t\tin_1\tF00D-0001\tcus_1\tZed Inc\tzed@example.org\til_1\tsub_1\t3 \xc3\x97 Team plan\t3\tprice_q\tprod_1\t"
    )

    assert fixed().text + VARIABLE.text == head + PERIOD + b"\t30000\t0\t0\t30000\tusd\t2\tf" + TAIL


LINES: list[tuple[Line, InvoiceHeader]] = [
    (LINE, HEADER),
    (replace(LINE, description="a\tb\nc\\d\r", quantity=None, price_id=None, product_id=None), HEADER),
    (replace(LINE, amount=-500, discount_amount=10, tax_amount=-20, currency="jpy", proration=True), HEADER),
    (replace(LINE, subscription_id="sub_2", period_start=CREATED + 40 * DAY, quantity="0.5"), HEADER),
    (LINE, InvoiceHeader(None, None, None, None)),
    (LINE, InvoiceHeader("cus_1", "\\N", "sub_1", "Žluť\u2028")),
]
VARIABLES = [
    VARIABLE,
    variable_part(Names(None, None), Billing("unknown", "unknown", None, None, UNKNOWN), "open", False, LATER),  # noqa: FBT003
    variable_part(
        Names("株式\t会社", "a\\b"),
        Billing("one_time", "one_time", None, None, NO_PRICE),
        "void",
        True,  # noqa: FBT003
        LATER,
    ),
]


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize(("line", "header"), LINES)
def test_text_of_a_row_is_that_of_its_parts(line: Line, header: InvoiceHeader, variable: VariablePart) -> None:
    names = variable.names._replace(email=header.customer_email)
    changing = (variable.billing, variable.invoice_status, variable.is_complete, variable.change)
    variable = variable_part(names, *changing, variable.credited_amount)
    row = stored(line, header, variable)

    assert fixed(line, header).text + variable.text == text_of(row)


@pytest.mark.parametrize(
    ("amount", "discount", "tax", "net"),
    [(100, 0, 0, 100), (100, 30, 0, 70), (100, 0, 19, 81), (100, 30, 11, 59), (-100, -30, -11, -59), (0, 5, 0, -5)],
)
def test_net_amount_is_the_amount_less_discounts_and_taxes(amount: int, discount: int, tax: int, net: int) -> None:
    part = fixed(replace(LINE, amount=amount, discount_amount=discount, tax_amount=tax))

    assert (part.amount, part.net_amount) == (amount, net)
    assert f"\t{amount}\t{discount}\t{tax}\t{net}\tusd\t2\t".encode() in part.text


@pytest.mark.parametrize(
    ("line", "header", "place"),
    [
        (LINE, HEADER, (date(2026, 1, 1), "usd", 30_000, "cus_1", "sub_1")),
        (replace(LINE, subscription_id="sub_2"), HEADER, (date(2026, 1, 1), "usd", 30_000, "cus_1", "sub_2")),
        (replace(LINE, amount=-5), InvoiceHeader(None, None, None, None), (date(2026, 1, 1), "usd", -5, None, None)),
        (
            replace(LINE, description="other", price_id="price_m"),
            HEADER,
            (date(2026, 1, 1), "usd", 30_000, "cus_1", "sub_1"),
        ),
    ],
)
def test_place_of_a_line_is_its_day_currency_amount_customer_and_subscription(
    line: Line, header: InvoiceHeader, place: tuple[object, ...]
) -> None:
    assert fixed(line, header).place == place


@pytest.mark.parametrize(
    ("seconds", "day", "month"),
    [
        (0, date(2026, 1, 1), date(2026, 1, 1)),
        (-1, date(2025, 12, 31), date(2025, 12, 1)),
        (31 * DAY - 1, date(2026, 1, 31), date(2026, 1, 1)),
        (31 * DAY, date(2026, 2, 1), date(2026, 2, 1)),
    ],
)
@pytest.mark.parametrize("livemode", [True, False])
def test_day_and_month_of_a_line_are_those_in_which_its_period_begins_in_utc(
    seconds: int, day: date, month: date, *, livemode: bool
) -> None:
    part = fixed(replace(LINE, period_start=CREATED + seconds), livemode=livemode)

    assert (part.day, part.month) == ((livemode, day), (livemode, month, "usd"))


@pytest.mark.parametrize(
    ("held", "billing"),
    [
        (priced(Recurrence("month", 1)), Billing("recurring", "monthly", "month", 1, "price")),
        (priced(Recurrence("week", 2), "plan"), Billing("recurring", "other", "week", 2, "plan")),
        (priced(None), Billing("one_time", "one_time", None, None, "price")),
        (priced(None, name="Setup"), Billing("one_time", "one_time", None, None, "price", "Setup")),
    ],
)
def test_price_says_how_its_lines_bill(held: HeldValue[PricedAs], billing: Billing) -> None:
    assert billing_of("price_q", held) == billing
