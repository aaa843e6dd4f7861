"""Tell people by e-mail that their second factor was turned on or off: if it was not them, they have to know."""

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, select

from notices.letters import Letter
from notices.mail import queue_mail
from tenants.secrets import SecretBox
from tenants.tables import membership, user_account

Change = Literal["on", "off", "reset"]

_LETTERS = {
    "on": Letter(
        "Your second factor is on",
        "Signing in to revmap as {email} now takes a code from an authenticator app, after your password.\n\n"
        "If it wasn't you, somebody has your password: tell the operator of revmap at once.\n",
    ),
    "off": Letter(
        "Your second factor is off",
        "Signing in to revmap as {email} takes your password alone again.\n\n"
        "If it wasn't you, set a new password at once, and turn it on again.\n",
    ),
    "reset": Letter(
        "Your second factor was reset",
        "The operator of revmap has turned off the second factor of {email}. Sign in with your password, and turn it on"
        " with your new phone.\n\n"
        "If you didn't ask for this, set a new password at once, and tell your operator.\n",
    ),
}


def mail_about_second_factor(
    connection: Connection, box: SecretBox, user_id: int, change: Change, *, now: datetime
) -> None:
    """Queue an e-mail to a person, on behalf of one of their companies. Whoever is in none gets none. Commits nothing.

    Queue nothing if no mail server is set.
    """
    email, company_id = connection.execute(
        select(user_account.c.email, func.min(membership.c.company_id))
        .outerjoin(membership, membership.c.user_id == user_account.c.id)
        .where(user_account.c.id == user_id)
        .group_by(user_account.c.email)
    ).one()
    if company_id is not None:
        subject, text = _LETTERS[change]
        queue_mail(
            connection, box, company_id=company_id, to=email, subject=subject, text=text.format(email=email), now=now
        )
