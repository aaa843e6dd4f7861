"""Serve the accounting policy as JSON."""

from typing import Any

from app.api.base import ApiBlueprint, without_parameters
from app.api.mapping.deciding import at_desk, log_at
from app.api.mapping.policy_schemas import AccountingPolicy, AccountingPolicyChanges
from app.api.mapping.previews import shown_cell
from app.api.mapping.schemas import AsOfQuery
from app.api.revenue_lines import mode_of
from app.auth.access import for_role
from app.wiring.tools import current_tools
from events.log.read import head_of
from mapping.policy import policy_at, set_policy
from mapping.policy_preview import cells_by_policy
from mapping.recorded import Desk
from projections.reads.snapshots import NotFoldedYetError, snapshot_of

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
    """Set the accounting policy, or try it. All revenue is counted by it, also that of the past."""
    if body.pop("dry_run"):
        return tried_policy(company_id, body)

    def decide(desk: Desk) -> dict[str, object]:
        set_policy(desk, body)
        policy, version = policy_at(desk.connection, company_id)
        return {**policy._asdict(), "version": version, "position": head_of(desk.connection, company_id)}

    return at_desk(company_id, decide)


def tried_policy(company_id: int, changes: dict[str, Any]) -> dict[str, Any]:
    """Return a policy with these changes and what it would recognize, as the `AccountingPolicy` schema reads it.

    :raises NotFoldedYetError: the table was built by an older release
    :raises TooManyLinesError: the company has too many lines to try it at once
    """
    with snapshot_of(current_tools().engine, company_id) as snapshot:
        if not snapshot.is_whole:
            raise NotFoldedYetError
        policy, version = policy_at(snapshot.connection, company_id, snapshot.position)
        tried = policy._replace(**changes)
        livemode = mode_of(snapshot.connection, company_id, None)
        cells = [shown_cell(cell) for cell in cells_by_policy(snapshot, tried, livemode=livemode)]
        return {**tried._asdict(), "version": version, "position": snapshot.position, "data": cells}
