"""Serve the invitations of a company."""

from typing import Any

from flask import request

from app.api.base import ApiBlueprint, without_parameters
from app.api.people import schemas
from app.api.people.granting import send_invitation, withdraw_invitation
from app.api.people.paging import PageQuery, list_of, page_of
from app.auth.access import for_role
from app.http.bodies import refuse_body
from app.wiring.tools import current_tools
from runtime.database import within_company
from tenants.people.invitations import Invitation
from tenants.people.invitations import list_invitations as newest_invitations

blueprint = ApiBlueprint(
    "invitations", __name__, url_prefix="/v1/companies/<int:company_id>", description="Invitations of people."
)
_InvitationList = list_of(schemas.Invitation, "Invitations, newest first.")


@blueprint.get("/invitations")
@for_role("admin")
@blueprint.doc(operationId="listInvitations")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, _InvitationList)
def list_invitations(query: dict[str, Any], company_id: int) -> dict[str, Any]:
    """List invitations, newest first, one page at a time, without their links."""

    def read(limit: int, before: int | None) -> list[Invitation]:
        with within_company(current_tools().engine, company_id) as connection:
            return newest_invitations(connection, company_id, limit=limit, before=before)

    page = page_of("invitations", company_id, query, read, lambda one: one.id)
    return page | {"data": [_described(one) for one in page["data"]]}


@blueprint.post("/invitations")
@for_role("admin")
@without_parameters
@blueprint.doc(operationId="createInvitation")
@blueprint.arguments(schemas.NewInvitation)
@blueprint.response(201, schemas.Invitation)
def create_invitation(body: dict[str, Any], company_id: int) -> dict[str, object]:
    """Invite an address. An open invitation of the same address is replaced, and its link stops working."""
    sent = send_invitation(company_id, body["email"], body["role"])
    return _described(sent.invitation) | {"url": sent.url, "is_mailed": sent.is_mailed}


@blueprint.delete("/invitations/<int:invitation_id>")
@for_role("admin")
@without_parameters
@blueprint.doc(operationId="revokeInvitation")
@blueprint.response(204)
def revoke_invitation(company_id: int, invitation_id: int) -> None:
    """Revoke an invitation: its link stops working."""
    refuse_body(request)
    withdraw_invitation(company_id, invitation_id)


def _described(one: Invitation) -> dict[str, object]:
    return one._asdict() | {"status": one.status(current_tools().clock())}
