"""Give any number of rows to a statement as one parameter: a JSON document that the statement reads as a table.

Arrays, one for each column, take several times as long to prepare.
https://www.postgresql.org/docs/current/functions-json.html: json_to_recordset.
"""

from collections.abc import Iterable, Sequence

import msgspec

_ENCODER = msgspec.json.Encoder()


def rows_of(columns: str) -> str:
    """Return SQL for FROM: the rows of the parameter `rows`, whose columns are listed with their types."""
    return f"json_to_recordset(%(rows)s::json) AS k ({columns})"


def as_rows(names: Sequence[str], rows: Iterable[Sequence[object]]) -> dict[str, str]:
    """Return the parameter `rows`. Values are what JSON has, dates and instants; bytes become what bytea reads."""
    records = [dict(zip(names, map(_plain, row), strict=True)) for row in rows]
    return {"rows": _ENCODER.encode(records).decode()}


def _plain(value: object) -> object:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value
