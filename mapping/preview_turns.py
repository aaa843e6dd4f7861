"""Take turns at previews: lease one that waits, tell how far it is, and keep what came of it. Times are the database's.

A turn is known by the number of the attempt: whoever lost it finds no row, and changes nothing.
"""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, TextClause, text

LEASE_SECONDS = 60
# A preview that ends its workers again and again is given up.
MOST_ATTEMPTS = 5

# Chosen apart from the change: PostgreSQL may run a subquery in FROM once for each row, and choose another every time.
_CLAIM = text("""
    WITH due AS MATERIALIZED (
        SELECT id FROM mapping_preview
        WHERE status IN ('queued', 'running', 'publishing')
          AND (leased_until IS NULL OR leased_until < statement_timestamp())
        -- One that was put off comes after those that nobody has taken yet.
        ORDER BY leased_until NULLS FIRST, id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    UPDATE mapping_preview p SET attempts = p.attempts + 1, lines_done = 0,
        leased_until = statement_timestamp() + make_interval(secs => :lease),
        status = CASE WHEN p.status = 'queued' THEN 'running' ELSE p.status END
    FROM due WHERE p.id = due.id
    RETURNING p.id, p.company_id, p.livemode, p.based_on, p.rules, p.status, p.attempts, p.position, p.checksum,
        p.result, p.note, coalesce(p.publish_requested_by, p.requested_by)
""")
_ANY_DUE = text("""
    SELECT EXISTS (SELECT FROM mapping_preview WHERE status IN ('queued', 'running', 'publishing')
                   AND (leased_until IS NULL OR leased_until < statement_timestamp()))
""")
_OF_TURN = "WHERE id = :id AND attempts = :attempts AND status = :status RETURNING id"
_HOLD = text(f"""
    UPDATE mapping_preview SET leased_until = statement_timestamp() + make_interval(secs => :lease),
        lines_done = coalesce(:lines_done, lines_done), lines_total = coalesce(:lines_total, lines_total) {_OF_TURN}
""")  # noqa: S608 - our own words
_RELEASE = text(f"""
    UPDATE mapping_preview SET attempts = attempts - 1,
        leased_until = statement_timestamp() + make_interval(secs => :seconds) {_OF_TURN}
""")  # noqa: S608 - our own words
_END = text(f"""
    UPDATE mapping_preview SET status = :becomes, failure = :failure, finished_at = :now, leased_until = NULL {_OF_TURN}
""")  # noqa: S608 - our own words
_READY = text(f"""
    UPDATE mapping_preview SET status = 'ready', position = :position, checksum = :checksum,
        result = cast(:result AS json), finished_at = :now, leased_until = NULL {_OF_TURN}
""")  # noqa: S608 - our own words
_PUBLISHED = text(f"""
    UPDATE mapping_preview SET status = 'published', version = :version, published_position = :published_position,
        since = cast(:since AS json), finished_at = :now, leased_until = NULL {_OF_TURN}
""")  # noqa: S608 - our own words


class TurnLostError(Exception):
    """The preview was canceled, or somebody else works on it by now."""


class Turn(NamedTuple):
    """A preview that this process works on: it evaluates it (`running`) or publishes it (`publishing`)."""

    id: int
    company_id: int
    livemode: bool
    based_on: int
    rules: list[dict[str, Any]]
    status: str
    attempts: int
    position: int | None
    checksum: str | None
    result: dict[str, Any] | None
    note: str | None
    requested_by: str

    def key(self) -> dict[str, object]:
        """Return the parameters that identify the turn."""
        return {"id": self.id, "attempts": self.attempts, "status": self.status}


def is_any_preview_due(connection: Connection) -> bool:
    """Return whether a preview waits for a worker."""
    return bool(connection.execute(_ANY_DUE).scalar())


def claim_turn(engine: Engine) -> Turn | None:
    """Lease the preview that has waited longest; None if none waits. Commits."""
    with engine.begin() as connection:
        row = connection.execute(_CLAIM, {"lease": LEASE_SECONDS}).one_or_none()
    return Turn._make(row) if row else None


def hold(engine: Engine, turn: Turn, *, done: int | None = None, total: int | None = None) -> None:
    """Prolong the lease and tell how many lines are done, of how many. Commits.

    :raises TurnLostError: the turn is lost
    """
    with engine.begin() as connection:
        _change(connection, turn, _HOLD, lease=LEASE_SECONDS, lines_done=done, lines_total=total)


def put_off(engine: Engine, turn: Turn, *, seconds: float) -> None:
    """Release a turn at which nothing could be done yet, for some seconds; it counts as no attempt. Commits."""
    with engine.begin() as connection:
        connection.execute(_RELEASE, turn.key() | {"seconds": seconds})


def end_turn(engine: Engine, turn: Turn, becomes: str, *, now: datetime, failure: str | None = None) -> None:
    """Give a preview up: it `failed`, or is `stale`. Commits."""
    with engine.begin() as connection:
        connection.execute(_END, turn.key() | {"becomes": becomes, "failure": failure, "now": now})


def keep_result(engine: Engine, turn: Turn, *, now: datetime, **result: object) -> None:
    """Keep `position`, `checksum` and `result`, a JSON text: the preview is ready. Commits.

    :raises TurnLostError: the turn is lost
    """
    with engine.begin() as connection:
        _change(connection, turn, _READY, now=now, **result)


def note_published(connection: Connection, turn: Turn, *, now: datetime, **published: object) -> None:
    """Note that a preview was published: `version`, `published_position` and `since`, a JSON text. Commits nothing.

    :raises TurnLostError: the turn is lost
    """
    _change(connection, turn, _PUBLISHED, now=now, **published)


def _change(connection: Connection, turn: Turn, statement: TextClause, **parameters: object) -> None:
    if connection.execute(statement, turn.key() | parameters).one_or_none() is None:
        raise TurnLostError
