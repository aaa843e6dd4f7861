"""Decisions of people about mapping and policy, as facts of a company's log, among those of Stripe."""

from random import Random

import msgspec
from sqlalchemy import Engine

from events.intake.envelope import event_from_stripe
from events.log.append import NewEvent, append
from events.log.own_facts import own_fact
from projections.mapping.decisions.facts import MappingFact, type_of_fact
from projections.mapping.decisions.payloads import (
    LineKey,
    LinesOverridden,
    LinesReleased,
    PlanCreated,
    PolicySet,
    RulesPublished,
    StreamArchived,
    StreamCreated,
    StreamRestored,
    SubscriptionOverridden,
    SubscriptionReleased,
)
from tests.support.clock import NOON
from tests.support.histories import busy_history
from tests.support.signing import json_bytes

Json = dict[str, object]

TO_SAAS: Json = {"shares": [{"bp": 10_000, "stream_id": "str_saas"}]}
SPLIT: Json = {
    "shares": [
        {"bp": 3333, "stream_id": "str_saas", "plan_id": "pln_pro", "treatment": {"kind": "booked"}},
        {"bp": 6667, "kind": "pass_through", "stream_id": "str_fees"},
    ]
}
LATER: Json = {"shares": [{"bp": 10_000, "stream_id": "str_fees", "treatment": {"kind": "months", "n": 3}}]}


def decision(fact: MappingFact) -> NewEvent:
    """Return a decision as a fact that a person stated."""
    details = msgspec.json.decode(msgspec.json.encode(fact))
    return own_fact(type_of_fact(fact), details, entity="mapping", now=NOON, actor="user:1")


def decide(engine: Engine, company_id: int, *facts: MappingFact) -> None:
    """Append decisions to a company's log."""
    with engine.begin() as connection:
        append(connection, company_id, [decision(fact) for fact in facts])


def rules(version: int, *conditions: tuple[str, str, object], outcome: object = TO_SAAS) -> RulesPublished:
    """Return the fact that a set of one rule with these conditions was published."""
    tested = [{"field": field, "op": op, "value": value} for field, op, value in conditions]
    rule = {"id": "rule_1", "name": "Rule", "enabled": True, "match": "all", "conditions": tested, "outcome": outcome}
    return RulesPublished(version, [rule], version - 1)


def record_decided_history(engine: Engine, company_id: int, random: Random, length: int) -> None:
    """Record a busy history of Stripe's events with a decision after every tenth of it."""
    events = [event_from_stripe(json_bytes(event)) for event in busy_history(random, length)]
    decisions = _decisions(random)
    facts: list[NewEvent] = []
    for place, event in enumerate(events):
        facts.append(event)
        if place % (length // len(decisions) + 1) == 0:
            facts.append(decision(decisions.pop(0)))
    with engine.begin() as connection:
        append(connection, company_id, facts)


def _decisions(random: Random) -> list[MappingFact]:
    line = LineKey(livemode=True, invoice_id="in_1", invoice_line_item_id="il_in_1_1")
    others = [
        LineKey(livemode=True, invoice_id=f"in_{n}", invoice_line_item_id=f"il_in_{n}_{m}")
        for n in range(4)
        for m in range(3)
    ]
    later: list[MappingFact] = [
        rules(1, ("customer_name", "starts_with", "z")),
        rules(2, ("product_name", "is", "plan"), ("price_nickname", "is_not", "Monthly"), outcome=SPLIT),
        PolicySet(1, "Pacific/Apia", "2026a", catch_up="booked", uncollectible="expense"),
        LinesOverridden("bat_1", tuple(others), LATER),
        LinesReleased("bat_2", (line,)),
        SubscriptionOverridden(livemode=True, subscription_id="sub_1", outcome=SPLIT),
        SubscriptionReleased(livemode=True, subscription_id="sub_1"),
        StreamArchived("str_saas", "SaaS"),
        StreamRestored("str_saas", "SaaS"),
    ]
    random.shuffle(later)
    return [
        StreamCreated("str_saas", "SaaS", default_treatment={"kind": "booked"}),
        StreamCreated("str_fees", "Fees"),
        PlanCreated("pln_pro", "str_saas", "Pro"),
        *later,
    ]
