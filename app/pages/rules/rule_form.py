"""Read a rule from the form of the editor. What is wrong in it stays as it was typed, for the form to show again."""

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from flask import request

from app.pages.forms import typed
from app.pages.rules.field_words import METADATA, operators_for, shape_of
from app.pages.rules.table_form import table_in
from projections.mapping.decisions.streams import Stream
from projections.mapping.fields import FieldType, field_type_of
from projections.mapping.operators import Shape
from projections.mapping.writing_rules import Json

Mistakes = dict[str, str]

_BASIS_POINTS = 100
_NUMBERED = re.compile(r"([cs])(\d{1,3})\.")
_INTEGER = re.compile(r"[-−]?\d{1,19}")


class RuleForm(NamedTuple):
    """A rule as it was typed, and what is wrong before anybody reads it as one; `more` is what was pasted."""

    rule: Json
    mistakes: Mistakes
    more: str = ""


def rule_in_form(rule_id: str | None, streams: dict[str, Stream]) -> RuleForm:
    """Return the rule that the form describes."""
    rule: Json = {"id": rule_id, "name": typed("name").strip(), "enabled": "enabled" in request.form}
    if typed("by"):
        rule["applies"] = {"by": typed("by"), "from": typed("from") or None, "to": _day_after(typed("last_day"))}
    if "lookup.field" in request.form:
        table = table_in(streams)
        rule["lookup"] = {"field": _field("lookup"), "table": table.entries}
        return RuleForm(rule, table.mistakes, table.more)
    rule["match"] = typed("match") or "all"
    rule["conditions"] = [_condition(prefix) for prefix in _numbered("c") if typed(f"{prefix}.field")]
    shares = [_share(prefix) for prefix in _numbered("s") if typed(f"{prefix}.percent") or typed(f"{prefix}.target")]
    rule["outcome"] = {"shares": shares}
    return RuleForm(rule, {})


def with_suiting_operators(rule: Json) -> Json:
    """Return a rule whose conditions have operators that suit their fields, and values that suit those."""
    for condition in rule.get("conditions", ()):
        suiting = [name for name, _ in operators_for(condition["field"])]
        if condition["op"] not in suiting:
            condition["op"] = suiting[0]
    return rule


def _numbered(kind: str) -> list[str]:
    found = {match[2] for name in request.form if (match := _NUMBERED.match(name)) and match[1] == kind}
    return [f"{kind}{number}" for number in sorted(found, key=int)]


def _field(prefix: str) -> str:
    field = typed(f"{prefix}.field")
    return f"{field}{typed(f'{prefix}.key').strip()}" if field in METADATA else field


def _condition(prefix: str) -> Json:
    field, op = _field(prefix), typed(f"{prefix}.op") or "is"
    condition: Json = {"field": field, "op": op}
    field_type = FieldType.TEXT if field in METADATA else field_type_of(field)
    written = request.form.getlist(f"{prefix}.value")
    match shape_of(op):
        case Shape.NOTHING:
            pass
        case Shape.ONE:
            condition["value"] = _value(next(filter(str.strip, written), ""), field_type)
        case Shape.RANGE:
            condition["value"] = [_value(one, field_type) for one in written[:2]]
        case Shape.MANY:
            condition["value"] = [_value(one, field_type) for one in _several(written, field_type)]
    return condition


def _several(written: Sequence[str], field_type: FieldType | None) -> Iterator[str]:
    # Ids have neither blanks nor commas, so that lists of them can be pasted as they come.
    between = r"[\s,;]+" if field_type in (FieldType.ID, FieldType.INTEGER, FieldType.DATE) else r"[\r\n]+"
    for text in written:
        yield from filter(str.strip, re.split(between, text))


def _value(written: str, field_type: FieldType | None) -> str | int | bool:
    text = written.strip()
    if field_type is FieldType.FLAG and text in ("true", "false"):
        return text == "true"
    if field_type is FieldType.INTEGER and _INTEGER.fullmatch(text):
        return int(text.replace("−", "-"))
    return text


def _share(prefix: str) -> Json:
    stream_id, _, plan_id = typed(f"{prefix}.target").partition("/")
    share: Json = {"bp": _basis_points(typed(f"{prefix}.percent")), "stream_id": stream_id or None}
    share |= {"plan_id": plan_id or None, "kind": typed(f"{prefix}.kind") or "revenue"}
    kind = typed(f"{prefix}.treatment")
    if kind == "months":
        months = typed(f"{prefix}.months").strip()
        share["treatment"] = {"kind": kind, "n": int(months) if months.isdecimal() else months or None}
        share["treatment"]["from"] = typed(f"{prefix}.from") or "booked"
    elif kind:
        share["treatment"] = {"kind": kind}
    return share


def _basis_points(written: str) -> int | str:
    text = written.strip().removesuffix("%").strip().replace(",", ".")
    try:
        basis_points = Decimal(text) * _BASIS_POINTS
    except InvalidOperation:
        return written
    is_whole = basis_points.is_finite() and abs(basis_points) < _BASIS_POINTS**4 and basis_points == int(basis_points)
    return int(basis_points) if is_whole else written


def _day_after(last_day: str) -> str | None:
    try:
        return (date.fromisoformat(last_day) + timedelta(days=1)).isoformat() if last_day else None
    except (ValueError, OverflowError):
        return last_day
