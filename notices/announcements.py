"""Announce to a company's webhook endpoints what happened, in the transaction in which it does."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from notices.vocabulary import REVENUE_LINES_CHANGED
from runtime.database import Driver

_ANNOUNCE = text("""
    INSERT INTO webhook_delivery (company_id, endpoint_id, type, occurred_at, data)
    SELECT company_id, id, :type, :now, CAST(:data AS jsonb) FROM webhook_endpoint
    WHERE company_id = :company_id AND disabled_at IS NULL AND :type = ANY (types) ORDER BY id
""")
# For the statement that claims builds to fold: whether the company of the head `h` listens at all.
IS_LISTENING = f"""
    (SELECT true FROM webhook_endpoint e WHERE e.company_id = h.company_id AND e.disabled_at IS NULL
        AND '{REVENUE_LINES_CHANGED}' = ANY (e.types) LIMIT 1) IS NOT NULL
"""  # noqa: S608 - our own words
# A second's changes are told at once, and all that come while they are not sent yet.
_ANNOUNCE_CHANGES = f"""
    INSERT INTO webhook_delivery AS d (company_id, endpoint_id, type, occurred_at, position_from, position_to, due_at)
    SELECT company_id, id, '{REVENUE_LINES_CHANGED}', statement_timestamp(), %b, %b,
           statement_timestamp() + interval '1 second'
    FROM webhook_endpoint
    WHERE company_id = %b AND disabled_at IS NULL AND '{REVENUE_LINES_CHANGED}' = ANY (types) ORDER BY id
    ON CONFLICT (endpoint_id) WHERE type = '{REVENUE_LINES_CHANGED}' AND body IS NULL
    DO UPDATE SET position_to = excluded.position_to, occurred_at = excluded.occurred_at
"""  # noqa: S608 - our own words


class Moved(NamedTuple):
    """A company's table changed: it was folded up to the first position, and is now folded up to the second."""

    company_id: int
    position_from: int
    position_to: int


def announce(connection: Connection, company_id: int, what: str, data: Mapping[str, object], *, now: datetime) -> None:
    """Queue a webhook of this type to each of the company's endpoints that wants it. Commits nothing.

    It is sent within two seconds of the commit.
    """
    parameters = {"company_id": company_id, "type": what, "data": json.dumps(dict(data)), "now": now}
    connection.execute(_ANNOUNCE, parameters)


def announce_changes(driver: Driver, moved: Iterable[Moved]) -> None:
    """Queue webhooks about changed lines; what waits already and was not sent is told with them. Commits nothing."""
    for one in moved:
        driver.execute(_ANNOUNCE_CHANGES, (one.position_from, one.position_to, one.company_id))
