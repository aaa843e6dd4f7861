"""Serve the members of a company."""

from typing import Any

from flask import request

from app.api.base import ApiBlueprint, without_parameters
from app.api.people.granting import GivenPasswordLink, give_password_link, give_role, take_membership
from app.api.people.paging import PageQuery, list_of, page_of
from app.api.people.schemas import Member, PasswordLink, RoleChange
from app.auth.access import for_role
from app.http.bodies import refuse_body
from app.wiring.tools import current_tools
from runtime.database import across_companies
from tenants.people.members import SeenMember, list_seen_members

blueprint = ApiBlueprint("members", __name__, url_prefix="/v1/companies/<int:company_id>", description="People.")
_MemberList = list_of(Member, "Members in the order in which they came to revmap.")


@blueprint.get("/members")
@for_role("admin")
@blueprint.doc(operationId="listMembers")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, _MemberList)
def list_members(query: dict[str, Any], company_id: int) -> dict[str, Any]:
    """List the company's members, one page at a time."""

    def read(limit: int, after: int | None) -> list[SeenMember]:
        # People belong to no company, so their names are not within its walls.
        with across_companies(current_tools().engine) as connection:
            return list_seen_members(connection, company_id, limit=limit, after=after)

    return page_of("members", company_id, query, read, lambda member: member.id)


@blueprint.patch("/members/<int:user_id>")
@for_role("admin")
@without_parameters
@blueprint.doc(operationId="changeMember")
@blueprint.arguments(RoleChange)
@blueprint.response(200, Member)
def change_member(body: dict[str, Any], company_id: int, user_id: int) -> SeenMember:
    """Give a member another role, from their next request on. The last admin stays one."""
    return give_role(company_id, user_id, body["role"])


@blueprint.delete("/members/<int:user_id>")
@for_role("admin")
@without_parameters
@blueprint.doc(operationId="removeMember")
@blueprint.response(204)
def remove_member(company_id: int, user_id: int) -> None:
    """Remove a member, and end their sessions here. What they invited and nobody accepted is revoked."""
    refuse_body(request)
    take_membership(company_id, user_id)


@blueprint.post("/members/<int:user_id>/password-link")
@for_role("admin")
@without_parameters
@blueprint.doc(operationId="createPasswordLink")
@blueprint.response(201, PasswordLink)
def create_password_link(company_id: int, user_id: int) -> GivenPasswordLink:
    """Let a member set a new password: by a link that is mailed to them, else by one to hand over."""
    refuse_body(request)
    return give_password_link(company_id, user_id)
