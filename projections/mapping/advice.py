"""Name conditions that work today and may not tomorrow. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from projections.mapping.rules import LookupRule, Rules

# Names are those of today: whoever renames a product in Stripe moves its lines to another stream.
_MAY_BE_RENAMED = {"product_name": "product_id", "price_nickname": "price_id", "customer_name": "customer_id"}


class Advice(NamedTuple):
    """A field of a rule that may be renamed, and the one to use instead."""

    rule_id: str
    field: str
    better: str


def advice_on(rules: Rules) -> Iterator[Advice]:
    """Yield where rules test names although there are ids."""
    for rule in rules:
        tested = [rule.field] if isinstance(rule, LookupRule) else [condition.field for condition in rule.conditions]
        for field in dict.fromkeys(tested):
            if field in _MAY_BE_RENAMED:
                yield Advice(rule.rule_id, field, _MAY_BE_RENAMED[field])
