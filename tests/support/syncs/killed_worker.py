"""Run sync workers that are killed: `python -m tests.support.syncs.killed_worker SETTINGS_AS_JSON`.

Reads one line per worker from its input: after how many seconds to kill the worker, or `on` to let it finish. Forks a
worker, kills it if it still runs then, and writes `killed` or the exit status. A fork starts within milliseconds.
"""

import json
import os
import select
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Event
from typing import NamedTuple

from sqlalchemy import Connection, text

from backlog.queues import open_redis
from runtime.database import open_engine
from stripe_gateway.client import StripeGateway
from stripe_gateway.pages import Page
from stripe_gateway.rate_limit import RateLimit
from tenants.secrets import SecretBox
from tests.support.clock import SetClock
from tests.support.platform_keyring import PlatformKeyring
from tests.support.syncs.runs import reset_rate_limits
from workers.jobs import sync_with
from workers.syncs import reading, turns
from workers.syncs.answers import keep_page
from workers.syncs.layout import open_segments
from workers.syncs.leases import Lease, held
from workers.syncs.segments import Segment, move_on
from workers.wiring.tools import Tools


class Settings(NamedTuple):
    """Addresses and the key to work with, and the name of a mistake to make on purpose, or an empty string."""

    database_url: str
    redis_url: str
    api_base: str
    secret_key: str
    mistake: str


def work(settings: Settings) -> None:
    """Work on runs until none is due."""
    redis = open_redis(settings.redis_url)
    pause: Callable[[float], object] = lambda _seconds: None  # noqa: E731 - a pause that is none
    limit = RateLimit(redis, pause=lambda _seconds: reset_rate_limits(redis))
    tools = Tools(
        engine=open_engine(settings.database_url, name="killed worker", pool_size=2),
        redis=redis,
        stripe=StripeGateway(
            PlatformKeyring(settings.secret_key), api_base=settings.api_base, rate_limit=limit, pause=pause
        ),
        clock=SetClock(),
        executor=ThreadPoolExecutor(4),
        box=SecretBox([b"k" * 32]),
        sync_period_seconds=86_400,
        stopping=Event(),
        pause=pause,
    )
    while sync_with(tools):
        pass


def cursor_before_facts(self: reading.Reading, segment: Segment, page: Page) -> None:
    """Commit the cursor behind a page before the page's facts: a mistake."""
    with held(self._tools.engine, self._lease) as connection:
        move_on(connection, self._lease, segment, page)
    Event().wait(0.03)
    with held(self._tools.engine, self._lease) as connection:
        keep_page(connection, self._lease, segment.address.resource, page)


def from_the_start(connection: Connection, lease: Lease, *, now: datetime) -> None:
    """Drop the cursor of every open segment: a mistake, although the log tolerates the repetition."""
    open_segments(connection, lease, now=now)
    connection.execute(text("UPDATE sync_segment SET cursor = NULL, oldest_created = NULL WHERE ended_as IS NULL"))


def plant(mistake: str) -> None:
    """Make this process commit a mistake from now on."""
    match mistake:
        case "cursor before facts":
            reading.Reading._keep_page = cursor_before_facts  # type: ignore[method-assign]  # a mistake on purpose
        case "from the start":
            vars(turns)["open_segments"] = from_the_start
        case _:
            raise ValueError(mistake)


def run_worker(settings: Settings, seconds: float | None) -> str:
    """Fork a worker, kill it after so many seconds, and return `killed` or its exit status."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work(settings)
            status = 0
        finally:
            os._exit(status)
    handle = os.pidfd_open(pid)
    is_over, _, _ = select.select([handle], [], [], seconds)
    os.close(handle)
    if not is_over:
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return "killed" if status == -signal.SIGKILL else str(status)


def main() -> None:
    """Run one worker per line of input."""
    settings = Settings(*json.loads(sys.argv[1]))
    if settings.mistake:
        plant(settings.mistake)
    for line in sys.stdin:
        word = line.strip()
        sys.stdout.write(run_worker(settings, None if word == "on" else float(word)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
