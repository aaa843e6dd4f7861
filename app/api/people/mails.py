"""E-mails with one-time links, queued in the transaction that makes the link."""

from sqlalchemy import Connection

from app.wiring.mail import QueueMail
from app.wiring.tools import Tools
from tenants.companies import find_company
from tenants.people.invitations import Invitation
from tenants.people.password_links import link_to_be_mailed

_TO_JOIN = """\
{inviter} invites you to {company} on revmap, as {role}.

Open this link to join. It works once, within seven days:

{url}

If you don't expect this, you can ignore it.
"""
_TO_CHANGE_IT = """\
Somebody, probably you, asked for a new password for {email} on revmap.

Open this link to set it. It works once, within an hour:

{url}

If it wasn't you, ignore this: your password stays as it is.
"""


def invitation_address(tools: Tools, token: str) -> str:
    """Return the address of an invitation's link."""
    return f"{tools.address.origin}/invitations/{token}"


def password_address(tools: Tools, token: str) -> str:
    """Return the address of a link for a new password."""
    return f"{tools.address.origin}/new-password/{token}"


def mail_invitation(
    queue_mail: QueueMail, connection: Connection, invitation: Invitation, *, url: str, inviter: str
) -> None:
    """Queue an invitation's link for the address it is for. Commits nothing."""
    company = find_company(connection, invitation.company_id)
    name = " ".join(company.name.split()) if company else ""
    queue_mail(
        connection,
        company_id=invitation.company_id,
        to=invitation.email,
        subject=f"Join {name} on revmap",
        text=_TO_JOIN.format(inviter=inviter, company=name, role=invitation.role, url=url),
    )


def mail_password_link(tools: Tools, connection: Connection, company_id: int, *, user_id: int, email: str) -> bool:
    """Queue a link for a new password for the person's own address; return whether mail is configured.

    Commits nothing.
    """
    if tools.queue_mail is None:
        return False
    url = password_address(tools, link_to_be_mailed(connection, user_id, now=tools.clock()))
    tools.queue_mail(
        connection,
        company_id=company_id,
        to=email,
        subject="Set a new password for revmap",
        text=_TO_CHANGE_IT.format(email=email, url=url),
    )
    return True
