"""Count this process's responses for /metrics. No label names a company, and none is chosen by the client."""

import os

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

# The library's own setting: the directory in which web processes share their counts. gunicorn.conf.py sets it.
_IS_SHARED = "PROMETHEUS_MULTIPROC_DIR" in os.environ  # noqa: TID251 - read where the library reads it: at import
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)

_own = CollectorRegistry()
_answered = Histogram(
    "revmap_request_seconds",
    "Requests answered, and the seconds until their answer began.",
    ("method", "route", "status"),
    buckets=_SECONDS,
    registry=_own,
)
_refused = Counter("revmap_webhooks_refused", "Webhooks that were not kept, by reason.", ("reason",), registry=_own)


def count_answer(method: str, route: str, status: int, seconds: float) -> None:
    """Count an answered request, and the seconds until its response began."""
    _answered.labels(method, route, status).observe(seconds)


def count_refusal(reason: str) -> None:
    """Count a webhook that was refused."""
    _refused.labels(reason).inc()


def exposition() -> bytes:
    """Return the counts of all web processes in Prometheus' text format."""
    if not _IS_SHARED:
        return generate_latest(_own)
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]  # the library's own constructor
    return generate_latest(together)
