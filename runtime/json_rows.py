"""Give any number of rows to a statement as one parameter: a JSON document that the statement reads as a table.

Arrays, one for each column, take several times as long to prepare.
https://www.postgresql.org/docs/current/functions-json.html: json_to_recordset.
"""

from collections.abc import Iterable, Sequence

import msgspec

_ENCODER = msgspec.json.Encoder()


def rows_of(columns: str, parameter: str = "rows", alias: str = "k") -> str:
    """Return SQL for FROM: the rows of a parameter, whose columns are listed with their types."""
    return f"json_to_recordset(%({parameter})s::json) AS {alias} ({columns})"


def as_rows(names: Sequence[str], rows: Iterable[Sequence[object]], parameter: str = "rows") -> dict[str, str]:
    """Return the parameter. Values are what JSON has, dates and instants; bytes become what bytea reads."""
    records = [dict(zip(names, map(_plain, row), strict=True)) for row in rows]
    return {parameter: _ENCODER.encode(records).decode()}


def _plain(value: object) -> object:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value
