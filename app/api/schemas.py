"""Schemas of the API's responses and parameters, from which its OpenAPI document is made."""

from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.http.fields import Currency, Day, Flag, Instant, MinorUnits, Moment, Several, WholeNumber, Words
from events.stripe.cadence import CADENCES, LINE_TYPES
from events.stripe.invoice import FINAL_STATUSES
from projections.mapping.mapped import LAYERS
from projections.reads.table.orders import SORTS
from projections.recognition.outcome import KINDS

DEFAULT_LIMIT = 50
MAX_LIMIT = 500

AS_OF = Moment(
    metadata={
        "description": "An RFC 3339 timestamp or a position of the log: returns the data as of that moment.",
        "type": "string",
    }
)


class LinesFilter(Schema):
    """Which revenue lines to return, in which order."""

    sort = fields.String(
        load_default="-date",
        validate=validate.OneOf(SORTS),
        metadata={
            "description": "The order; `-` reverses it. Amounts are ordered by currency first, and within it by amount."
            " customer_name ignores case and takes the e-mail address if there is no name; updated_at is the order in"
            " which lines changed."
        },
    )
    livemode = Flag(metadata={"description": "Default: the mode of the company's connection."})
    customer_id = Several(Words())
    subscription_id = Several(Words())
    invoice_id = Several(Words())
    price_id = Several(Words())
    product_id = Several(Words())
    invoice_status = Several(fields.String(validate=validate.OneOf(FINAL_STATUSES)))
    type = Several(fields.String(validate=validate.OneOf(LINE_TYPES)))
    cadence = Several(fields.String(validate=validate.OneOf(CADENCES)))
    currency = Several(Currency())
    date_from = Day(metadata={"description": "Inclusive."})
    date_to = Day(metadata={"description": "Exclusive."})
    amount_min = MinorUnits(metadata={"description": "Inclusive, in minor units."})
    amount_max = MinorUnits(metadata={"description": "Inclusive, in minor units."})
    q = Words(
        metadata={
            "description": "Part of a customer's name or e-mail address, a product's name, a description, "
            "an invoice number or an id."
        }
    )
    modified_after = Instant()
    stream_id = Several(Words(), metadata={"description": "A stream that the line, or a share of it, is mapped to."})
    plan_id = Several(Words())
    layer = Several(fields.String(validate=validate.OneOf(LAYERS)), metadata={"description": "What maps the line."})
    mapped = Flag(metadata={"description": "Whether anything maps the line."})
    as_of = AS_OF

    @validates_schema(skip_on_field_errors=False)
    def _bounds_in_order(self, data: dict[str, Any], **_options: object) -> None:
        if data.get("date_from", date.min) > data.get("date_to", date.max):
            raise ValidationError("date_from is after date_to.", "date_from")
        if "amount_min" in data and "amount_max" in data and data["amount_min"] > data["amount_max"]:
            raise ValidationError("amount_min is above amount_max.", "amount_min")


class LinesQuery(LinesFilter):
    """Which revenue lines to return, in which order, and which page of them."""

    limit = WholeNumber(load_default=DEFAULT_LIMIT, validate=validate.Range(1, MAX_LIMIT))
    cursor = fields.String(validate=validate.Length(1, 2000))
    include = fields.String(validate=validate.OneOf(["totals"]))


class LineQuery(Schema):
    """The mode of the line to return, and the moment as of which."""

    as_of = AS_OF
    livemode = Flag(metadata={"description": "Default: the mode of the company's connection."})


class Interval(Schema):
    """How often a recurring price bills: every `count` times `unit`."""

    unit = fields.String(metadata={"description": "day, week, month or year."})
    count = fields.Integer()


class Period(Schema):
    """A service period, which includes `start` and excludes `end`."""

    start = Instant()
    end = Instant()


class MappedPart(Schema):
    """A share of a line, in basis points, and where it is reported."""

    stream_id = fields.String(allow_none=True)
    plan_id = fields.String(allow_none=True)
    kind = fields.String(validate=validate.OneOf(KINDS))
    bp = fields.Integer()
    treatment = fields.Dict(
        allow_none=True, metadata={"description": "When it is earned; null: over its period, else when booked."}
    )
    net_amount = fields.Integer()


