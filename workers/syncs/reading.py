"""Read one run: threads send requests to Stripe concurrently, one thread saves each page under the lease."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial
from typing import Any

from sqlalchemy import Connection

from backlog.fetches import FetchRequest, claim_due, note_answered
from backlog.jobs import PROJECTION
from backlog.queues import wake_if_possible
from backlog.sync_vocabulary import RESOURCES
from events.log.append import NewEvent
from stripe_gateway.client import Tally
from stripe_gateway.objects import fetch
from stripe_gateway.pages import Page, read_page
from stripe_gateway.refusals import StripeAnswerError
from workers.syncs.answers import keep_answer, keep_page
from workers.syncs.changes import count
from workers.syncs.failures import RunFailedError, note_fetch_failure, note_page_failure, refuse_what_is_final
from workers.syncs.leases import Lease, held, keep_connected, note_progress
from workers.syncs.segments import (
    MOST_AT_ONCE,
    Segment,
    move_on,
    split,
    unread_segments,
)
from workers.wiring.tools import Tools

_FETCHES_AT_ONCE = 8
_HEARTBEAT_SECONDS = 5.0
_DRAIN_SECONDS = 3.0

_log = logging.getLogger(__name__)


class Reading:
    """Reads a run's segments and fetch requests until nothing is left that can be read now."""

    def __init__(self, tools: Tools, lease: Lease) -> None:
        self._tools = tools
        self._lease = lease
        self._tally = Tally()
        self._pages: dict[Future[Page], Segment] = {}
        self._fetches: dict[Future[list[NewEvent]], FetchRequest] = {}

    def read_until(self, is_over: Callable[[], bool]) -> None:
        """Read until `is_over` or until nothing can be read at the moment. Commits page by page.

        :raises LeaseLostError, CancelRequestedError: as `held`
        :raises RunFailedError: the run cannot continue
        """
        try:
            self._read_until(is_over)
        finally:
            # Answers under way are discarded when they arrive; requests that have not started need not start.
            pending: list[Future[Any]] = [*self._pages, *self._fetches]
            for future in pending:
                future.cancel()

    def _read_until(self, is_over: Callable[[], bool]) -> None:
        deadline = None
        while True:
            if is_over():
                deadline = deadline or time.monotonic() + _DRAIN_SECONDS
            else:
                self._submit_all()
            pending: list[Future[Any]] = [*self._pages, *self._fetches]
            if not pending or (deadline and time.monotonic() > deadline):
                return
            done, _ = wait(
                pending, timeout=_HEARTBEAT_SECONDS if deadline is None else 0.2, return_when=FIRST_COMPLETED
            )
            if not done and deadline is None:
                self._extend_lease()
            for future in done:
                self._keep(future)

    def _submit_all(self) -> None:
        with self._tools.engine.connect() as connection:
            segments = unread_segments(connection, self._lease)
        busy = {segment.number for segment in self._pages.values()}
        for resource in RESOURCES:
            of_resource = [segment for segment in segments if segment.address.resource == resource]
            under_way = sum(segment.number in busy for segment in of_resource)
            free = [one for one in of_resource if one.number not in busy and not one.is_resting]
            # Only segments that nobody is reading: a page under way would reach into the half that is split off.
            if len(of_resource) < MOST_AT_ONCE and self._split_largest(free):
                self._submit_all()
                return
            for segment in free[: MOST_AT_ONCE - under_way]:
                self._submit_page(segment)
        self._submit_fetches()

    def _submit_page(self, segment: Segment) -> None:
        read = partial(read_page, self._tools.stripe, self._lease.account, segment.address, self._tally)
        self._pages[self._tools.executor.submit(read)] = segment

    def _submit_fetches(self) -> None:
        free = _FETCHES_AT_ONCE - len(self._fetches)
        if free <= 0:
            return
        for request in claim_due(self._tools.engine, company_id=self._lease.company_id, most=free):
            account = request.account or self._lease.account
            read = partial(fetch, self._tools.stripe, account, request.kind, request.object_id, self._tally)
            self._fetches[self._tools.executor.submit(read)] = request

    def _split_largest(self, segments: list[Segment]) -> bool:
        def rest_seconds(segment: Segment) -> int:
            middle = segment.middle()
            return 0 if middle is None else (segment.address.oldest_created or 0) - middle

        largest = max(segments, key=rest_seconds, default=None)
        if largest is None or not rest_seconds(largest):
            return False
        with held(self._tools.engine, self._lease) as connection:
            return split(connection, self._lease, largest)

    def _extend_lease(self) -> None:
        with held(self._tools.engine, self._lease) as connection:
            self._count(connection)

    def _count(self, connection: Connection) -> None:
        requests, rate_limited = self._tally.take()
        count(connection, self._lease.company_id, requests=requests, rate_limited=rate_limited)

    def _keep(self, future: Future[Any]) -> None:
        if future in self._pages:
            segment = self._pages.pop(future)
            try:
                self._keep_page(segment, future.result())
            except StripeAnswerError as error:
                self._page_failed(segment, error)
        else:
            request = self._fetches.pop(future)
            try:
                self._keep_answer(request, future.result())
            except StripeAnswerError as error:
                self._fetch_failed(request, error)

    def _keep_page(self, segment: Segment, page: Page) -> None:
        with held(self._tools.engine, self._lease) as connection:
            keep_connected(connection, self._lease)
            self._count(connection)
            note_progress(connection, self._lease)
            move_on(connection, self._lease, segment, page)
            keep_page(connection, self._lease, segment.address.resource, page)
        wake_if_possible(self._tools.redis, PROJECTION)

    def _keep_answer(self, request: FetchRequest, facts: list[NewEvent]) -> None:
        with held(self._tools.engine, self._lease) as connection:
            keep_connected(connection, self._lease)
            self._count(connection)
            note_progress(connection, self._lease)
            keep_answer(connection, request.account or self._lease.account, request.company_id, facts)
            note_answered(connection, request)
        wake_if_possible(self._tools.redis, PROJECTION)

    def _page_failed(self, segment: Segment, error: StripeAnswerError) -> None:
        _log.warning("page not read", extra=self._fields(error) | {"resource": segment.address.resource})
        refuse_what_is_final(error, segment.address.resource)
        with held(self._tools.engine, self._lease) as connection:
            self._count(connection)
            is_hopeless = note_page_failure(connection, self._lease, segment, error)
        if is_hopeless:
            raise RunFailedError("stripe_unavailable", f"{segment.address.resource}: {error}")

    def _fetch_failed(self, request: FetchRequest, error: StripeAnswerError) -> None:
        _log.warning("object not read", extra=self._fields(error) | {"kind": request.kind})
        refuse_what_is_final(error, request.kind)
        note_fetch_failure(self._tools.engine, request, error)

    def _fields(self, error: StripeAnswerError) -> dict[str, object]:
        return {"run_id": self._lease.run_id, "company_id": self._lease.company_id, "error": str(error)}
