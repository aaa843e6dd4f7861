r"""The one text of a row: what is copied into PostgreSQL, hashed for the checksum and compared between builds. Pure.

https://www.postgresql.org/docs/current/sql-copy.html: fields are separated by tabs, NULL is \N, and tabs, line ends and
backslashes within a text are escaped.
"""

from datetime import datetime
from functools import lru_cache
from hashlib import blake2b

from projections.revenue_rows import Row

CHECKSUM_BYTES = 16
_MODULUS = 1 << (8 * CHECKSUM_BYTES)

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def text_of(row: Row) -> str:
    """Give the row as a line of COPY, without its end."""
    (livemode, invoice_id, line_id, subscription_id, customer_id, name, billed_name, description, day) = row[:9]
    (start, end, amount, discount, tax, net, currency, exponent) = row[9:17]
    (kind, cadence, unit, count, source, proration, quantity, price_id, product_id) = row[17:26]
    (number, status, is_complete, position, updated_at) = row[26:]
    return (
        f"{_flag(livemode)}\t{_text(invoice_id)}\t{_text(line_id)}\t{_text(subscription_id)}\t{_text(customer_id)}\t"
        f"{_text(name)}\t{_text(billed_name)}\t{_text(description)}\t{day}\t{_instant(start)}\t{_instant(end)}\t"
        f"{amount}\t{discount}\t{tax}\t{net}\t{currency}\t{exponent}\t{kind}\t{cadence}\t{_text(unit)}\t"
        f"{_number(count)}\t{source}\t{_flag(proration)}\t{_text(quantity)}\t{_text(price_id)}\t"
        f"{_text(product_id)}\t{_text(number)}\t{status}\t{_flag(is_complete)}\t{position}\t{_instant(updated_at)}"
    )


def hash_of(text: str) -> int:
    """Give the hash of a row's text. The checksum of a table is the sum of its rows' hashes, modulo 2^128."""
    return int.from_bytes(blake2b(text.encode(), digest_size=CHECKSUM_BYTES).digest(), "big")


def added(checksum: bytes, hashes: int) -> bytes:
    """Give the checksum with these hashes added to it; a negative sum takes them away."""
    total = (int.from_bytes(checksum, "big") + hashes) % _MODULUS
    return total.to_bytes(CHECKSUM_BYTES, "big")


def _text(value: str | None) -> str:
    return "\\N" if value is None else value.translate(_ESCAPES)


def _number(value: int | None) -> str:
    return "\\N" if value is None else str(value)


def _flag(value: bool) -> str:  # noqa: FBT001 - a value
    return "t" if value else "f"


@lru_cache(4096)
def _instant(value: datetime) -> str:
    return value.isoformat()
