"""Routes for the People settings: who belongs to the company, with which role, and who is invited."""

from flask import Blueprint, request
from flask.wrappers import Response

from app.api.people.granting import (
    GivenPasswordLink,
    SentInvitation,
    give_password_link,
    give_role,
    send_invitation,
    take_membership,
    withdraw_invitation,
)
from app.api.people.paging import page_of
from app.auth.access import principal
from app.auth.sessions import session
from app.pages.forms import MistakeError, back_to, email_in, limit_forms, role_in, typed
from app.pages.frame import for_member, framed
from app.wiring.tools import current_tools
from runtime.database import across_companies, within_company
from tenants.people.invitations import AlreadyMemberError, Invitation, InvitationAcceptedError, list_open_invitations
from tenants.people.members import LastAdminError, SeenMember, find_member, list_admins, list_seen_members
from tenants.people.password_links import MemberElsewhereError

blueprint = Blueprint("people pages", __name__, url_prefix="/companies/<int:company_id>/people")
limit_forms(blueprint)

_AT_ONCE = 100
_DONE = {
    "role": "The role is changed. It holds from their next click on.",
    "removed": "Removed. Their sessions here are over.",
    "revoked": "The invitation is withdrawn. Its link no longer works.",
}
_LAST_ADMIN = "Somebody has to be an admin. Make another member an admin first."


@blueprint.get("")
@for_member("viewer")
def show_people(company_id: int) -> Response:
    """Show the members and open invitations to admins, and the admins to everybody else."""
    return _page(company_id, done=_DONE.get(request.args.get("done", "")))


@blueprint.post("/invitations")
@for_member("admin")
def receive_invitation(company_id: int) -> Response:
    """Invite an address, and show the link this once."""
    try:
        sent = send_invitation(company_id, email_in("email"), role_in())
    except MistakeError as mistake:
        return _page(company_id, mistake=mistake)
    except AlreadyMemberError:
        return _page(company_id, mistake=MistakeError("email", "This person is a member already."))
    return _page(company_id, sent=sent)


@blueprint.post("/invitations/<int:invitation_id>/revoke")
@for_member("admin")
def revoke(company_id: int, invitation_id: int) -> Response:
    """Withdraw an invitation."""
    try:
        withdraw_invitation(company_id, invitation_id)
    except InvitationAcceptedError:
        return _page(company_id, mistake=MistakeError("people", "This invitation was accepted in the meantime."))
    return back_to(_address(company_id), "revoked")


@blueprint.post("/<int:user_id>/role")
@for_member("admin")
def change_role(company_id: int, user_id: int) -> Response:
    """Give a member another role."""
    try:
        give_role(company_id, user_id, role_in())
    except LastAdminError:
        return _page(company_id, mistake=MistakeError("people", _LAST_ADMIN))
    except MistakeError as mistake:
        return _page(company_id, mistake=mistake)
    return back_to(_address(company_id), "role")


@blueprint.post("/<int:user_id>/remove")
@for_member("admin")
def remove(company_id: int, user_id: int) -> Response:
    """Remove a member."""
    try:
        take_membership(company_id, user_id)
    except LastAdminError:
        return _page(company_id, mistake=MistakeError("people", _LAST_ADMIN))
    return back_to(_address(company_id), "removed")


@blueprint.post("/<int:user_id>/password-link")
@for_member("admin")
def give_link(company_id: int, user_id: int) -> Response:
    """Mail a member a link for a new password, or show it to hand over."""
    try:
        link = give_password_link(company_id, user_id)
    except MemberElsewhereError:
        says = "They belong to another company, too, which this link would open. Ask the operator of revmap instead."
        return _page(company_id, mistake=MistakeError("people", says))
    with across_companies(current_tools().engine) as connection:
        return _page(company_id, link=link, link_for=find_member(connection, company_id, user_id))


def _page(
    company_id: int,
    *,
    done: str | None = None,
    mistake: MistakeError | None = None,
    sent: SentInvitation | None = None,
    link: GivenPasswordLink | None = None,
    link_for: SeenMember | None = None,
) -> Response:
    who = session()
    return framed(
        "settings/people.html" if principal().reaches("admin") else "settings/people_of_others.html",
        here="people",
        status=422 if mistake else 200,
        members=_members(company_id),
        invitations=_invitations(company_id),
        own_id=who.user_id if who else None,
        done=done,
        mistakes={mistake.field: mistake.says} if mistake else {},
        typed=typed if mistake else lambda _field: "",
        sent=sent,
        link=link,
        link_for=link_for,
    )


def _members(company_id: int) -> dict[str, object]:
    def read(limit: int, after: int | None) -> list[SeenMember]:
        with across_companies(current_tools().engine) as connection:
            if not principal().reaches("admin"):
                return list_admins(connection, company_id)
            return list_seen_members(connection, company_id, limit=limit, after=after)

    cursor = {"cursor": request.args["cursor"]} if "cursor" in request.args else {}
    return page_of("members", company_id, {"limit": _AT_ONCE, **cursor}, read, lambda member: member.id)


def _invitations(company_id: int) -> list[Invitation]:
    if not principal().reaches("admin"):
        return []
    tools = current_tools()
    with within_company(tools.engine, company_id) as connection:
        return list_open_invitations(connection, company_id, limit=_AT_ONCE, now=tools.clock())


def _address(company_id: int) -> str:
    return f"/companies/{company_id}/people"
