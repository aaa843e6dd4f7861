"""Start the servers that a benchmark runs against: real ones, with fsync on."""

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sandbox.postgres import PostgresServer
from sandbox.valkey import ValkeyServer

WEBHOOK_SECRET = "whsec_bench"
METRICS_TOKEN = "the token of the benchmarks' scraper"
# PostgreSQL's default of 128 MB is too small for a real server: the rows of several builds do not fit into it.
_POSTGRES_OPTIONS = {"shared_buffers": "1GB"}


@contextmanager
def servers() -> Iterator[dict[str, str]]:
    """Start a new durable PostgreSQL and a new Valkey, and yield the environment of processes that use them."""
    with TemporaryDirectory(prefix="revmap-bench-") as directory:
        postgres = PostgresServer.start(Path(directory) / "postgres", options=_POSTGRES_OPTIONS)
        valkey = ValkeyServer.start(Path(directory) / "valkey")
        try:
            yield {
                **os.environ,
                "DATABASE_URL": postgres.url,
                "REDIS_URL": valkey.url,
                "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
                "STRIPE_SECRET_KEY": "sk_live_bench",
                "STRIPE_API_BASE": "http://127.0.0.1:9",
                "APP_SECRET_KEY": "the benchmarks' secret key, of 32 bytes",
                "METRICS_TOKEN": METRICS_TOKEN,
                "ENCRYPTION_KEYS": base64.urlsafe_b64encode(bytes(32)).decode(),
            }
        finally:
            valkey.stop()
            postgres.stop()
