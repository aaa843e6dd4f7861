"""Write the rule that maps lines of one product, price or description, and find its place among others. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from projections.mapping.decisions.streams import Stream
from projections.mapping.likely_streams import NUMBER, Sold
from projections.mapping.reading_conditions import MAX_OPERANDS
from projections.mapping.reading_rules import read_rules
from projections.mapping.rule_set import Check, ReadyRule, RuleSet, Subject

Json = dict[str, Any]
By = Literal["product", "price", "description"]

_FIELDS: dict[By, str] = {"product": "product_id", "price": "price_id"}


class WordlessError(ValueError):
    """The lines have no product and no price, and their description no words to know them by."""


class Added(NamedTuple):
    """Rules with one more, or with a longer one, and its id; None if it is new."""

    rules: list[Json]
    rule_id: str | None


def with_mapped(
    rules: Sequence[Json], sold: Sold, by: By, stream_id: str, *, name: str, streams: Mapping[str, Stream]
) -> Added:
    """Return rules that also map these lines to a stream: by a new rule, or by a value more of one like it.

    It stands before the first rule that would map them otherwise, and behind all others. What is so already stays.

    :raises WordlessError: there is nothing to know the lines by
    """
    conditions = _conditions(sold, by)
    place = _place_for(rules, sold, streams)
    outcome = {"shares": [{"bp": 10_000, "stream_id": stream_id}]}
    if place < len(rules) and rules[place].get("outcome") == outcome:
        return Added(list(rules), rules[place]["id"])
    if by != "description":
        for number, rule in enumerate(rules[:place]):
            longer = _longer(rule, conditions[0], outcome)
            if longer is not None:
                return Added([*rules[:number], longer, *rules[number + 1 :]], rule["id"])
    new = {"name": name, "match": "all", "conditions": conditions, "outcome": outcome}
    return Added([*rules[:place], new, *rules[place:]], None)


def is_wordless(sold: Sold) -> bool:
    """Return whether no rule can know the lines: no product, no price, and a description of numbers alone."""
    return not (sold.product_id or sold.price_id) and bool(sold.phrase) and not _words(sold)


def rule_for(rules: RuleSet, sold: Sold) -> ReadyRule | None:
    """Return the first rule that matches these lines for certain, whatever else they are, or None."""
    found = _Known(rules, sold)
    return next((ready for ready in rules.rules if found.is_met(ready)), None)


def _conditions(sold: Sold, by: By) -> list[Json]:
    known = sold.price_id if by == "price" else sold.product_id
    if by != "description":
        return [{"field": _FIELDS[by], "op": "in", "value": [known]}]
    # Lines with a product have a description, too.
    alone: list[Json] = [{"field": field, "op": "is_empty"} for field in ("product_id", "price_id")]
    if not sold.phrase:
        return [*alone, {"field": "description", "op": "is_empty"}]
    if is_wordless(sold):
        raise WordlessError
    return [*alone, {"field": "description", "op": "contains_all", "value": _words(sold)[:MAX_OPERANDS]}]


def _words(sold: Sold) -> list[str]:
    return list(dict.fromkeys(filter(None, map(str.strip, (sold.phrase or "").split(NUMBER)))))


def _place_for(rules: Sequence[Json], sold: Sold, streams: Mapping[str, Stream]) -> int:
    for place, rule in enumerate(rules):
        asked = RuleSet(read_rules([rule], lambda: "rule_new"))
        found = _Known(asked, sold)
        for ready in asked.rules:
            if found.is_met(ready) or (found.may_be_met(ready) and _is_closed(rule, streams)):
                return place
    return len(rules)


def _is_closed(rule: Json, streams: Mapping[str, Stream]) -> bool:
    """Return whether a rule leads to an archived stream, so that it leaves later lines unmapped."""
    shares = rule["outcome"]["shares"] if "outcome" in rule else []
    named = [share.get("stream_id") for share in shares] or list(rule.get("lookup", {}).get("table", {}).values())
    return any(stream_id in streams and streams[stream_id].archived_at is not None for stream_id in named)


def _longer(rule: Json, condition: Json, outcome: Json) -> Json | None:
    """Return a rule with one value more, if all it does is to map such values to the same stream."""
    like = {"enabled": True, "match": "all", "outcome": outcome}
    mine = rule.get("conditions") or [{}]
    values = mine[0].get("value")
    if (
        {name: rule.get(name) for name in like} != like
        or rule.get("applies")
        or len(mine) != 1
        or (mine[0]["field"], mine[0]["op"]) != (condition["field"], condition["op"])
        or len(values) >= MAX_OPERANDS
    ):
        return None
    added = list(dict.fromkeys([*values, *condition["value"]]))
    return {**rule, "conditions": [{**condition, "value": added}]}


class _Known:
    """What is known of lines in the fields that rules test."""

    def __init__(self, rules: RuleSet, sold: Sold) -> None:
        subject: Subject = {"product_id": sold.product_id, "price_id": sold.price_id, "description": sold.phrase}
        # Lines of one product or price have different descriptions.
        self._fields = frozenset(subject) - ({"description"} if sold.product_id or sold.price_id else set())
        self._values = rules.values_of(subject)

    def is_met(self, ready: ReadyRule) -> bool:
        """Return whether a rule matches, whatever is not known."""
        return all(map(self._passes, ready.needed)) and (
            not ready.alternatives or any(map(self._passes, ready.alternatives))
        )

    def may_be_met(self, ready: ReadyRule) -> bool:
        """Return whether a rule matches if what is not known is as it wants."""
        return not any(map(self._fails, ready.needed)) and (
            not ready.alternatives or not all(map(self._fails, ready.alternatives))
        )

    def _passes(self, check: Check) -> bool:
        return check.field in self._fields and check.test(self._values[check.place])

    def _fails(self, check: Check) -> bool:
        return check.field in self._fields and not check.test(self._values[check.place])
