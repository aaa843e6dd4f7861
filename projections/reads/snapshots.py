"""Open snapshots: one build of a company's table at one position of its log, now or in the past."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text

from events.log.read import head_of
from projections.registry import BY_NAME
from projections.revenue.fold import NAME
from runtime.database import wall_in
from runtime.replica import Replica, replica_of


class NotFoldedYetError(Exception):
    """The event is in the log but not folded yet, or the company's table is being rebuilt: it will be readable soon."""


class PositionAheadError(ValueError):
    """The company's log is not that long."""


class Snapshot(NamedTuple):
    """The build that is live for a company, folded up to `position` of its log.

    As of an earlier position (`is_past`), everything reads as it stood when that was the log's last event. A build that
    an older release made (not `is_whole`) has no past and no sums.
    """

    connection: Connection
    company_id: int
    build: int
    position: int
    status: str
    is_whole: bool
    # The history that the positions belong to: see `events.log.epochs`.
    epoch: str = ""
    is_past: bool = False

    def bound(self) -> dict[str, object]:
        """Return the parameters for a statement about the table."""
        return {"company_id": self.company_id, "build": self.build, "position": self.position}

    def at(self, position: int) -> "Snapshot":
        """Return the same table as of an earlier position."""
        return self._replace(position=position, status="live", is_past=position < self.position)


_ACTIVE = text("""
    SELECT coalesce(s.build, 0), coalesce(s.position, 0), coalesce(s.status, 'live'),
           coalesce(s.version = :version, true), coalesce((SELECT epoch FROM log_epoch), '')
    FROM (VALUES (CAST(:company_id AS bigint))) AS company (id) LEFT JOIN (
        projection_active a JOIN projection_state s
            ON s.projection = a.projection AND s.company_id = a.company_id AND s.build = a.build
    ) ON a.projection = :projection AND a.company_id = company.id
""")
# Positions have no gaps and recorded_at never decreases: twenty probes find an instant among a million events.
_LAST_RECORDED_BY = text("""
    WITH RECURSIVE search (low, high) AS (
        SELECT 0::bigint, position FROM company_head WHERE company_id = :company_id
        UNION ALL
        SELECT CASE WHEN e.recorded_at <= :instant THEN e.position ELSE s.low END,
               CASE WHEN e.recorded_at <= :instant THEN s.high ELSE e.position - 1 END
        FROM search s CROSS JOIN LATERAL (
            SELECT position, recorded_at FROM event
            WHERE company_id = :company_id AND position = (s.low + s.high + 1) / 2
        ) e
        WHERE s.low < s.high
    )
    SELECT low FROM search WHERE low = high
""")


@contextmanager
def snapshot_of(engine: Engine, company_id: int, as_of: int | datetime | None = None) -> Iterator[Snapshot]:
    """Open a consistent view of a company's table. Everything read inside belongs to one instant; writes nothing.

    `as_of` is a position of the log, or an instant: then the events recorded by that instant count. It is a view of the
    replica beside the engine, if that shows all that the primary does.

    :raises PositionAheadError: as of a position that the log has not reached
    :raises NotFoldedYetError: as of a position that the table has not reached, or in a table without a past
    """
    with ExitStack() as opened:
        snapshot = _begun(opened.enter_context(engine.connect()), company_id)
        if (replica := replica_of(engine)) is not None:
            snapshot = _on_replica(replica, snapshot, opened) or snapshot
        yield snapshot if as_of is None else _as_of(snapshot, as_of)


def _begun(connection: Connection, company_id: int) -> Snapshot:
    connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True).begin()
    wall_in(connection, company_id)
    return snapshot_on(connection, company_id)


def _on_replica(replica: Replica, primary: Snapshot, opened: ExitStack) -> Snapshot | None:
    """Open the same snapshot on the replica and close the primary's; return None if the replica does not have it."""
    with ExitStack() as tried:
        connection = tried.enter_context(replica.caught_up_with(primary.connection))
        if connection is None:
            return None
        snapshot = _begun(connection, primary.company_id)
        # Folds are seen on the primary before they are flushed to disk, and only then sent to replicas.
        if snapshot._replace(connection=primary.connection) != primary:
            return None
        primary.connection.close()
        opened.enter_context(tried.pop_all())
        return snapshot


def snapshot_on(connection: Connection, company_id: int) -> Snapshot:
    """Return a company's table as a transaction of the caller's sees it now."""
    parameters = {"projection": NAME, "version": BY_NAME[NAME].version, "company_id": company_id}
    return Snapshot(connection, company_id, *connection.execute(_ACTIVE, parameters).one())


def _as_of(snapshot: Snapshot, as_of: int | datetime) -> Snapshot:
    position = _position_at(snapshot, as_of)
    if position > snapshot.position or not snapshot.is_whole:
        raise NotFoldedYetError
    return snapshot.at(position)


def position_at(connection: Connection, company_id: int, instant: datetime) -> int:
    """Return the position of the last event that a company's log had recorded by an instant; 0 if there is none."""
    parameters = {"company_id": company_id, "instant": instant}
    return connection.execute(_LAST_RECORDED_BY, parameters).scalar() or 0


def _position_at(snapshot: Snapshot, as_of: int | datetime) -> int:
    if isinstance(as_of, datetime):
        return position_at(snapshot.connection, snapshot.company_id, as_of)
    head = head_of(snapshot.connection, snapshot.company_id)
    if as_of > head:
        raise PositionAheadError
    return as_of
