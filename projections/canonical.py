r"""The one text of a row: what is copied into PostgreSQL, hashed for the checksum and compared between builds. Pure.

https://www.postgresql.org/docs/current/sql-copy.html: fields are separated by tabs, NULL is \N, and tabs, line ends and
backslashes within a text are escaped.
"""

from datetime import datetime
from functools import lru_cache
from hashlib import blake2b

from projections.revenue_rows import FIXED, Row

CHECKSUM_BYTES = 16
_MODULUS = 1 << (8 * CHECKSUM_BYTES)

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def text_of(row: Row, fixed_text: str | None = None) -> str:
    """Give the row as a line of COPY, without its end; `fixed_text` is its `fixed_text_of`, when that is known."""
    name, kind, cadence, unit, count, source, status, is_complete, position, updated_at = row[FIXED:]
    return (
        f"{fixed_text or fixed_text_of(row)}\t{_text(name)}\t{kind}\t{cadence}\t{_text(unit)}\t"
        f"{_or_null(count)}\t{source}\t{status}\t{_flag(is_complete)}\t{position}\t{_instant(updated_at)}"
    )


def fixed_text_of(row: Row) -> str:
    """Give the text of what an invoice says of the line."""
    livemode, invoice_id, line_id, subscription_id, customer_id, billed_name, description, day = row[:8]
    start, end, amount, discount, tax, net, currency, exponent = row[8:16]
    proration, quantity, price_id, product_id, number = row[16:FIXED]
    return (
        f"{_flag(livemode)}\t{_text(invoice_id)}\t{_text(line_id)}\t{_text(subscription_id)}\t{_text(customer_id)}\t"
        f"{_text(billed_name)}\t{_text(description)}\t{day}\t{start.isoformat()}\t{end.isoformat()}\t{amount}\t{discount}\t"
        f"{tax}\t{net}\t{currency}\t{exponent}\t{_flag(proration)}\t{_text(quantity)}\t{_text(price_id)}\t"
        f"{_text(product_id)}\t{_text(number)}"
    )


def hash_of(text: str) -> int:
    """Give the hash of a row's text. The checksum of a table is the sum of its rows' hashes, modulo 2^128."""
    return int.from_bytes(blake2b(text.encode(), digest_size=CHECKSUM_BYTES).digest(), "big")


def added(checksum: bytes, hashes: int) -> bytes:
    """Give the checksum with these hashes added to it; a negative sum takes them away."""
    total = (int.from_bytes(checksum, "big") + hashes) % _MODULUS
    return total.to_bytes(CHECKSUM_BYTES, "big")


@lru_cache(65536)
def _text(value: str | None) -> str:
    return "\\N" if value is None else value.translate(_ESCAPES)


def _or_null(value: object) -> str:
    return "\\N" if value is None else str(value)


def _flag(value: object) -> str:
    return "t" if value else "f"


@lru_cache(4096)
def _instant(value: datetime) -> str:
    return value.isoformat()
