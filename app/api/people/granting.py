"""Give and take access to a company, for the API and the pages alike: within limits, with a fact for each act."""

from datetime import datetime
from typing import NamedTuple

from flask import abort

from app.api.people.mails import invitation_address, mail_invitation, mail_password_link, password_address
from app.auth.access import principal
from app.http.rate_limits import Limit
from app.wiring.tools import current_tools
from runtime.database import across_companies, within_company
from tenants.actors import names_of
from tenants.api_keys import NewApiKey, UnknownApiKeyError, grant_api_key, revoke_api_key
from tenants.people import password_links
from tenants.people.invitations import Invitation, UnknownInvitationError, invite, revoke_invitation
from tenants.people.members import SeenMember, UnknownMemberError, change_role, dismiss_member, find_member
from tenants.roles import Role

_LARGEST_ID = 2**63 - 1
# Whoever gets hold of an admin's session must not be able to write to the whole world in our name.
_INVITATIONS = Limit("invitations", attempts=100, seconds=3600)
_PASSWORD_LINKS = Limit("password-links", attempts=30, seconds=3600)
_API_KEYS = Limit("api-keys", attempts=100, seconds=3600)


class SentInvitation(NamedTuple):
    """A new invitation with its link, which is shown once whether or not it was mailed as well."""

    invitation: Invitation
    url: str
    is_mailed: bool


class GivenPasswordLink(NamedTuple):
    """A link for a new password. `url` is None if it was mailed."""

    url: str | None
    expires_at: datetime

    @property
    def is_mailed(self) -> bool:
        """Return whether it was mailed to the member, and shown to nobody."""
        return self.url is None


def send_invitation(company_id: int, email: str, role: Role) -> SentInvitation:
    """Invite an address, by mail if mail is configured. Commits. Inviting again replaces the link before.

    :raises AlreadyMemberError: the person is a member
    """
    tools, actor = current_tools(), principal().actor
    tools.limits.count(_INVITATIONS, str(company_id))
    with across_companies(tools.engine) as connection:
        made, token = invite(connection, company_id, email=email, role=role, actor=actor, now=tools.clock())
        url = invitation_address(tools, token)
        if tools.queue_mail is not None:
            inviter = names_of(connection, company_id, [actor]).get(actor, "An admin")
            mail_invitation(tools.queue_mail, connection, made, url=url, inviter=inviter)
    return SentInvitation(made, url, is_mailed=tools.queue_mail is not None)


def withdraw_invitation(company_id: int, invitation_id: int) -> None:
    """Revoke an invitation. Commits; safe to repeat; 404 if the company has none with this id.

    :raises InvitationAcceptedError: it was accepted
    """
    tools = current_tools()
    with within_company(tools.engine, company_id) as connection:
        try:
            revoke_invitation(connection, company_id, _known(invitation_id), actor=principal().actor, now=tools.clock())
        except UnknownInvitationError:
            abort(404)


def give_role(company_id: int, user_id: int, role: Role) -> SeenMember:
    """Give a member another role, and return the member. Commits; safe to repeat; 404 if they are no member.

    :raises LastAdminError: nobody else is an admin
    """
    tools = current_tools()
    with across_companies(tools.engine) as connection:
        try:
            change_role(connection, company_id, _known(user_id), role, actor=principal().actor, now=tools.clock())
            return find_member(connection, company_id, user_id)
        except UnknownMemberError:
            abort(404)


def take_membership(company_id: int, user_id: int) -> None:
    """Remove a member. Commits; 404 if they are no member.

    :raises LastAdminError: nobody else is an admin
    """
    tools = current_tools()
    with across_companies(tools.engine) as connection:
        try:
            dismiss_member(connection, company_id, _known(user_id), actor=principal().actor, now=tools.clock())
        except UnknownMemberError:
            abort(404)


def give_password_link(company_id: int, user_id: int) -> GivenPasswordLink:
    """Have a member set a new password: by mail if mail is configured, else by a link to hand over. Commits.

    404 if they are no member.

    :raises MemberElsewhereError: the link would have to be shown, and opens another company as well
    """
    tools, actor = current_tools(), principal().actor
    tools.limits.count(_PASSWORD_LINKS, str(company_id))
    now = tools.clock()
    with across_companies(tools.engine) as connection:
        try:
            member = find_member(connection, company_id, _known(user_id))
        except UnknownMemberError:
            abort(404)
        url = None
        if not mail_password_link(tools, connection, company_id, user_id=user_id, email=member.email):
            token = password_links.link_to_be_shown(connection, company_id, user_id, actor=actor, now=now)
            url = password_address(tools, token)
        password_links.note_password_link(connection, company_id, user_id, actor=actor, now=now)
    return GivenPasswordLink(url, now + password_links.LASTS)


def give_api_key(company_id: int, name: str, role: Role) -> NewApiKey:
    """Create an API key. Commits; not safe to repeat."""
    tools, actor = current_tools(), principal().actor
    tools.limits.count(_API_KEYS, str(company_id))
    with within_company(tools.engine, company_id) as connection:
        return grant_api_key(connection, company_id, role, actor=actor, now=tools.clock(), name=name)


def take_api_key(company_id: int, key_id: int) -> None:
    """Revoke an API key. Commits; safe to repeat; 404 if the company has none with this id."""
    tools = current_tools()
    with within_company(tools.engine, company_id) as connection:
        try:
            revoke_api_key(connection, company_id, _known(key_id), actor=principal().actor, now=tools.clock())
        except UnknownApiKeyError:
            abort(404)


def _known(number: int) -> int:
    return number if number <= _LARGEST_ID else abort(404)
