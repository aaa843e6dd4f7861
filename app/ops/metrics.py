"""Metrics for operators in Prometheus' text format: sums over all companies, never of one.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import hmac
from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import ip_address
from itertools import chain
from typing import NamedTuple

from flask import Blueprint, Response, abort, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from rq import Queue
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from app.http.public_address import names_this_machine
from app.http.request_counts import exposition
from app.wiring.tools import Tools, current_tools
from backlog.jobs import JOB_OF
from backlog.syncs.run_counts import run_counts_since
from events.log.audit import parked_count
from notices.deliveries import delivery_backlog
from notices.mail import mail_backlog
from projections.engine.status import projection_lag
from projections.registry import PROJECTIONS
from runtime.database import across_companies
from runtime.replica import replica_of
from tenants.lost_secrets import count_lost

blueprint = Blueprint("metrics", __name__)
_DAY = timedelta(days=1)


class Figure(NamedTuple):
    """One number and its labels, as pairs of a label and its value. `help_text` is the metric's help text."""

    name: str
    help_text: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


class _Standing(Collector):
    """The current figures, read from the database and Redis at every scrape."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def collect(self) -> Iterator[GaugeMetricFamily]:
        families: dict[str, GaugeMetricFamily] = {}
        for figure in (*_of_database(self._tools), *_of_redis(self._tools)):
            labels = dict(figure.labels)
            family = GaugeMetricFamily(figure.name, figure.help_text, labels=list(labels))
            families.setdefault(figure.name, family).add_metric(list(labels.values()), figure.value)
        yield from families.values()


@blueprint.get("/metrics")
def show_metrics() -> Response:
    """Return the counts of the web processes, and the state of the log, projections, syncs and queues.

    401 without the token that METRICS_TOKEN sets. If it sets none, 404 for all but whoever asks on the same machine.
    """
    wanted = current_tools().metrics_token
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if wanted is None:
        # A proxy on this machine passes on the name under which it was asked.
        if not (_is_loopback(request.remote_addr) and names_this_machine(request.host)):
            abort(404)
    elif scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), wanted.encode()):
        return Response("401: send the token as Authorization: Bearer …\n", 401, {"WWW-Authenticate": "Bearer"})
    standing = CollectorRegistry()
    standing.register(_Standing(current_tools()))
    return Response(exposition() + generate_latest(standing), mimetype=None, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _is_loopback(address: str | None) -> bool:
    # Without an address it is a Unix socket.
    return not address or ip_address(address).is_loopback


def _of_database(tools: Tools) -> list[Figure]:
    up = "revmap_database_up", "1 if the database answers."
    try:
        with across_companies(tools.engine) as connection:
            readings = (_of_projections, _of_syncs, _of_notices, _of_secrets, _of_replica)
            standing = (_of_log(connection), *(reading(connection, tools) for reading in readings))
            return [Figure(*up, 1), *chain.from_iterable(standing)]
    except SQLAlchemyError:
        return [Figure(*up, 0)]


def _of_log(connection: Connection) -> Iterator[Figure]:
    parked = "Events whose account no company has connected."
    yield Figure("revmap_parked_events", parked, parked_count(connection))


def _of_projections(connection: Connection, tools: Tools) -> Iterator[Figure]:
    for projection in PROJECTIONS:
        lag, of = projection_lag(connection, projection.name), (("projection", projection.name),)
        waited = (tools.clock() - lag.oldest_recorded_at).total_seconds() if lag.oldest_recorded_at else 0
        yield Figure("revmap_projection_companies_behind", "Companies with unfolded events.", lag.companies_behind, of)
        yield Figure("revmap_projection_companies_halted", "Companies that an event halted.", lag.companies_halted, of)
        failing = "Companies whose next event could not be folded so far and is tried again."
        yield Figure("revmap_projection_companies_failing", failing, lag.companies_failing, of)
        yield Figure("revmap_projection_events_behind", "Events that are not folded yet.", lag.events_behind, of)
        yield Figure("revmap_projection_lag_seconds", "Age of the oldest unfolded event.", max(0, waited), of)


def _of_syncs(connection: Connection, tools: Tools) -> Iterator[Figure]:
    ended = "Syncs under way, and those that ended within a day, to the hour."
    counts = run_counts_since(connection, tools.clock() - _DAY)
    for count in counts:
        yield Figure("revmap_sync_runs", ended, count.runs, (("status", count.status),))
    repaired = "Invoices that syncs of the last day put right: no webhook had brought them."
    yield Figure("revmap_sync_repaired_invoices", repaired, sum(count.repaired for count in counts))


def _of_notices(connection: Connection, tools: Tools) -> Iterator[Figure]:
    webhooks, mails = delivery_backlog(connection), mail_backlog(connection)
    yield Figure("revmap_webhooks_waiting", "Webhooks to enabled endpoints that were not accepted yet.", webhooks[0])
    yield Figure("revmap_webhooks_oldest_seconds", "Age of the oldest of them.", _age(webhooks[1], tools))
    yield Figure("revmap_mails_waiting", "E-mails that the mail server has not accepted yet.", mails[0])
    yield Figure("revmap_mails_oldest_seconds", "Age of the oldest of them.", _age(mails[1], tools))


def _of_secrets(connection: Connection, tools: Tools) -> Iterator[Figure]:
    lost = "Secrets of connections that are sealed under a key that ENCRYPTION_KEYS lacks."
    yield Figure("revmap_secrets_lost", lost, count_lost(connection, tools.box))


def _of_replica(connection: Connection, tools: Tools) -> Iterator[Figure]:
    if (replica := replica_of(tools.engine)) is None:
        return
    lag_seconds = replica.lag_seconds(connection)
    yield Figure("revmap_replica_up", "1 if the replica answers, and follows the database.", lag_seconds is not None)
    if lag_seconds is not None:
        yield Figure(
            "revmap_replica_lag_seconds", "Age of the last commit that the replica has, 0 if it has all.", lag_seconds
        )


def _age(since: datetime | None, tools: Tools) -> float:
    return max(0, (tools.clock() - since).total_seconds()) if since else 0


def _of_redis(tools: Tools) -> list[Figure]:
    up = "revmap_redis_up", "1 if Redis answers."
    jobs = "Jobs that wait for a worker."
    try:
        waiting = {name: Queue(name, connection=tools.redis).count for name in JOB_OF}
    except RedisError:
        return [Figure(*up, 0)]
    return [Figure(*up, 1), *(Figure("revmap_queue_jobs", jobs, n, (("queue", name),)) for name, n in waiting.items())]
