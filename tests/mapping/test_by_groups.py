"""Rules that are evaluated on groups of lines change what they change line by line."""

from random import Random

import msgspec
import pytest
from sqlalchemy import Engine

from mapping.evaluation import evaluated, evaluated_line_by_line
from mapping.figures import Json
from mapping.lines_at import book_at, lines_in
from projections.mapping.decisions.payloads import RulesPublished, StreamRestored
from projections.mapping.reading_rules import read_rules
from projections.mapping.rule_set import RuleSet
from projections.mapping.rules import Rules
from projections.reads.snapshots import snapshot_of
from projections.revenue.store.mapping.mapped_groups import Books
from tests.support.company import catch_up, company_with
from tests.support.decisions import LATER, SPLIT, TO_SAAS, decide, record_decided_history
from tests.support.payloads import ACCOUNT
from tests.support.rules import new_ids, rule

TO_FEES = {"shares": [{"bp": 10_000, "stream_id": "str_fees", "plan_id": None}]}
TESTS = [
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
OUTCOMES = (TO_SAAS, TO_FEES, SPLIT, LATER)


@pytest.mark.parametrize("seed", range(4))
def test_groups_of_lines_change_as_their_lines_do(engine: Engine, seed: int) -> None:
    random, company_id, by_groups = Random(seed), company_with(engine, ACCOUNT), 0
    found: Json = {}
    rules: Rules = ()
    documents: list[Json] = []
    seen: list[int] = []
    record_decided_history(engine, company_id, random, 240)
    if seed:
        decide(engine, company_id, StreamRestored("str_saas", "SaaS"))
    catch_up(engine)
    with snapshot_of(engine, company_id) as snapshot:
        before = book_at(snapshot)
        for _ in range(8):
            documents = [
                rule(f"rule_{n}", *random.sample(TESTS, random.choice((1, 1, 2))), outcome=random.choice(OUTCOMES))
                for n in range(random.randint(0, 5))
            ]
            rules = read_rules(documents, new_ids())
            by_groups += Books(before, msgspec.structs.replace(before, rules=RuleSet(rules))).map_by_groups
            for livemode in (True, False):
                seen.clear()
                found = evaluated(snapshot, before, rules, livemode=livemode, progress=seen.append)
                assert seen[-1:] == [lines_in(snapshot, livemode=livemode)] or not seen
                plain = evaluated_line_by_line(snapshot, before, rules, livemode=livemode, progress=seen.append)
                assert found == plain
    assert by_groups or not seed
    decide(engine, company_id, RulesPublished(before.rules_version + 1, list(documents), before.rules_version))
    catch_up(engine)
    with snapshot_of(engine, company_id) as snapshot:
        published = evaluated_line_by_line(snapshot, book_at(snapshot), rules, livemode=False, progress=seen.append)
    assert [(one["month"], one["stream_id"], one["before"]) for one in published["cells"]] == [
        (one["month"], one["stream_id"], one["after"]) for one in found["cells"] if one["after"]
    ]
