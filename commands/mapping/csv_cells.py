"""Cells of the CSV of streams and rules: how values are written, and read back.

Texts that a spreadsheet would take for a formula have an apostrophe before them.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from projections.mapping.fields import FieldType, field_type_of
from projections.mapping.operators import OPERATORS, Shape

Json = dict[str, Any]
Row = dict[str, str]

COLUMNS = (
    *("row", "id", "name", "stream", "plan", "code", "archived", "enabled", "match", "applies_by", "from", "to"),
    *("field", "op", "value", "percent", "counts_as", "treatment"),
)
_FORMULA = ("=", "+", "-", "@", "'", "\t", "\r")
_MONTHS = re.compile(r"(\d+) months from (\w+)")
_FLAGS = {"yes": True, "no": False, "": None}


def value_of(condition: Json) -> str:
    """Return the value of a condition as a cell."""
    if "value" not in condition:
        return ""
    return cell(condition["value"]) if _is_one_text(condition) else json.dumps(condition["value"], ensure_ascii=False)


def value_in(row: Row) -> object:
    """Return the value of the condition of a row."""
    if _is_one_text(row):
        return text_in(row["value"])
    try:
        return json.loads(row["value"])
    except ValueError:
        return row["value"]


def _is_one_text(condition: Mapping[str, Any]) -> bool:
    operator = OPERATORS.get(condition["op"])
    known = field_type_of(condition["field"])
    is_text = known in (FieldType.ID, FieldType.TEXT, FieldType.DATE)
    return is_text and operator is not None and operator.shape is Shape.ONE


def treatment_of(treatment: Json | None) -> str:
    """Return a treatment as a cell."""
    if not treatment:
        return ""
    is_months = treatment["kind"] == "months"
    return f"{treatment['n']} months from {treatment['from']}" if is_months else str(treatment["kind"])


def treatment_in(written: str) -> Json | None:
    """Return the treatment of a cell."""
    if found := _MONTHS.fullmatch(written):
        return {"kind": "months", "n": int(found[1]), "from": found[2]}
    return {"kind": written} if written else None


def basis_points_in(written: str) -> int | str:
    """Return the basis points of a percentage; what is none, as it is."""
    whole, _, decimals = written.removesuffix("%").strip().partition(".")
    is_number = whole.isdecimal() and len(whole) < len("10000") and len(decimals) <= len("00")
    return int(whole + decimals.ljust(2, "0")) if is_number and (decimals or "0").isdecimal() else written


def flag_of(is_so: bool) -> str:  # noqa: FBT001 - not a switch: a value
    """Return yes or no."""
    return "yes" if is_so else "no"


def cell(text: str) -> str:
    """Return a text as a cell."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def text_in(written: str) -> str:
    """Return the text of a cell."""
    return written[1:] if written.startswith("'") and written[1:].startswith(_FORMULA) else written


def flag_in(written: str) -> bool | str | None:
    """Return true or false; None if nothing is said, and what is neither as it is."""
    return _FLAGS.get(written, written)
