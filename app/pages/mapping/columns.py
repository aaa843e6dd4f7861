"""The columns of the table as people see it: the seven that are always told first, and those they may add."""

from typing import NamedTuple


class Column(NamedTuple):
    """A column: its name in URLs, its heading, how its cells are drawn, and which columns of the CSV say the same."""

    name: str
    title: str
    kind: str
    written: tuple[str, ...]


def _column(name: str, title: str, kind: str, *written: str) -> Column:
    return Column(name, title, kind, written or (name,))


# What is shown as money carries its currency: in the CSV that is two columns more.
_MONEY = ("currency", "currency_exponent")

DEFAULT = (
    _column("invoice_line_item_id", "Invoice line item id", "line"),
    _column("subscription_id", "Subscription id", "id"),
    _column("customer_name", "Customer name", "text"),
    _column("customer_id", "Customer id", "id"),
    _column("description", "Description", "description"),
    _column("date", "Date", "day"),
    _column("amount", "Amount", "money", "amount", *_MONEY),
)
ADDABLE = (
    _column("type", "Type", "word"),
    _column("cadence", "Cadence", "cadence"),
    _column("period", "Period", "period", "period_start", "period_end"),
    _column("invoice_id", "Invoice id", "id"),
    _column("invoice_number", "Invoice number", "text"),
    _column("invoice_status", "Invoice status", "word"),
    _column("discount_amount", "Discount", "money", "discount_amount", *_MONEY),
    _column("tax_amount", "Included tax", "money", "tax_amount", *_MONEY),
    _column("net_amount", "Net", "money", "net_amount", *_MONEY),
    _column("currency", "Currency", "code"),
    _column("proration", "Proration", "flag"),
    _column("product_id", "Product", "text"),
    _column("price_id", "Price", "text"),
)
BY_NAME = {column.name: column for column in (*DEFAULT, *ADDABLE)}
DEFAULT_NAMES = tuple(column.name for column in DEFAULT)


def shown(names: tuple[str, ...]) -> list[Column]:
    """Give the columns of these names, in the table's own order."""
    return [column for name, column in BY_NAME.items() if name in names]


def written(columns: list[Column]) -> str:
    """Give the `columns=` of the CSV that says what these columns show."""
    return ",".join(dict.fromkeys(name for column in columns for name in column.written))
