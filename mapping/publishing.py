"""Evaluate previews and publish them. A worker calls this; whoever answers requests only asks for it."""

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from json import dumps
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text

from mapping.archived_streams import tell_of_archived_streams
from mapping.evaluation import evaluated
from mapping.figures import Json, checksum_of, since
from mapping.lines_at import book_at, lines_in
from mapping.preview_turns import Turn, hold, keep_result, note_published
from mapping.recorded import RULES, Desk
from mapping.rule_sets import newest_version
from notices.announcements import announce
from notices.vocabulary import RULES_PUBLISHED
from projections.mapping.decisions.book import Book
from projections.mapping.decisions.payloads import Previewed, RulesPublished
from projections.mapping.reading_rules import read_rules
from projections.mapping.rules import Rules
from projections.reads.snapshots import Snapshot, snapshot_of, snapshot_on
from runtime.clock import Clock

_LOCK_HEAD = text("SELECT position FROM company_head WHERE company_id = :company_id FOR UPDATE")
# As many are evaluated in about a second, for which the company's appends may wait.
_FEW_LINES = 20_000
# Of publishing: the last one evaluates all lines under the lock, however long that takes.
_ATTEMPTS = 4
# The draft that was published is over; one that was saved since goes on.
_FORGET_DRAFT = text("""
    DELETE FROM rule_draft WHERE company_id = :company_id AND rules::jsonb = cast(:rules AS jsonb)
""")


class Outcome(Enum):
    """What a turn at a preview came to."""

    DONE = "done"
    # The table has not reached the log yet, or is being rebuilt, or the process ends.
    NOT_YET = "not yet"
    # Other rules were published since.
    STALE = "stale"


class Work(NamedTuple):
    """What a turn works with. As soon as `is_stopping` it ends, to be taken again by somebody else."""

    engine: Engine
    clock: Clock
    is_stopping: Callable[[], bool]


class _Known(NamedTuple):
    """What rules would change, and the position that this is of."""

    position: int | None
    result: Json


class _StoppedError(Exception):
    """The process ends."""


class _OvertakenError(Exception):
    """The log has grown since the rules were evaluated, and there are too many lines to do so under the lock."""


def take_turn(work: Work, turn: Turn) -> Outcome:
    """Evaluate or publish a preview, whichever it waits for. Commits.

    :raises TurnLostError: the preview was canceled, or somebody else works on it
    """
    try:
        return _evaluate(work, turn) if turn.status == "running" else _publish(work, turn)
    except _StoppedError:
        return Outcome.NOT_YET


def _evaluate(work: Work, turn: Turn) -> Outcome:
    with snapshot_of(work.engine, turn.company_id) as snapshot:
        before = book_at(snapshot)
        if not snapshot.is_whole or before.rules_version < turn.based_on:
            return Outcome.NOT_YET
        if before.rules_version > turn.based_on:
            return Outcome.STALE
        hold(work.engine, turn, total=lines_in(snapshot, livemode=turn.livemode))
        result, position = _evaluated(work, snapshot, before, turn), snapshot.position
    kept = {"position": position, "checksum": checksum_of(result), "result": dumps(result)}
    keep_result(work.engine, turn, now=work.clock(), **kept)
    return Outcome.DONE


def _publish(work: Work, turn: Turn) -> Outcome:
    """Publish rules while the company's log is locked, so that what is published is what was evaluated."""
    known, attempt = _Known(turn.position, turn.result or {"cells": []}), 1
    while True:
        try:
            with work.engine.begin() as connection:
                return _publish_locked(work, turn, connection, known, is_last=attempt == _ATTEMPTS)
        except _OvertakenError:
            # What came since is evaluated without the lock, so that as little as possible waits for it.
            with snapshot_of(work.engine, turn.company_id) as snapshot:
                known = _Known(snapshot.position, _evaluated(work, snapshot, book_at(snapshot), turn))
            attempt += 1


def _publish_locked(work: Work, turn: Turn, connection: Connection, known: _Known, *, is_last: bool) -> Outcome:
    head = int(connection.execute(_LOCK_HEAD, {"company_id": turn.company_id}).scalar_one())
    if newest_version(connection, turn.company_id) != turn.based_on:
        return Outcome.STALE
    snapshot = snapshot_on(connection, turn.company_id)
    if not snapshot.is_whole or snapshot.position != head:
        return Outcome.NOT_YET
    if known.position != head:
        if not is_last and lines_in(snapshot, livemode=turn.livemode) > _FEW_LINES:
            raise _OvertakenError
        known = _Known(head, _evaluated(work, snapshot, book_at(snapshot), turn))
    _record(connection, turn, since(turn.result or {"cells": []}, known.result), work.clock())
    return Outcome.DONE


def _evaluated(work: Work, snapshot: Snapshot, before: Book, turn: Turn) -> Json:
    def progress(done: int) -> None:
        if work.is_stopping():
            raise _StoppedError
        hold(work.engine, turn, done=done)

    return evaluated(snapshot, before, _rules_of(turn), livemode=turn.livemode, progress=progress)


def _record(connection: Connection, turn: Turn, came_since: list[Json], now: datetime) -> None:
    desk = Desk(connection, turn.company_id, turn.requested_by, now)
    previewed = Previewed(turn.position or 0, turn.checksum or "")
    version = turn.based_on + 1
    (position,) = desk.record(RULES, [RulesPublished(version, list(turn.rules), turn.based_on, previewed, turn.note)])
    kept = {"version": version, "published_position": position, "since": dumps(came_since)}
    note_published(connection, turn, now=now, **kept)
    connection.execute(_FORGET_DRAFT, {"company_id": turn.company_id, "rules": dumps(turn.rules)})
    tell_of_archived_streams(desk)
    told: dict[str, object] = {"version": version, "position": position, "rebased": bool(came_since)}
    told |= {"note": turn.note, "published_by": turn.requested_by}
    announce(connection, turn.company_id, RULES_PUBLISHED, told, now=now)


def _rules_of(turn: Turn) -> Rules:
    return read_rules(turn.rules, _no_new_id)


def _no_new_id() -> str:
    raise LookupError("a rule of a preview has no id")
