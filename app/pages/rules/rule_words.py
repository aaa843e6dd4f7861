"""Rules in words: what they ask of a line, and what becomes of it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from app.pages.mapped.share_words import Streams, percent, target_words, treatment_words
from app.pages.mapping.words import day, spoken
from app.pages.rules.field_words import field_words, operator_words
from app.pages.wording import amount, count
from events.stripe.money import EXPONENTS
from projections.mapping.fields import FieldType, field_type_of
from projections.mapping.writing_rules import Json

_MOST_VALUES = 4
_WHOLE = 10_000
_MONEY = frozenset({"amount", "net_amount"})
_SPOKEN = frozenset({"cadence", "type", "interval"})


class ShownShare(NamedTuple):
    """A share in words. `percent` is empty for a whole line."""

    percent: str
    target: str
    treatment: str
    is_archived: bool


class ShownRule(NamedTuple):
    """A rule in words."""

    rule_id: str
    name: str
    is_enabled: bool
    is_lookup: bool
    asks: list[str]
    joins: str
    applies: str
    shares: list[ShownShare]


def shown_rule(rule: Json, streams: Streams) -> ShownRule:
    """Return a rule, as it was saved, in words."""
    lookup = rule.get("lookup")
    asks = [f"{field_words(lookup['field'])} is in the table"] if lookup else list(_asked(rule))
    return ShownRule(
        rule["id"],
        rule["name"] or "Rule without a name",
        rule["enabled"],
        lookup is not None,
        asks or ["Every line"],
        "or" if rule.get("match") == "any" else "and",
        _applies(rule.get("applies")),
        list(_of_table(lookup["table"], streams)) if lookup else shown_shares(rule["outcome"]["shares"], streams),
    )


def shown_shares(shares: Sequence[Mapping[str, Any]], streams: Streams) -> list[ShownShare]:
    """Return the shares of an outcome in words."""
    return [_share(share, streams) for share in shares]


def _share(share: Mapping[str, Any], streams: Streams) -> ShownShare:
    stream = streams.get(share.get("stream_id") or "")
    plan = stream and stream.plans.get(share.get("plan_id") or "")
    return ShownShare(
        "" if share["bp"] == _WHOLE else f"{percent(share['bp'])} %",
        target_words(share, streams),
        treatment_words(share.get("treatment")),
        bool(stream and stream.archived_at is not None) or bool(plan and plan.archived_at is not None),
    )


def _of_table(table: Mapping[str, str], streams: Streams) -> Iterator[ShownShare]:
    by_stream: dict[str, int] = {}
    for stream_id in table.values():
        by_stream[stream_id] = by_stream.get(stream_id, 0) + 1
    for stream_id, entries in by_stream.items():
        share = _share({"bp": _WHOLE, "stream_id": stream_id}, streams)
        yield share._replace(treatment=f"{count(entries)} {'entry' if entries == 1 else 'entries'}")


def _asked(rule: Json) -> Iterator[str]:
    currency = _currency_of(rule)
    for condition in rule["conditions"]:
        field, op = condition["field"], condition["op"]
        said = f"{field_words(field)} {operator_words(field, op)}"
        if "value" not in condition:
            yield said
        elif field in _MONEY and currency is None:
            yield f"{said} {_values(field, op, condition['value'])} in the smallest unit of the currency"
        else:
            yield f"{said} {_values(field, op, condition['value'], currency)}"


def _currency_of(rule: Json) -> str | None:
    """Return the one currency that lines have to be in, if there is one and we know it."""
    asked = [one for one in rule["conditions"] if one["field"] == "currency" and one["op"] in ("is", "in")]
    if rule.get("match") == "any" or not asked:
        return None
    value = asked[0]["value"]
    values = value if isinstance(value, list) else [value]
    return values[0] if len(values) == 1 and values[0] in EXPONENTS else None


def _values(field: str, op: str, value: object, currency: str | None = None) -> str:
    values = value if isinstance(value, list) else [value]
    said = [_value(field, one, currency) for one in values]
    if op == "between":
        return " and ".join(said)
    more = len(said) - _MOST_VALUES
    return ", ".join(said) if more <= 1 else f"{', '.join(said[:_MOST_VALUES])} and {count(more)} more"


def _value(field: str, value: object, currency: str | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return amount(value, currency, EXPONENTS[currency]) if currency and field in _MONEY else count(value)
    text = str(value)
    if field_type_of(field) is FieldType.DATE:
        return day(date.fromisoformat(text))
    if field == "currency":
        return text.upper()
    if field in _SPOKEN:
        return spoken(text)
    return text if field_type_of(field) is not FieldType.TEXT else f"“{text}”"


def _applies(applies: Mapping[str, Any] | None) -> str:
    if applies is None:
        return ""
    what = "Service starts" if applies["by"] == "service_start" else "Finalized"
    since = f" from {day(date.fromisoformat(applies['from']))}" if applies.get("from") else ""
    last = date.fromisoformat(applies["to"]) - timedelta(days=1) if applies.get("to") else None
    return f"{what}{since}{f' through {day(last)}' if last else ''}" if since or last else ""
