"""`python -m workers clock`: find work that no worker was woken for. Many may run; a sweep is safe to repeat."""

import logging
import signal
from threading import Event

from redis.exceptions import RedisError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from backlog.fetch_requests import purge_answered, request_gaps
from backlog.fetches import is_any_due
from backlog.jobs import FETCH, NOTICE, PREVIEW, PROJECTION, SYNC
from backlog.queues import wake
from backlog.syncs.schedule import audit_schedule, request_due_syncs
from events.intake.parked import join_parked_events, owners_of_parked, purge_parked_events
from mapping.preview_turns import is_any_preview_due
from notices.claims import is_any_delivery_due
from notices.deliveries import purge_deliveries
from notices.mail import is_any_mail_due, purge_mail
from notices.mailing import is_any_notice_unmailed
from projections.engine.behind import audit_marks, is_anybody_behind
from projections.engine.catch_up import is_any_set_aside
from runtime.sqlstates import is_outage
from workers.exports.due import tell_due_exports
from workers.exports.telling import Messenger
from workers.notices.settling import settle_notices
from workers.syncs.leases import is_any_run_due
from workers.wiring.tools import Tools

SWEEP_SECONDS = 2.0
# Less frequent work: checking everything instead of what is marked.
_SWEEPS_PER_LONG_SWEEP = 15

_log = logging.getLogger(__name__)


def run_clock(tools: Tools) -> None:
    """Sweep until SIGTERM or SIGINT. An outage of PostgreSQL or Redis is logged and waited out."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    audit = Audit()
    sweeps = 0
    while not stop.wait(SWEEP_SECONDS):
        try:
            sweep(tools, is_long=sweeps % _SWEEPS_PER_LONG_SWEEP == 0)
            audit.go_on(tools.engine)
            sweeps += 1
        except (SQLAlchemyError, RedisError) as error:
            _log.warning("sweep failed", extra={"error": type(error).__name__})


def sweep(tools: Tools, *, is_long: bool) -> None:
    """Request due syncs, tell of due exports and wake workers; a long sweep also joins or purges parked events."""
    if is_long:
        _join_parked(tools.engine)
        with tools.engine.begin() as connection:
            purge_parked_events(connection)
            purge_answered(connection)
            purge_mail(connection, now=tools.clock())
            purge_deliveries(connection)
        request_gaps(tools.engine)
    settle_notices(tools.engine, tools.clock, is_long=is_long)
    request_due_syncs(tools.engine, now=tools.clock(), period_seconds=tools.sync_period_seconds)
    messenger = Messenger(tools.box, tools.public_url, sends_mail=tools.sends_mail)
    tell_due_exports(tools.engine, messenger, now=tools.clock())
    for queue in _queues_with_work(tools):
        wake(tools.redis, queue)


def _queues_with_work(tools: Tools) -> list[str]:
    with tools.engine.connect() as connection:
        has_work = {
            PROJECTION: is_anybody_behind(connection),
            FETCH: is_any_due(connection),
            SYNC: is_any_run_due(connection),
            NOTICE: _has_notices(tools, connection),
            PREVIEW: is_any_preview_due(connection) or is_any_set_aside(connection),
        }
    return [queue for queue, has_some in has_work.items() if has_some]


def _has_notices(tools: Tools, connection: Connection) -> bool:
    has_mail = tools.sends_mail and (
        is_any_notice_unmailed(connection) or is_any_mail_due(connection, now=tools.clock())
    )
    return has_mail or is_any_delivery_due(connection)


class Audit:
    """Looks at every company once in a while, in case the mark of one that is behind or due was lost."""

    def __init__(self) -> None:
        self._marks_after = self._schedule_after = 0

    def go_on(self, engine: Engine) -> None:
        """Look at the next few hundred companies. Commits."""
        self._marks_after = audit_marks(engine, self._marks_after)
        self._schedule_after = audit_schedule(engine, self._schedule_after)


def _join_parked(engine: Engine) -> None:
    with engine.connect() as connection:
        owners = owners_of_parked(connection)
    for company_id in owners:
        try:
            with engine.begin() as connection:
                join_parked_events(connection, company_id)
        except DBAPIError as error:
            # A log that refuses events or is locked concerns one company: the next one need not wait for it.
            _log.warning("parked events wait", extra={"company_id": company_id, "error": type(error).__name__})
            if is_outage(error):
                raise
