"""Record who changed what about a company's access, its people and its keys: each change is a fact in its log."""

from datetime import datetime

from sqlalchemy import Connection, select

from events.log.append import append
from events.log.own_facts import own_fact
from tenants.tables import membership

API_KEY_CREATED = "access.api_key_created"
API_KEY_REVOKED = "access.api_key_revoked"
MEMBER_ADDED = "access.member_added"
MEMBER_ROLE_CHANGED = "access.member_role_changed"
MEMBER_REMOVED = "access.member_removed"
INVITATION_CREATED = "access.invitation_created"
INVITATION_ACCEPTED = "access.invitation_accepted"
INVITATION_REVOKED = "access.invitation_revoked"
PASSWORD_LINK_CREATED = "access.password_link_created"  # noqa: S105 - the name of a fact
PASSWORD_CHANGED = "access.password_changed"  # noqa: S105 - the name of a fact
SECOND_FACTOR_TURNED_ON = "access.second_factor_turned_on"
SECOND_FACTOR_TURNED_OFF = "access.second_factor_turned_off"
SECOND_FACTOR_REQUIRED = "access.second_factor_required"
SECOND_FACTOR_MADE_OPTIONAL = "access.second_factor_made_optional"
RECOVERY_CODE_USED = "access.recovery_code_used"
RECOVERY_CODES_RENEWED = "access.recovery_codes_renewed"
COMPANY_CREATED = "access.company_created"
COMPANY_RENAMED = "access.company_renamed"
CONNECTION_REFUSED = "access.connection_refused"
# Somebody else proved access to the account and was refused: its company should know, but not who it was.
CLAIM_REFUSED = "access.claim_refused"

ENDPOINT_CREATED = "access.webhook_endpoint_created"
ENDPOINT_CHANGED = "access.webhook_endpoint_changed"
ENDPOINT_DELETED = "access.webhook_endpoint_deleted"
ENDPOINT_DISABLED = "access.webhook_endpoint_disabled"
ENDPOINT_SECRET_ROTATED = "access.webhook_endpoint_secret_rotated"  # noqa: S105 - the name of a fact


def note_access(
    connection: Connection,
    company_id: int,
    fact: str,
    *,
    about: str,
    actor: str | None,
    now: datetime,
    **details: object,
) -> None:
    """Append a fact about an entity, for example `user:5`, done by `actor`. Commits nothing; call it last."""
    append(connection, company_id, [own_fact(fact, details, entity=about, now=now, actor=actor)])


def note_in_companies_of(connection: Connection, user_id: int, fact: str, *, actor: str, now: datetime) -> None:
    """Append a fact about a user to the log of each of their companies. Commits nothing; call it last."""
    companies = select(membership.c.company_id).where(membership.c.user_id == user_id)
    # In one order, so that no two wait for each other.
    for company_id in connection.execute(companies.order_by(membership.c.company_id)).scalars().all():
        note_access(connection, company_id, fact, about=f"user:{user_id}", actor=actor, now=now)
