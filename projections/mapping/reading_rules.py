"""Read a document of rules, strictly: all that is wrong in it is named with its place, and nothing is guessed. Pure."""

from collections.abc import Callable
from typing import cast

from projections.mapping.fields import APPLIES_BY, FieldType, Value, comparable
from projections.mapping.operators import TEXTS
from projections.mapping.problems import InvalidRulesError, Place, Problem, quoted
from projections.mapping.reading_conditions import conditions_at, field_at
from projections.mapping.reading_outcomes import MAX_ID, outcome_at
from projections.mapping.reading_values import choice_at, date_at, flag_at, items_at, object_at, text_at
from projections.mapping.rules import AnyRule, Applies, AppliesBy, LookupRule, Match, Rule, Rules

MAX_RULES = 500
MAX_TABLE = 10_000
_MAX_NAME = 200
_PREFIX = "rule_"
_COMMON = ("id", "name", "enabled", "applies")
_OF_RULE = (*_COMMON, "match", "conditions", "outcome")
_OF_LOOKUP = (*_COMMON, "lookup")


def read_rules(document: object, new_id: Callable[[], str], *, pointer: str = "/rules") -> Rules:
    """Return the rules of a list, in order. A rule without an id gets a new one; `pointer` says where the list stands.

    :raises InvalidRulesError: it cannot be used
    """
    noted: list[Problem] = []
    here = Place(noted, pointer)
    rules = tuple(_rule_at(place, item, new_id) for place, item in items_at(here, document, most=MAX_RULES))
    seen: set[str] = set()
    for number, rule in enumerate(rules):
        if rule.rule_id in seen:
            (here / number / "id").note(f"Another rule has the id {quoted(rule.rule_id)}, too.")
        seen.add(rule.rule_id)
    if noted:
        raise InvalidRulesError(noted)
    return rules


def _rule_at(place: Place, value: object, new_id: Callable[[], str]) -> AnyRule:
    is_lookup = isinstance(value, dict) and value.get("lookup") is not None
    required = ("lookup",) if is_lookup else ("outcome",)
    found = object_at(place, value, _OF_LOOKUP if is_lookup else _OF_RULE, required=required)
    rule_id = new_id() if found.get("id") is None else _id_at(place / "id", found["id"])
    name = text_at(place / "name", found["name"], most=_MAX_NAME) if found.get("name") not in (None, "") else ""
    is_enabled = flag_at(place / "enabled", found.get("enabled", True)) is not False
    applies = None if found.get("applies") is None else _applies_at(place / "applies", found["applies"])
    if is_lookup:
        field, table = _lookup_at(place / "lookup", found["lookup"])
        return LookupRule(rule_id, name or "", field, table, applies, is_enabled)
    match = cast("Match | None", choice_at(place / "match", found.get("match", "all"), ("all", "any")))
    conditions = conditions_at(place / "conditions", found.get("conditions", []))
    if match == "any" and found.get("conditions", []) == []:
        (place / "conditions").note("A rule that matches if any condition holds needs one.")
    outcome = outcome_at(place / "outcome", found["outcome"]) if found.get("outcome") is not None else ()
    return Rule(rule_id, name or "", outcome, conditions, match or "all", applies, is_enabled)


def _id_at(place: Place, value: object) -> str:
    rule_id = text_at(place, value, most=MAX_ID) or ""
    rest = rule_id.removeprefix(_PREFIX)
    if rule_id and (rest == rule_id or not rest.replace("_", "").isalnum() or not rest.isascii()):
        place.note("An id of a rule begins with rule_, and goes on with letters, digits and underscores.")
    return rule_id


def _applies_at(place: Place, value: object) -> Applies | None:
    found = object_at(place, value, ("by", "from", "to"), required=("by",))
    if found.get("by") is None:
        return None
    by = cast("AppliesBy | None", choice_at(place / "by", found["by"], tuple(APPLIES_BY)))
    since = None if found.get("from") is None else date_at(place / "from", found["from"])
    until = None if found.get("to") is None else date_at(place / "to", found["to"])
    if since is not None and until is not None and since >= until:
        (place / "to").note("This day is not after the first one, so that the rule is for no day. It is not included.")
    return by and Applies(by, since, until)


def _lookup_at(place: Place, value: object) -> tuple[str, dict[str, str]]:
    found = object_at(place, value, ("field", "table"), required=("field", "table"))
    field_type = field_at(place / "field", found["field"]) if found.get("field") is not None else None
    if field_type is None or found.get("table") is None:
        return "", {}
    if field_type not in TEXTS:
        (place / "field").note(f"A table looks up ids and texts; {found['field']} is neither.")
        return "", {}
    return str(found["field"]), _table_at(place / "table", found["table"], field_type)


def _table_at(place: Place, value: object, field_type: FieldType) -> dict[str, str]:
    if not isinstance(value, dict) or not 1 <= len(value) <= MAX_TABLE:
        place.note(f"A table with 1 to {MAX_TABLE} entries is expected here: from values to streams.")
        return {}
    table: dict[str, str] = {}
    written: dict[Value, str] = {}
    for key, stream in value.items():
        if place.is_full:
            break
        here = place / key
        text, stream_id = text_at(here, key), text_at(here, stream, most=MAX_ID)
        looked_up = text and comparable(field_type, text)
        if looked_up in written:
            here.note(f"{quoted(key)} is looked up like {quoted(written[looked_up])}. Leave one of them out.")
        if text is not None and stream_id is not None:
            table[text], written[looked_up] = stream_id, text
    return table
