"""The parameters of the table's address: those of the API's list, and those that say how a page looks."""

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, ValidationError, fields, validate

from app.api.schemas import LinesFilter
from app.http.fields import Currency, Names
from projections.reads.table.filters import SEVERAL

# The columns that a page can show. One of them may be several in the CSV.
SHOWN_COLUMNS = (
    "invoice_line_item_id",
    "subscription_id",
    "customer_name",
    "customer_id",
    "description",
    "date",
    "amount",
    "type",
    "cadence",
    "period",
    "invoice_id",
    "invoice_number",
    "invoice_status",
    "discount_amount",
    "tax_amount",
    "net_amount",
    "credited_amount",
    "currency",
    "proration",
    "product_id",
    "price_id",
    "customer_email",
    "updated_at",
    "stream",
    "mapped_by",
)
DENSITIES = ("comfortable", "compact")


class ViewParameters(LinesFilter):
    """The API's list parameters, and those of pages alone: columns, density and the currency of the chart."""

    columns = Names(SHOWN_COLUMNS, metadata={"type": "string", "description": "Names of columns, separated by commas."})
    density = fields.String(validate=validate.OneOf(DENSITIES))
    chart = Currency(metadata={"description": "The currency of the chart."})


class AddressParameters(fields.Field[dict[str, Any]]):
    """Parameters as an address has them: a text each, or a list of texts for those that may be given several times."""

    def _deserialize(self, value: Any, *_context: Any, **_options: Any) -> dict[str, Any]:  # noqa: ANN401
        if not isinstance(value, Mapping):
            raise ValidationError("Not an object of parameters.")
        wrong = {
            name: ["Not a text, or a list of texts."]
            for name, given in value.items()
            if not (isinstance(given, str) or (name in SEVERAL and _are_texts(given)))
        }
        if wrong:
            raise ValidationError(wrong)
        ViewParameters().load(value, unknown=RAISE)
        return {
            name: given if name not in SEVERAL or isinstance(given, list) else [given] for name, given in value.items()
        }


def _are_texts(given: object) -> bool:
    return isinstance(given, list) and all(isinstance(one, str) for one in given)
