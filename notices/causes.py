"""Open a notice when something needs somebody, and close it when it is over. A cause has one open notice at most."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, select, text

from notices.tables import notice
from notices.vocabulary import ACTION_REQUIRED, QUARANTINE_OPENED, SYNC_FAILED
from runtime.database import Driver
from runtime.json_rows import as_rows, rows_of

# More reasons would hide each other: what comes later is shown in the quarantine alone.
_MOST_QUARANTINES = 20
_MOST_SHOWN = 100
# Of a reason, as a cause.
MOST_CHARACTERS = 500

_OPEN = text("""
    INSERT INTO notice (company_id, type, cause, details, opened_at)
    VALUES (:company_id, :type, :cause, CAST(:details AS jsonb), :now)
    ON CONFLICT (company_id, type, cause) WHERE closed_at IS NULL DO NOTHING
""")
_CLOSE = text("""
    UPDATE notice SET closed_at = :now
    WHERE company_id = :company_id AND type = :type AND cause = :cause AND closed_at IS NULL
""")
_QUARANTINED = ("company_id", "reason", "position", "facts")
# A reason that is new opens a notice, and is told to the endpoints that want to know.
_OPEN_QUARANTINE = f"""
    WITH opened AS (
        INSERT INTO notice (company_id, type, cause, details, opened_at)
        SELECT k.company_id, '{QUARANTINE_OPENED}', k.reason,
               jsonb_build_object('reason', k.reason, 'position', k.position, 'facts', k.facts), statement_timestamp()
        FROM {rows_of("company_id bigint, reason text, position bigint, facts integer")}
        WHERE (SELECT count(*) FROM notice o WHERE o.company_id = k.company_id AND o.type = '{QUARANTINE_OPENED}'
               AND o.closed_at IS NULL) < %(most)s
        ON CONFLICT (company_id, type, cause) WHERE closed_at IS NULL DO NOTHING
        RETURNING company_id, details, opened_at
    )
    INSERT INTO webhook_delivery (company_id, endpoint_id, type, occurred_at, data)
    SELECT o.company_id, e.id, '{QUARANTINE_OPENED}', o.opened_at, o.details
    FROM opened o JOIN webhook_endpoint e ON e.company_id = o.company_id
    WHERE e.disabled_at IS NULL AND '{QUARANTINE_OPENED}' = ANY (e.types) ORDER BY e.id
"""  # noqa: S608 - our own words
# What is over without anybody having said so: the connection is no longer what the notice says.
_IS_OVER = f"""
    EXISTS (SELECT FROM stripe_connection c WHERE c.company_id = n.company_id AND CASE
        WHEN n.type = '{ACTION_REQUIRED}' THEN c.status <> 'reauthorization_required'
        WHEN n.type = '{SYNC_FAILED}' THEN c.status <> 'connected' ELSE false END)
"""
_CLOSE_WHAT_IS_OVER = text(f"""
    UPDATE notice n SET closed_at = :now
    WHERE n.closed_at IS NULL AND n.type IN ('{ACTION_REQUIRED}', '{SYNC_FAILED}') AND {_IS_OVER}
""")  # noqa: S608 - our own words
_SHOWN = text(f"""
    SELECT n.id, n.type, n.cause, n.details, n.opened_at FROM notice n
    WHERE n.company_id = :company_id AND n.closed_at IS NULL AND NOT {_IS_OVER}
    ORDER BY n.opened_at DESC, n.id DESC LIMIT :most
""")  # noqa: S608 - our own words


def open_notice(
    connection: Connection, company_id: int, what: str, cause: str, details: Mapping[str, object], *, now: datetime
) -> None:
    """Open a notice, unless the cause has one. Commits nothing; safe to repeat."""
    of_cause = {"company_id": company_id, "type": what, "cause": cause}
    connection.execute(_OPEN, {**of_cause, "details": json.dumps(dict(details)), "now": now})


def close_notice(connection: Connection, company_id: int, what: str, cause: str, *, now: datetime) -> None:
    """Close the cause's notice, if it has one. Commits nothing; safe to repeat."""
    connection.execute(_CLOSE, {"company_id": company_id, "type": what, "cause": cause, "now": now})


def open_quarantine(driver: Driver, quarantined: Iterable[tuple[int, int, str]]) -> None:
    """Open notices about facts that could not be read, and queue webhooks for new reasons. Commits nothing.

    Each fact is given by its company, its position and the reason.
    """
    positions: dict[tuple[int, str], list[int]] = defaultdict(list)
    for company_id, position, reason in quarantined:
        positions[company_id, reason[:MOST_CHARACTERS]].append(position)
    told: Counter[int] = Counter()
    rows = []
    for (company_id, reason), at in positions.items():
        told[company_id] += 1
        if told[company_id] <= _MOST_QUARANTINES:
            rows.append((company_id, reason, min(at), len(at)))
    driver.execute(_OPEN_QUARANTINE, as_rows(_QUARANTINED, rows) | {"most": _MOST_QUARANTINES})


def close_what_is_over(connection: Connection, *, now: datetime) -> int:
    """Close notices about connections that have changed since; return how many. Commits nothing; safe to repeat."""
    return connection.execute(_CLOSE_WHAT_IS_OVER, {"now": now}).rowcount


def open_notices(connection: Connection, company_id: int) -> Sequence[Row[tuple[object, ...]]]:
    """Return a company's open notices, newest first, a hundred at most."""
    return connection.execute(_SHOWN, {"company_id": company_id, "most": _MOST_SHOWN}).all()


def notice_causes(connection: Connection, what: str) -> list[tuple[int, str]]:
    """Return company and cause of every open notice of this type."""
    rows = connection.execute(
        select(notice.c.company_id, notice.c.cause)
        .where(notice.c.type == what, notice.c.closed_at.is_(None))
        .order_by(notice.c.id)
    )
    return [(row.company_id, row.cause) for row in rows]
