r"""The text of a row: it is copied into PostgreSQL, hashed for the checksum and compared between builds. Pure.

https://www.postgresql.org/docs/current/sql-copy.html: fields are separated by tabs, NULL is \N, and tabs, line ends and
backslashes within a text are escaped.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime
from hashlib import blake2b

CHECKSUM_BYTES = 16
_MODULUS = 1 << (8 * CHECKSUM_BYTES)

_NULL = "\\N"
_ESCAPED = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_ESCAPES = str.maketrans(_ESCAPED)
_UNESCAPED = {escape: character for character, escape in _ESCAPED.items()}
_ESCAPE = re.compile(r"\\.")


def text_of(fields: Iterable[object]) -> bytes:
    """Return fields of a row as fields of a line for COPY, in UTF-8."""
    return "\t".join(map(_text_of_field, fields)).encode()


def fields_of(line: bytes) -> list[str | None]:
    """Return the fields of a line for COPY, as texts; None is NULL."""
    fields = line.decode().rstrip("\n").split("\t")
    return [None if field == _NULL else _unescaped(field) for field in fields]


def texts_of(*values: str | None) -> str:
    """Return text fields as fields of a line for COPY. Few need escaping, so all are checked at once."""
    raw = "".join(filter(None, values))
    if raw.isprintable() and "\\" not in raw:
        return "\t".join([_NULL if value is None else value for value in values])
    return "\t".join(map(_text_of_field, values))


def hash_of(text: bytes) -> int:
    """Return the hash of a row's text. The checksum of a table is the sum of its rows' hashes, modulo 2^128."""
    return int.from_bytes(blake2b(text, digest_size=CHECKSUM_BYTES).digest(), "big")


def added(checksum: bytes, hashes: int) -> bytes:
    """Return the checksum with a sum of hashes added; a negative sum removes them."""
    total = (int.from_bytes(checksum, "big") + hashes) % _MODULUS
    return total.to_bytes(CHECKSUM_BYTES, "big")


def _unescaped(field: str) -> str:
    return _ESCAPE.sub(lambda found: _UNESCAPED[found[0]], field) if "\\" in field else field


def _text_of_field(value: object) -> str:
    match value:
        case None:
            return _NULL
        case bool():
            return "t" if value else "f"
        case datetime() | date():
            return value.isoformat()
        case str():
            return value.translate(_ESCAPES)
        case _:
            return str(value)
