"""Serve who did what in a company."""

import json
from typing import Any

from app.api.base import ApiBlueprint
from app.api.people.paging import PageQuery, list_of, page_of
from app.api.people.schemas import AuditEntry
from app.auth.access import for_role
from app.wiring.tools import current_tools
from events.log.acts import Act, list_acts
from runtime.database import across_companies, within_company
from tenants.actors import names_of

blueprint = ApiBlueprint("audit", __name__, url_prefix="/v1/companies/<int:company_id>", description="Who did what.")
_AuditList = list_of(AuditEntry, "What people and processes did, newest first.")

_FAMILIES = ("access", "connection", "mapping", "accounting")
# A published set of rules may have thousands: whoever wants it reads the event.
_LONGEST_DETAILS_BYTES = 4_096


@blueprint.get("/audit")
@for_role("editor")
@blueprint.doc(operationId="listAuditEntries")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, _AuditList)
def list_audit(query: dict[str, Any], company_id: int) -> dict[str, Any]:
    """List who changed access, the connection, the mapping or the accounts, newest first, one page at a time."""
    return audit_page(company_id, query)


def audit_page(company_id: int, query: dict[str, Any]) -> dict[str, Any]:
    """Return a page of audit entries, with names for those they mention.

    :raises InvalidCursorError: the cursor belongs to another list
    """
    tools = current_tools()

    def read(limit: int, before: int | None) -> list[Act]:
        with within_company(tools.engine, company_id) as connection:
            return list_acts(connection, company_id, families=_FAMILIES, limit=limit, before=before)

    page = page_of("audit", company_id, query, read, lambda act: act.position)
    mentions = [mention for act in page["data"] for mention in (act.actor, act.entity)]
    # People belong to no company, so their addresses are not within its walls.
    with across_companies(tools.engine) as connection:
        names = names_of(connection, company_id, mentions)
    return page | {"data": [_entry(act, names) for act in page["data"]]}


def _entry(act: Act, names: dict[str, str]) -> dict[str, object]:
    return {
        "position": act.position,
        "type": act.type,
        "actor": act.actor,
        "actor_name": names.get(act.actor or ""),
        "entity": act.entity,
        "entity_name": names.get(act.entity or ""),
        "details": json.loads(act.payload) if len(act.payload) <= _LONGEST_DETAILS_BYTES else None,
        "recorded_at": act.recorded_at,
    }
