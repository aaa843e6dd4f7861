"""Build facts of our own: decisions of people and processes, kept in the log beside Stripe's events."""

import json
from datetime import datetime
from uuid import uuid4

from events.log.append import NewEvent

SOURCE = "revmap"


def own_fact(  # noqa: PLR0913 - as many as a fact has
    fact: str,
    details: dict[str, object],
    *,
    entity: str | None,
    now: datetime,
    actor: str | None,
    livemode: bool = True,
    account_id: str | None = None,
    external_id: str | None = None,
) -> NewEvent:
    """Return a fact of type `fact` about `entity`, done by `actor`, to be appended by the caller.

    A fact that concerns neither mode counts as live, so that no filter hides it.
    """
    return NewEvent(
        type=fact,
        source=SOURCE,
        external_id=external_id or str(uuid4()),
        payload=json.dumps(details).encode(),
        livemode=livemode,
        occurred_at=now,
        entity=entity,
        account_id=account_id,
        actor=actor,
    )
