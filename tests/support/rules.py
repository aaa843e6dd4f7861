"""Documents of rules, random lines, and what rules say of a line when they are read word for word."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any
from unicodedata import normalize

from hypothesis import strategies as st

from projections.mapping.reading_rules import read_rules
from projections.mapping.rule_set import RuleSet
from projections.mapping.rules import Rules


def new_ids() -> Callable[[], str]:
    numbers: Iterator[int] = count(1)
    return lambda: f"rule_new{next(numbers)}"


def rules_of(*documents: dict) -> Rules:
    return read_rules(list(documents), new_ids())


def rule_set(*documents: dict) -> RuleSet:
    return RuleSet(rules_of(*documents))


def to(stream_id: str) -> dict:
    """Return the outcome that maps a line to one stream."""
    return {"shares": [{"bp": 10_000, "stream_id": stream_id}]}


def rule(rule_id: str, *conditions: tuple, **more: object) -> dict:
    """Return a rule to the stream of its own name; conditions are (field, op) or (field, op, value)."""
    written = [dict(zip(("field", "op", "value"), condition, strict=False)) for condition in conditions]
    return {"id": rule_id, "conditions": written, "outcome": to(f"str_{rule_id}"), **more}


_WORDS = ("pro", "Pro  Plan", "basic plan", "ＰＲＯ", "Straße", "STRASSE", "plan")
_IDS = ("prod_a", "prod_A", "prod_b")
_NUMBERS = (-5, 0, 3, 10)
_DECIMALS = ("0", "1.5", "1.50", "3", 3)
_DAYS = ("2025-12-31", "2026-01-01", "2026-02-01")
_EXACT = ("is", "is_not")
_LISTED = ("in", "not_in")
_UNARY = ("is_empty", "is_present")
_OF_TEXT = ("starts_with", "ends_with", "contains")
_OF_TEXTS = ("contains_all", "contains_any")
_ORDERED = ("lt", "lte", "gt", "gte")

FIELDS = {
    "product_id": ("text", _IDS),
    "description": ("text", _WORDS),
    "subscription.metadata.region": ("text", _WORDS),
    "net_amount": ("ordered", _NUMBERS),
    "quantity": ("ordered", _DECIMALS),
    "date": ("ordered", _DAYS),
    "finalized_on": ("ordered", _DAYS),
    "proration": ("flag", (True, False)),
}


@st.composite
def conditions(draw: st.DrawFn) -> dict:
    field = draw(st.sampled_from(sorted(FIELDS)))
    kind, values = FIELDS[field]
    single, several = st.sampled_from(values), st.lists(st.sampled_from(values), min_size=1, max_size=3)
    operators = [*_EXACT, *_UNARY]
    if kind != "flag":
        operators += _LISTED
    if kind == "text":
        operators += [*_OF_TEXT, *_OF_TEXTS]
    if kind == "ordered":
        operators += [*_ORDERED, "between"]
    op = draw(st.sampled_from(operators))
    if op in _UNARY:
        return {"field": field, "op": op}
    if op == "between":
        low, high = sorted(draw(st.tuples(single, single)), key=lambda value: ordered(field, value))
        return {"field": field, "op": op, "value": [low, high]}
    return {"field": field, "op": op, "value": draw(several if op in (*_LISTED, *_OF_TEXTS) else single)}


@st.composite
def rule_documents(draw: st.DrawFn) -> list[dict]:
    documents = []
    for number in range(draw(st.integers(0, 5))):
        document: dict = {"id": f"rule_{number}", "enabled": draw(st.sampled_from((True, True, False)))}
        if draw(st.booleans()):
            since, until = draw(
                st.sampled_from(((None, None), _DAYS[:2], _DAYS[1:], (_DAYS[1], None), (None, _DAYS[1])))
            )
            document["applies"] = {
                "by": draw(st.sampled_from(("service_start", "finalized"))),
                "from": since,
                "to": until,
            }
        if draw(st.integers(0, 4)) == 0:
            keys = draw(st.sets(st.sampled_from(_IDS), min_size=1))
            document["lookup"] = {"field": "product_id", "table": {key: f"str_{key}" for key in sorted(keys)}}
        else:
            document["match"] = draw(st.sampled_from(("all", "any")))
            least = 1 if document["match"] == "any" else 0
            document["conditions"] = draw(st.lists(conditions(), min_size=least, max_size=3))
            document["outcome"] = to(f"str_{number}")
        documents.append(document)
    return documents


def ordered(field: str, value: object) -> Any:
    """Return a value as it is compared."""
    if field in {"date", "finalized_on"}:
        return date.fromisoformat(str(value))
    return Decimal(str(value)) if field == "quantity" else value


def _found(field: str) -> st.SearchStrategy:
    kind, values = FIELDS[field]
    written = [*values, " "] if kind == "text" else values
    # The line has a decimal as a text, as it is kept.
    return st.sampled_from([str(value) if field == "quantity" else ordered(field, value) for value in written])


# What a line has in its fields; some are missing, some blank.
SUBJECTS: st.SearchStrategy[dict] = st.fixed_dictionaries({}, optional={field: _found(field) for field in FIELDS})


# Word for word: what each operator means, for one line, with nothing prepared.


def plainly_mapped(documents: list[dict], subject: dict) -> tuple[str | None, dict | None]:
    """Return the id and the outcome of the first rule that matches."""
    for document in documents:
        if plainly_matches(document, subject):
            if "lookup" in document:
                found = document["lookup"]["table"][subject[document["lookup"]["field"]]]
                return document["id"], to(found)
            return document["id"], document["outcome"]
    return None, None


def plainly_matches(document: dict, subject: dict) -> bool:
    if not document["enabled"]:
        return False
    applies = document.get("applies")
    if applies:
        day = subject.get("date" if applies["by"] == "service_start" else "finalized_on")
        if day is None or not (applies["from"] or "0000") <= day.isoformat() < (applies["to"] or "9999-99"):
            return False
    if "lookup" in document:
        return subject.get(document["lookup"]["field"]) in document["lookup"]["table"]
    hold = [_holds(condition, subject.get(condition["field"])) for condition in document["conditions"]]
    return all(hold) if document["match"] == "all" else any(hold)


def _plain(field: str, value: object) -> Any:
    if FIELDS[field][0] == "text" and field != "product_id":
        return " ".join(normalize("NFKC", str(value)).casefold().split())
    return ordered(field, value)


def _holds(condition: dict, found: object) -> Any:  # noqa: C901, PLR0911 - one line for each operator
    field, op, asked = condition["field"], condition["op"], condition.get("value")
    if found is None or _plain(field, found) == "":
        return op in {"is_empty", "is_not", "not_in"}
    value = _plain(field, found)
    those = [_plain(field, one) for one in (asked if isinstance(asked, list) else [asked])] if asked is not None else []
    match op:
        case "is_present" | "is_empty":
            return op == "is_present"
        case "is" | "in":
            return value in those
        case "is_not" | "not_in":
            return value not in those
        case "starts_with":
            return str(value).find(str(those[0])) == 0
        case "ends_with":
            return str(value)[::-1].find(str(those[0])[::-1]) == 0
        case "contains" | "contains_any":
            return any(str(value).find(str(one)) >= 0 for one in those)
        case "contains_all":
            return not any(str(value).find(str(one)) < 0 for one in those)
        case "between":
            return not (value < those[0] or value > those[1])
        case "lt" | "lte":
            return value < those[0] or (op == "lte" and value == those[0])
        case "gt" | "gte":
            return value > those[0] or (op == "gte" and value == those[0])
        case _:
            raise LookupError(op)
