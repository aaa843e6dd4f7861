"""What the examples' company has decided about its mapping, under ids that examples can name."""

from datetime import datetime

from sqlalchemy import Connection

from mapping.recorded import RULES, STREAMS, Desk
from projections.mapping.decisions.payloads import PlanCreated, RulesPublished, StreamCreated

STREAM = "str_0123456789abcdef"
PLAN = "pln_0123456789abcdef"
OUTCOME = {"shares": [{"bp": 10_000, "stream_id": STREAM, "plan_id": PLAN}]}
RULE = {
    "id": "rule_0123456789ab",
    "name": "Monthly plans",
    "conditions": [{"field": "cadence", "op": "is", "value": "monthly"}],
    "outcome": OUTCOME,
}
# What the draft has beyond the published rules.
RULE_OF_ANNUAL_PLANS = {
    "id": "rule_annual",
    "name": "Annual plans",
    "conditions": [{"field": "cadence", "op": "is", "value": "annual"}],
    "outcome": {"shares": [{"bp": 10_000, "stream_id": STREAM}]},
}


def decide_about_mapping(connection: Connection, company_id: int, *, now: datetime) -> None:
    """Record a stream with a plan, and rules. Commits nothing."""
    desk = Desk(connection, company_id, "operator", now)
    desk.record(STREAMS, [StreamCreated(STREAM, "Subscriptions", "4000"), PlanCreated(PLAN, STREAM, "Team")])
    desk.record(RULES, [RulesPublished(1, [RULE], note="Plans first")])
