"""Read from a streaming replica if it has everything that its primary has acknowledged, and else from the primary.

Whether it has is asked at each read: nothing has to be remembered of what a reader has seen.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from selectors import EVENT_READ, DefaultSelector
from typing import Any, NamedTuple, cast

import psycopg
from psycopg.errors import ConnectionTimeout
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from runtime.database import Driver
from runtime.replica_use import ReplicaFailedError, ReplicaUse
from runtime.sqlstates import is_statement_timeout

_ANSWER_SECONDS = 1
# A replica that keeps up has what the primary has just written within milliseconds.
_TRIES_AFTER_SECONDS = (0, 0.002, 0.008, 0.02)
_OPTION = "revmap_replica"
_ERRORS = (DBAPIError, PoolTimeoutError, psycopg.Error)

# Positions of the WAL can be compared on one timeline of one cluster. What did not wait for the disk is acknowledged
# before it is flushed, and only what is flushed is sent to replicas.
_WRITTEN = text("""
    SELECT CASE WHEN current_setting('synchronous_commit') = 'off' THEN CAST(pg_current_wal_insert_lsn() AS text)
                ELSE CAST(pg_current_wal_flush_lsn() AS text) END AS lsn,
           left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) AS timeline,
           (SELECT system_identifier FROM pg_control_system()) AS cluster, current_database() AS database
""")
_REPLAYED = text("""
    SELECT pg_is_in_recovery() AND current_database() = :database
               AND (SELECT system_identifier FROM pg_control_system()) = :cluster
               AND (SELECT upper(lpad(to_hex(timeline_id), 8, '0')) FROM pg_control_checkpoint()) = :timeline
               AS follows,
           coalesce(pg_last_wal_replay_lsn() >= CAST(:lsn AS pg_lsn), false) AS has_all,
           CAST(extract(epoch FROM clock_timestamp()
               - coalesce(pg_last_xact_replay_timestamp(), pg_postmaster_start_time())) AS float) AS age_seconds
    FROM pg_sleep(:after_seconds)
""")


class NotFollowingError(Exception):
    """The server is no replica of this primary: it was promoted, or belongs to another."""


class Replica(NamedTuple):
    """A replica beside an engine of the primary. Its engine has the same limits and acts in the same role."""

    engine: Engine
    use: ReplicaUse

    @contextmanager
    def caught_up_with(self, primary: Connection) -> Iterator[Connection | None]:
        """Yield a connection to the replica if it has all that the primary has acknowledged by now, else None.

        It may lack what was committed without waiting for the disk, as folds are. The connection is in no transaction.

        :raises ReplicaFailedError: an error of the database inside, unless a statement took too long
        """
        if not self.use.may_ask:
            yield None
            return
        try:
            written = _written_on(primary)
            with self._connect() as connection:
                yield connection if self._has_all(connection, written) else None
        except (*_ERRORS, NotFollowingError) as error:
            if is_statement_timeout(error):
                raise
            self.use.note_failure(error)
            # A server that was restarted ends all its connections.
            self.engine.dispose()
            raise ReplicaFailedError from error

    def lag_seconds(self, primary: Connection) -> float | None:
        """Return the age of what the replica shows, 0 if it has all; None if it is away or follows another."""
        try:
            written = _written_on(primary)
            with self._connect() as connection:
                _await_answer(connection)
                follows, has_all, age_seconds = connection.execute(_REPLAYED, {**written, "after_seconds": 0}).one()
        except _ERRORS:
            return None
        if not follows:
            return None
        return 0 if has_all else max(0.0, float(age_seconds))

    def _connect(self) -> Connection:
        # Without it, a connection that was used before begins READ WRITE, which a replica refuses.
        return self.engine.connect().execution_options(postgresql_readonly=True)

    def _has_all(self, connection: Connection, written: dict[str, Any]) -> bool:
        _await_answer(connection)
        for after_seconds in _TRIES_AFTER_SECONDS:
            replayed = connection.execute(_REPLAYED, {**written, "after_seconds": after_seconds}).one()
            if not replayed.follows:
                raise NotFollowingError
            if replayed.has_all:
                # What is read next has a snapshot of its own, made later.
                connection.rollback()
                self.use.note_answer()
                return True
        self.use.note_behind()
        return False


def read_beside(primary: Engine, replica: Replica) -> Engine:
    """Return the primary's engine such that `replica_of` finds the replica."""
    return primary.execution_options(**{_OPTION: replica})


def replica_of(engine: Engine) -> Replica | None:
    """Return the replica beside an engine, or None."""
    found: Replica | None = engine.get_execution_options().get(_OPTION)
    return found


def _written_on(primary: Connection) -> dict[str, Any]:
    return primary.execute(_WRITTEN).one()._asdict()


def _await_answer(connection: Connection) -> None:
    """Wait until the server answers on this connection, for a second at most: one that is frozen keeps it open.

    :raises psycopg.Error: the connection is lost, or nothing came
    """
    server = cast("Driver", connection.connection.driver_connection).pgconn
    server.send_query(b"")
    with DefaultSelector() as selector:
        selector.register(server.socket, EVENT_READ)
        if not selector.select(_ANSWER_SECONDS):
            connection.invalidate()
            raise ConnectionTimeout
    while server.get_result() is not None:
        pass
