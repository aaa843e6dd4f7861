r"""The one text of a row: what is copied into PostgreSQL, hashed for the checksum and compared between builds. Pure.

https://www.postgresql.org/docs/current/sql-copy.html: fields are separated by tabs, NULL is \N, and tabs, line ends and
backslashes within a text are escaped.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b

from projections.revenue_rows import HEAD, SAID, Fields, Row, Shown

CHECKSUM_BYTES = 16
_MODULUS = 1 << (8 * CHECKSUM_BYTES)

_NULL = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def text_of(row: Row) -> str:
    """Give the row as a line of COPY, without its end."""
    head, line, shown = row[:HEAD], row[HEAD:SAID], row[SAID:]
    return f"{head_text_of(head)}\t{line_text_of(line)}\t{shown_text_of(Shown._make(shown))}"


def head_text_of(head: Fields) -> str:
    """Give the text of what an invoice says once for all its lines."""
    livemode, *named = head
    return "\t".join(("t" if livemode else "f", *_texts(named)))


def line_text_of(line: Fields) -> str:
    """Give the text of what an invoice says of one line."""
    named = "\t".join(_texts(line[:6]))
    _, start, end, amount, discount, tax, net, currency, exponent, proration = line[6:]
    return (
        f"{named}\t{_period(start, end)}\t{amount}\t{discount}\t{tax}\t{net}\t{currency}\t{exponent}\t"
        f"{'t' if proration else 'f'}"
    )


def shown_text_of(shown: Shown) -> str:
    """Give the text of what the table says of a line besides."""
    name, kind, cadence, unit, count, source, status, is_complete, position, updated_at = shown
    called, interval = _texts((name, unit))
    return (
        f"{called}\t{kind}\t{cadence}\t{interval}\t{_NULL if count is None else count}\t{source}\t{status}\t"
        f"{'t' if is_complete else 'f'}\t{position}\t{updated_at.isoformat()}"
    )


def hash_of(text: str) -> int:
    """Give the hash of a row's text. The checksum of a table is the sum of its rows' hashes, modulo 2^128."""
    return int.from_bytes(blake2b(text.encode(), digest_size=CHECKSUM_BYTES).digest(), "big")


def added(checksum: bytes, hashes: int) -> bytes:
    """Give the checksum with these hashes added to it; a negative sum takes them away."""
    total = (int.from_bytes(checksum, "big") + hashes) % _MODULUS
    return total.to_bytes(CHECKSUM_BYTES, "big")


def _texts(values: Sequence[str | None]) -> list[str]:
    # Hardly any text has anything to escape: all of them are looked through at once.
    raw = "".join(filter(None, values))
    if "\\" in raw or not raw.isprintable():
        return [_NULL if value is None else value.translate(_ESCAPES) for value in values]
    return [_NULL if value is None else value for value in values]


@lru_cache(4096)
def _period(start: datetime, end: datetime) -> str:
    return f"{start.date()}\t{start.isoformat()}\t{end.isoformat()}"
