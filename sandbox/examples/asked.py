"""What to ask operations where their parameters' names do not say it. All others are asked without a word here."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.examples.mapped import OUTCOME, PLAN, RULE, RULE_OF_ANNUAL_PLANS, STREAM


@dataclass(frozen=True, slots=True)
class Asked:
    """The request of an operation: what is left out of `path` is found in other answers, a `body` made from its schema.

    Text in braces, such as `{line_id}`, is one of the demo's ids. Those with a `turn` are asked after all others, or
    before them if it is negative.
    """

    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    path: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    turn: int = 0


ASKED = {
    "listRevenueLines": Asked(query={"limit": 2, "cadence": "monthly", "include": "totals"}),
    "exportRevenueLines": Asked(
        query={"columns": "invoice_line_item_id,customer_name,date,amount,currency", "cadence": "monthly"}
    ),
    "listRevenueMonths": Asked(query={"month_from": "2026-01", "month_to": "2026-04", "currency": "usd"}),
    "getRecognition": Asked(query={"from": "2026-01", "to": "2026-02", "currency": "usd"}),
    "getDeferred": Asked(query={"from": "2026-01", "to": "2026-02", "currency": "usd"}),
    "getWaterfall": Asked(query={"from": "2026-01", "to": "2026-02", "currency": "usd"}),
    "exportRecognition": Asked(query={"from": "2026-01", "to": "2026-02"}),
    "exportDeferred": Asked(query={"from": "2026-01", "to": "2026-02"}),
    "exportWaterfall": Asked(query={"from": "2026-01", "to": "2026-02"}),
    "getExplanation": Asked(query={"report": "recognition", "month": "2026-01", "currency": "usd", "limit": 2}),
    "listSuggestions": Asked(query={"field": "customer", "q": "zed"}),
    "createSavedView": Asked(
        body={"name": "Open invoices", "scope": "company", "parameters": {"invoice_status": "open", "sort": "-amount"}}
    ),
    "startSync": Asked(headers={"Idempotency-Key": "2026-03-31-close"}),
    "getSync": Asked(path={"run_id": "{run_id}"}),
    "followSync": Asked(path={"run_id": "{run_id}"}),
    "getEvent": Asked(path={"position": "{position}"}),
    "addExportSchedule": Asked(
        body={
            "format": "xlsx",
            "view": {"sort": "-amount"},
            "recurs": "monthly",
            "day": 1,
            "hour": 6,
            "time_zone": "Europe/Berlin",
            "emails": ["ada@example.org"],
        }
    ),
    "changeExportSchedule": Asked(body={"paused": True}),
    "createStream": Asked(
        headers={"Idempotency-Key": "setup-fees"},
        body={"name": "Setup fees", "code": "4010", "default_treatment": {"kind": "months", "n": 12, "from": "booked"}},
    ),
    "changeStream": Asked(path={"stream_id": STREAM}, body={"code": "4001"}),
    "createPlan": Asked(path={"stream_id": STREAM}, body={"name": "Enterprise"}),
    # Whoever asks has none.
    "changeCompany": Asked(
        body={"name": "Month-end close", "time_zone": "Europe/Berlin", "requires_second_factor": False}
    ),
    "changePlan": Asked(path={"stream_id": STREAM, "plan_id": PLAN}, body={"name": "Team plan"}),
    "saveRuleDraft": Asked(
        headers={"If-Match": '"published-1"'}, body={"rules": [RULE, RULE_OF_ANNUAL_PLANS]}, turn=-2
    ),
    "discardRuleDraft": Asked(headers={"If-Match": "*"}),
    "getRuleSet": Asked(path={"version": 1}),
    "previewRuleDraft": Asked(headers={"Idempotency-Key": "before-the-close"}, turn=-1),
    "getRulePreview": Asked(path={"preview_id": 1}),
    "cancelRulePreview": Asked(path={"preview_id": 1}),
    "publishRulePreview": Asked(path={"preview_id": 1}, body={"note": "Annual plans first"}),
    "revertRuleSet": Asked(path={"version": 1}),
    "setAccountingPolicy": Asked(body={"time_zone": "Europe/Berlin", "catch_up": "none"}),
    "overrideLine": Asked(body={"outcome": OUTCOME, "reason": "Sold as a part of the plan"}),
    "overrideSubscription": Asked(
        path={"subscription_id": "{subscription_id}"}, body={"outcome": OUTCOME, "reason": "Agreed with the auditors"}
    ),
    "releaseSubscription": Asked(path={"subscription_id": "{subscription_id}"}),
    "overrideLines": Asked(
        headers={"Idempotency-Key": "annual-plans"},
        body={"filter": {"cadence": ["annual"]}, "outcome": OUTCOME, "reason": "Sold as plans"},
    ),
    "disconnectAccount": Asked(turn=1),
    "connectAccount": Asked(
        headers={"Idempotency-Key": "connect-sample-studio"}, body={"restricted_key": "{restricted_key}"}, turn=2
    ),
}
