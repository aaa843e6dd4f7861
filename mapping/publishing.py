"""Evaluate previews and publish them. A worker calls this; whoever answers requests only asks for it."""

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from json import dumps
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text

from mapping.evaluation import book_at, evaluated, lines_in
from mapping.figures import Json, checksum_of, since
from mapping.preview_turns import Turn, hold, keep_result, note_published
from mapping.recorded import RULES, Desk
from mapping.rule_sets import newest_version
from notices.announcements import announce
from notices.vocabulary import RULES_PUBLISHED
from projections.mapping.book import Book
from projections.mapping.payloads import Previewed, RulesPublished
from projections.mapping.reading_rules import read_rules
from projections.mapping.rules import Rules
from projections.reads.snapshots import Snapshot, snapshot_of, snapshot_on
from runtime.clock import Clock

_LOCK_HEAD = text("SELECT position FROM company_head WHERE company_id = :company_id FOR UPDATE")
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


class _StoppedError(Exception):
    """The process ends."""


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
    with work.engine.begin() as connection:
        head = int(connection.execute(_LOCK_HEAD, {"company_id": turn.company_id}).scalar_one())
        if newest_version(connection, turn.company_id) != turn.based_on:
            return Outcome.STALE
        snapshot = snapshot_on(connection, turn.company_id)
        if not snapshot.is_whole or snapshot.position != head:
            return Outcome.NOT_YET
        came_since = _came_since(work, snapshot, turn) if head != turn.position else []
        now = work.clock()
        version, position = _record(connection, turn, now)
        published = {"version": version, "published_position": position, "since": dumps(came_since)}
        note_published(connection, turn, now=now, **published)
        told: dict[str, object] = {"version": version, "position": position, "rebased": bool(came_since)}
        told |= {"note": turn.note, "published_by": turn.requested_by}
        announce(connection, turn.company_id, RULES_PUBLISHED, told, now=now)
        connection.execute(_FORGET_DRAFT, {"company_id": turn.company_id, "rules": dumps(turn.rules)})
    return Outcome.DONE


def _came_since(work: Work, snapshot: Snapshot, turn: Turn) -> list[Json]:
    return since(turn.result or {"cells": []}, _evaluated(work, snapshot, book_at(snapshot), turn))


def _evaluated(work: Work, snapshot: Snapshot, before: Book, turn: Turn) -> Json:
    def progress(done: int) -> None:
        if work.is_stopping():
            raise _StoppedError
        hold(work.engine, turn, done=done)

    return evaluated(snapshot, before, _rules_of(turn), livemode=turn.livemode, progress=progress)


def _record(connection: Connection, turn: Turn, now: datetime) -> tuple[int, int]:
    desk = Desk(connection, turn.company_id, turn.requested_by, now)
    previewed = Previewed(turn.position or 0, turn.checksum or "")
    version = turn.based_on + 1
    fact = RulesPublished(version, list(turn.rules), turn.based_on, previewed, turn.note)
    return version, desk.record(RULES, [fact])[0]


def _rules_of(turn: Turn) -> Rules:
    return read_rules(turn.rules, _no_new_id)


def _no_new_id() -> str:
    raise LookupError("a rule of a preview has no id")
