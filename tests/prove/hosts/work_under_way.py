"""Several companies that ask for syncs, previews and exports over the API, while Valkey loses all that it holds."""

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from random import Random
from threading import Event
from typing import Any

from sqlalchemy import text

from tests.prove.hosts.stage import Stage
from tests.prove.simulation.business import Business
from tests.support.company import company_with, new_key_headers
from tests.support.syncs.truth import table_of, truth_of

_COMPANIES = 3
_ACTS = 150

_UNFINISHED = text("""
    SELECT 'sync ' || id || ' is ' || status || ' in ' || phase FROM sync_run WHERE finished_at IS NULL AND id <= :last
    UNION ALL SELECT 'preview ' || id || ' is ' || status FROM mapping_preview WHERE finished_at IS NULL
    UNION ALL SELECT 'an export is not told' FROM export_schedule WHERE due_at < now() + interval '1 minute'
""")
_ENDED = text("""
    SELECT 'sync ' || id || ' ended as ' || status FROM sync_run
    WHERE finished_at IS NOT NULL AND status <> 'succeeded'
    UNION ALL SELECT 'preview ' || id || ' ended as ' || status FROM mapping_preview
    WHERE finished_at IS NOT NULL AND status <> 'ready'
""")
_EXPORT_NOW = text("UPDATE export_schedule SET due_at = now() WHERE due_at > now() + interval '1 minute'")
_COUNTS = text("SELECT (SELECT max(id) FROM sync_run), (SELECT count(*) FROM mapping_preview),"
               " (SELECT count(*) FROM export_run)")  # fmt: skip
_PLAN = {"format": "csv", "recurs": "daily", "hour": 0, "time_zone": "UTC"}


class WorkUnderWay:
    """The companies and what they asked for."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage, self._random, self._pause = stage, Random(seed), Event()
        self.accounts, self.keys = {}, {}
        self._exports = 0
        for number in range(_COMPANIES):
            account = stage.stripe.stripe.create_account(f"Studio {number}")
            business = Business(account, self._random)
            for _ in range(_ACTS):
                business.act()
                stage.clock.tick()
            company_id = company_with(stage.engine, account.id)
            self.accounts[company_id] = account
            self.keys[company_id] = new_key_headers(stage.engine, company_id, "admin")
            self._ask("POST", company_id, "export-schedules", {**_PLAN, "view": {}, "emails": []})

    def ask_for_all(self) -> None:
        """Ask for a sync, a preview and an export of each company, unless one is under way."""
        with self.stage.engine.begin() as connection:
            self._exports += connection.execute(_EXPORT_NOW).rowcount
            busy = " ".join(connection.scalars(_UNFINISHED, {"last": 2**31}))
        for company_id in self.keys:
            self._ask("POST", company_id, "syncs")
            if "preview" not in busy:
                self._ask("POST", company_id, "rule-draft/previews", {})
            self._ask("GET", company_id, "revenue-lines.csv")

    def lose(self, times: int) -> None:
        """Let Valkey lose everything so often, at random moments."""
        for number in range(times):
            self.ask_for_all()
            self._wait(self._random.uniform(0.0, 1.2))
            if self._random.random() < 0.5 and number + 1 < times:
                self.stage.empty_valkey()
            else:
                self.stage.kill_valkey(meanwhile=self.ask_for_all)

    def seconds_until_over(self, most: float) -> float:
        """Ask for nothing more; return after how many seconds all that was asked for is over, at the latest `most`."""
        began = time.monotonic()
        with self.stage.engine.connect() as connection:
            last = connection.execute(_COUNTS).one()[0]
        while self._unfinished(last) and time.monotonic() < began + most:
            self._wait(0.25)
        return time.monotonic() - began

    def _unfinished(self, last: int) -> list[str]:
        with self.stage.engine.connect() as connection:
            return list(connection.scalars(_UNFINISHED, {"last": last}))

    def violations(self) -> Iterator[str]:
        """Yield what was lost. Call it when the host has stopped."""
        with self.stage.engine.connect() as connection:
            last = connection.execute(_COUNTS).one()[0]
            told = connection.execute(_COUNTS).one()[2]
            yield from connection.scalars(_ENDED)
        # What the clock asked for last may have been under way.
        yield from self._unfinished(last - _COMPANIES)
        if told != self._exports:
            yield f"{self._exports} exports were due, and {told} told"
        for company_id, account in self.accounts.items():
            if table_of(self.stage.engine, company_id) != truth_of(account):
                yield f"the table of company {company_id} is not Stripe's truth"

    def said(self, losses: int, seconds: float) -> str:
        """Return what a person who reads the table of promises wants to know."""
        with self.stage.engine.connect() as connection:
            syncs, previews, exports = connection.execute(_COUNTS).one()
        return f"{losses} losses; {syncs} syncs, {previews} previews, {exports} exports; over after {seconds:.0f} s"

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.stage.tend()
            self._pause.wait(0.05)

    def _ask(self, method: str, company_id: int, below: str, body: Any = None) -> None:
        connection = HTTPConnection("127.0.0.1", self.stage.hosts[0].port, timeout=60)
        sent = None if body is None else json.dumps(body)
        headers = {**self.keys[company_id], "Content-Type": "application/json"} if sent else self.keys[company_id]
        connection.request(method, f"/v1/companies/{company_id}/{below}", sent, headers)
        answer = connection.getresponse()
        read = answer.read()
        connection.close()
        assert answer.status in {200, 201, 202}, (method, below, answer.status, read)
