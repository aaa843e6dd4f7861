"""Random rules that test what lines have in common, or nearly so."""

from random import Random

from tests.support.decisions import LATER, SPLIT, TO_SAAS, Json
from tests.support.rules import rule

_TO_FEES = {"shares": [{"bp": 10_000, "stream_id": "str_fees", "plan_id": None}]}
_TESTS = [
    ("product_id", "is_present"),
    ("product_name", "is", "plan"),
    ("price_id", "is_empty"),
    ("price_nickname", "is_not", "Monthly"),
    ("price.metadata.tier", "is_present"),
    ("product.metadata.region", "is_empty"),
    ("customer.metadata.region", "is_present"),
    ("customer_email", "ends_with", ".com"),
    ("customer_name", "starts_with", "z"),
    ("customer_name", "is_empty"),
    ("customer_id", "is", "cus_1"),
    ("subscription_id", "is", "sub_1"),
    ("description", "contains", "a"),
    ("invoice_number", "is_empty"),
    ("invoice_id", "in", ["in_1", "in_2", "in_3"]),
    ("amount", "lt", 0),
    ("net_amount", "gt", 400),
    ("quantity", "gte", "2"),
    ("currency", "is", "usd"),
    ("type", "is", "recurring"),
    ("cadence", "is_not", "monthly"),
    ("interval", "is", "month"),
    ("proration", "is", False),
    ("has_period", "is", True),
    ("date", "gte", "2026-01-02"),
    ("finalized_on", "lt", "2026-01-03"),
]
_OUTCOMES = (TO_SAAS, _TO_FEES, SPLIT, LATER)


def random_rules(random: Random) -> list[Json]:
    """Return up to five rules, of one or two conditions each."""
    return [
        rule(f"rule_{n}", *random.sample(_TESTS, random.choice((1, 1, 2))), outcome=random.choice(_OUTCOMES))
        for n in range(random.randint(0, 5))
    ]
