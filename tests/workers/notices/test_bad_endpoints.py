"""However many endpoints hang, fail, redirect, answer too much or lead inside: nobody else waits, nothing is lost."""

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from redis import Redis
from sqlalchemy import Engine, text

from notices.announcements import announce
from notices.vocabulary import SYNC_FAILED
from runtime.clock import utc_now
from tests.support.clock import NOON
from tests.support.company import company_with
from tests.support.endpoints import BOX, end_rests, new_endpoint
from tests.support.receiver import Receiver
from tests.workers.notices.conftest import QUICK
from workers.notices.desk import Desk
from workers.notices.jobs import send_with
from workers.notices.posting import Answer, Poster
from workers.notices.sending import PLACES, Sender

BAD = ("hang", "drip", "down", "redirect", "big", "inside")
DELIVERIES = int(os.environ.get("REVMAP_DELIVERIES", "120"))
_OF_COMPANY = 5 * len(BAD)
_ATTEMPTS = text("SELECT count(*) FROM webhook_attempt a JOIN webhook_delivery d ON d.id = a.delivery_id")
_BY_STATUS = text("SELECT status, count(*) AS held FROM webhook_delivery GROUP BY status")
_BAD_WITHOUT = text("SELECT count(*) FROM webhook_delivery WHERE attempts = 0 AND company_id <> :good")


class Mixed(Poster):
    """Sends to the tests' server, and to names that lead inside as in production."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if url.startswith("https://"):
            return Poster("public", self.limits, resolve=_leads_inside).post(url, body, headers)
        return super().post(url, body, headers)


def _leads_inside(_host: str, port: int) -> Any:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


def url_of(server: Receiver, number: int, behaviour: str) -> str:
    if behaviour == "inside":
        return f"https://{number}.inside.test:{server.url.rsplit(':', 1)[1]}/{number}/inside"
    return f"{server.url}/{number}/{behaviour}"


def set_up(engine: Engine, server: Receiver) -> None:
    """Create companies whose endpoints are all bad, with five deliveries to each."""
    for number in range(max(1, DELIVERIES // _OF_COMPANY)):
        company = company_with(engine, f"acct_{number}")
        for behaviour in BAD:
            new_endpoint(engine, company, url_of(server, number, behaviour), SYNC_FAILED)
            server.statuses[f"/{number}/down"] = 503
        with engine.begin() as connection:
            for _ in range(5):
                announce(connection, company, SYNC_FAILED, {}, now=NOON)


def count(engine: Engine, statement: Any, **parameters: object) -> int:
    with engine.connect() as connection:
        return int(connection.execute(statement, parameters).scalar_one())


@contextmanager
def at_work(engine: Engine, redis: Redis) -> Iterator[None]:
    """Send in the background, as a worker does."""
    desk = Desk(redis, Sender(engine, BOX, utc_now, Mixed("any", QUICK)), None, "", Event())

    def work() -> None:
        while not desk.stopping.is_set():
            send_with(desk)

    working = Thread(target=work)
    working.start()
    yield
    desk.stopping.set()
    working.join()
    desk.close()


def await_good(engine: Engine, server: Receiver, company_id: int, number: int) -> tuple[int, float]:
    """Announce to the good endpoint; return how many attempts and seconds passed until that arrived."""
    before, told_at = count(engine, _ATTEMPTS), utc_now()
    with engine.begin() as connection:
        announce(connection, company_id, SYNC_FAILED, {"sync_id": number}, now=NOON)
    while len(server.to("/good")) <= number:
        Event().wait(0.02)
    return count(engine, _ATTEMPTS) - before, (utc_now() - told_at).total_seconds()


def test_bad_endpoints_hold_up_no_other_and_lose_nothing(
    engine: Engine,
    server: Receiver,
    company_id: int,
    redis: Redis,
    record_property: Callable[[str, object], None],
) -> None:
    new_endpoint(engine, company_id, f"{server.url}/good", SYNC_FAILED)
    with at_work(engine, redis):
        waited = [await_good(engine, server, company_id, 0)]
        set_up(engine, server)
        while len(waited) < 5 or count(engine, _BAD_WITHOUT, good=company_id):
            waited.append(await_good(engine, server, company_id, len(waited)))
            end_rests(engine)

    with engine.connect() as connection:
        held = {row.status: row.held for row in connection.execute(_BY_STATUS)}
    # Whatever is under way when a webhook is announced, and what ends meanwhile: not what waits.
    assert sorted(waited)[len(waited) // 2][0] <= 3 * sum(PLACES.values())
    assert [json.loads(one.body)["data"]["sync_id"] for one in server.to("/good")] == list(range(len(waited)))
    assert not [one for one in server.received if one.path.endswith("/inside")]
    assert sum(held.values()) == len(waited) + max(1, DELIVERIES // _OF_COMPANY) * _OF_COMPANY
    record_property("measured", measured(waited, count(engine, _ATTEMPTS)))


def measured(waited: list[tuple[int, float]], attempts: int) -> dict[str, object]:
    """Return the figures of a run, in seconds."""
    seconds = sorted(one for _, one in waited)
    middle, most = seconds[len(seconds) // 2], seconds[-1]
    return {"good": len(seconds), "attempts": attempts, "median_seconds": middle, "most_seconds": most}
