"""Serve the accounting policy as JSON."""

from typing import Any

from app.api.base import ApiBlueprint, without_parameters
from app.api.mapping.deciding import at_desk, log_at
from app.api.mapping.schemas import AccountingPolicy, AccountingPolicyChanges, AsOfQuery
from app.auth.access import for_role
from events.log.read import head_of
from mapping.policy import policy_at, set_policy
from mapping.recorded import Desk

blueprint = ApiBlueprint(
    "accounting policy", __name__, url_prefix="/v1/companies/<int:company_id>", description="How revenue is counted."
)


@blueprint.get("/accounting-policy")
@for_role("admin")
@blueprint.arguments(AsOfQuery, location="query")
@blueprint.response(200, AccountingPolicy)
def get_accounting_policy(query: dict[str, Any], company_id: int) -> dict[str, object]:
    """Retrieve the accounting policy."""
    with log_at(company_id, query.get("as_of")) as (connection, position):
        policy, version = policy_at(connection, company_id, position)
    return {**policy._asdict(), "version": version, "position": position}


@blueprint.put("/accounting-policy")
@for_role("admin")
@without_parameters
@blueprint.arguments(AccountingPolicyChanges)
@blueprint.response(200, AccountingPolicy)
def set_accounting_policy(body: dict[str, Any], company_id: int) -> dict[str, object]:
    """Set the accounting policy. All revenue is counted by it, also that of the past."""

    def decide(desk: Desk) -> dict[str, object]:
        set_policy(desk, body)
        policy, version = policy_at(desk.connection, company_id)
        return {**policy._asdict(), "version": version, "position": head_of(desk.connection, company_id)}

    return at_desk(company_id, decide)
