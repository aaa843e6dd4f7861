"""Schemas of exports: which lines and columns to export, and what a row of them has."""

from marshmallow import fields

from app.api.schemas import LinesFilter, RevenueLine
from app.http.fields import Instant, Names

COLUMNS = (
    "invoice_line_item_id",
    "subscription_id",
    "customer_name",
    "customer_id",
    "description",
    "date",
    "amount",
    "currency",
    "currency_exponent",
    "discount_amount",
    "tax_amount",
    "net_amount",
    "type",
    "cadence",
    "interval_unit",
    "interval_count",
    "cadence_source",
    "period_start",
    "period_end",
    "proration",
    "quantity",
    "price_id",
    "product_id",
    "customer_name_on_invoice",
    "invoice_id",
    "invoice_number",
    "invoice_status",
    "invoice_complete",
    "livemode",
    "position",
    "updated_at",
    "product_name",
    "price_name",
    "credited_amount",
    "customer_email",
)


class _Amount(fields.Integer):
    """An amount with the decimals of its currency. PostgreSQL writes it; this describes it."""

    def __init__(self, description: str) -> None:
        super().__init__(metadata={"type": "number", "description": description})


class LinesExport(LinesFilter):
    """Which revenue lines to export, in which order and with which columns."""

    columns = Names(
        COLUMNS,
        load_default=COLUMNS,
        metadata={"type": "string", "description": "Names of columns, separated by commas. Default: all columns."},
    )


class RevenueLineRow(RevenueLine):
    """One row of an export: a revenue line, with two columns each for its interval and its period."""

    class Meta:
        """The fields, in the order of the columns."""

        fields = COLUMNS

    amount = _Amount("Stripe's line amount, before discounts, with the decimals of its currency.")
    discount_amount = _Amount("With the decimals of the currency, like every amount.")
    tax_amount = _Amount("The tax included in `amount`.")
    net_amount = _Amount("amount - discount_amount - tax_amount.")
    credited_amount = _Amount("What issued credit notes take from `net_amount`.")
    interval_unit = fields.String(allow_none=True, metadata={"description": "day, week, month or year."})
    interval_count = fields.Integer(allow_none=True)
    period_start = Instant()
    period_end = Instant(metadata={"description": "Exclusive."})
