"""The columns of the table page: the seven defaults, and those that can be added."""

from typing import NamedTuple


class Column(NamedTuple):
    """A column: its name in URLs, heading, way of rendering, and the columns of exports with the same content."""

    name: str
    title: str
    kind: str
    written: tuple[str, ...]


def _column(name: str, title: str, kind: str, *written: str) -> Column:
    return Column(name, title, kind, written or (name,))


# An amount on the page includes its currency; in an export that takes another column.
_CURRENCY = "currency"

DEFAULT = (
    _column("invoice_line_item_id", "Invoice line item ID", "line"),
    _column("subscription_id", "Subscription ID", "id"),
    _column("customer_name", "Customer name", "text"),
    _column("customer_id", "Customer ID", "id"),
    _column("description", "Description", "description"),
    _column("date", "Date", "day"),
    _column("amount", "Amount", "money", "amount", _CURRENCY),
)
ADDABLE = (
    # What a line is mapped to is in no export.
    Column("stream", "Stream", "stream", ()),
    Column("mapped_by", "Mapped by", "mapped_by", ()),
    _column("type", "Type", "word"),
    _column("cadence", "Cadence", "cadence"),
    _column("period", "Period", "period", "period_start", "period_end"),
    _column("invoice_id", "Invoice ID", "id"),
    _column("invoice_number", "Invoice number", "text"),
    _column("invoice_status", "Invoice status", "word"),
    _column("discount_amount", "Discount", "money", "discount_amount", _CURRENCY),
    _column("tax_amount", "Included tax", "money", "tax_amount", _CURRENCY),
    _column("net_amount", "Net", "money", "net_amount", _CURRENCY),
    _column("credited_amount", "Credited", "money", "credited_amount", _CURRENCY),
    _column("currency", "Currency", "code"),
    _column("proration", "Proration", "flag"),
    _column("product_id", "Product", "named", "product_name", "product_id"),
    _column("price_id", "Price", "named", "price_name", "price_id"),
    _column("customer_email", "Customer e-mail", "text"),
    _column("updated_at", "Updated", "instant"),
)
BY_NAME = {column.name: column for column in (*DEFAULT, *ADDABLE)}
DEFAULT_NAMES = tuple(column.name for column in DEFAULT)


def shown(names: tuple[str, ...]) -> list[Column]:
    """Return the columns with these names, in table order."""
    return [column for name, column in BY_NAME.items() if name in names]


def written(columns: list[Column]) -> str:
    """Return the value of an export's `columns=` parameter that matches these columns."""
    names = dict.fromkeys(name for column in columns for name in column.written)
    return ",".join(names or DEFAULT[0].written)