class MappedAs(Schema):
    """What a line is mapped to."""

    layer = fields.String(validate=validate.OneOf(LAYERS))
    rule_id = fields.String(allow_none=True)
    rules_version = fields.Integer(
        allow_none=True, metadata={"description": "The rules in force; null before the first, and for overrides."}
    )
    parts = fields.List(fields.Nested(MappedPart))


class RevenueLine(Schema):
    """A line of a completed invoice. Amounts are integers in minor units of `currency`."""

    object = fields.Constant("revenue_line")
    invoice_line_item_id = fields.String()
    subscription_id = fields.String(allow_none=True)
    customer_name = fields.String(allow_none=True, metadata={"description": "The newest known name."})
    customer_id = fields.String(allow_none=True)
    description = fields.String(allow_none=True)
    date = fields.Date(metadata={"description": "The UTC day on which the service period starts."})
    amount = fields.Integer(metadata={"description": "Stripe's line amount, before discounts."})
    currency = fields.String()
    currency_exponent = fields.Integer()
    discount_amount = fields.Integer()
    tax_amount = fields.Integer(metadata={"description": "The tax included in `amount`."})
    net_amount = fields.Integer(metadata={"description": "amount - discount_amount - tax_amount."})
    type = fields.String(validate=validate.OneOf(LINE_TYPES))
    cadence = fields.String(validate=validate.OneOf(CADENCES))
    interval = fields.Nested(Interval, allow_none=True)
    cadence_source = fields.String(metadata={"description": "What determined it: price, plan, no_price or unknown."})
    period = fields.Nested(Period)
    proration = fields.Boolean()
    quantity = fields.String(allow_none=True)
    price_id = fields.String(allow_none=True)
    price_name = fields.String(
        allow_none=True, metadata={"description": "The price's newest known nickname, else its lookup key."}
    )
    product_id = fields.String(allow_none=True)
    product_name = fields.String(allow_none=True, metadata={"description": "The newest known name."})
    customer_name_on_invoice = fields.String(allow_none=True)
    customer_email = fields.String(allow_none=True, metadata={"description": "The address that the invoice names."})
    invoice_id = fields.String()
    invoice_number = fields.String(allow_none=True)
    invoice_status = fields.String(validate=validate.OneOf(FINAL_STATUSES))
    invoice_complete = fields.Boolean()
    credited_amount = fields.Integer(metadata={"description": "What issued credit notes take from `net_amount`."})
    livemode = fields.Boolean()
    mapping = fields.Nested(
        MappedAs,
        allow_none=True,
        metadata={"description": "Null while the table is one that a release without mappings built."},
    )
    position = fields.Integer(metadata={"description": "The position of the event that last changed this line."})
    updated_at = Instant()


class Total(Schema):
    """The sums of all lines of the filter in one currency."""

    currency = fields.String()
    count = fields.Integer()
    amount = fields.Integer(metadata={"description": "Of all lines: billed, void and uncollectible ones."})
    net_amount = fields.Integer()
    billed_amount = fields.Integer(
        metadata={"description": "Of open and paid invoices alone, as in a chart of revenue."}
    )
    billed_net_amount = fields.Integer(metadata={"description": "The net amount of open and paid invoices."})
    void_amount = fields.Integer(metadata={"description": "The amount of void invoices."})
    uncollectible_amount = fields.Integer(metadata={"description": "The amount of uncollectible invoices."})


class RevenueLineList(Schema):
    """A page of revenue lines at one moment: it includes all events up to `position` and none after."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(RevenueLine))
    has_more = fields.Boolean()
    next_cursor = fields.String(allow_none=True)
    position = fields.Integer()
    checksum = fields.String(
        allow_none=True,
        metadata={"description": "The checksum of the company's whole table at `position`, whatever the filter."},
    )
    projection_status = fields.String(metadata={"description": "live, or halted at an event that cannot be applied."})
    totals = fields.List(fields.Nested(Total), metadata={"description": "Only returned with include=totals."})
