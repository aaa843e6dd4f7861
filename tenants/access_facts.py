"""Facts about who was let in: each change of a company's keys and members stands in its log."""

import json
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Connection

from events.log.append import NewEvent, append

API_KEY_CREATED = "access.api_key_created"
API_KEY_REVOKED = "access.api_key_revoked"
MEMBER_ADDED = "access.member_added"
MEMBER_ROLE_CHANGED = "access.member_role_changed"
MEMBER_REMOVED = "access.member_removed"
CONNECTION_REFUSED = "access.connection_refused"
# Somebody else could show the account and did not get it: its company should know, though not who it was.
CLAIM_REFUSED = "access.claim_refused"


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
    """Append a fact of this kind about such as `user:5`, done by `actor`. Commits nothing; call it last."""
    new = NewEvent(
        type=fact,
        source="revmap",
        external_id=str(uuid4()),
        payload=json.dumps(details).encode(),
        # It concerns neither mode; the log wants one, and live is the one that is never filtered away.
        livemode=True,
        occurred_at=now,
        entity=about,
        actor=actor,
    )
    append(connection, company_id, [new])
