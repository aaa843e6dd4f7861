"""What the workers' processes are put together from."""

import subprocess
import sys

from sqlalchemy import Engine, text

from events.connection.accounts import Account
from tests.support.company import company_with
from tests.support.databases import as_worker_login
from tests.support.paths import ROOT
from workers.wiring.settings import WorkerSettings
from workers.wiring.tools import keyring_of

_CUT = text("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'revmap-keys'")


def test_keys_are_found_although_the_connection_has_died_meanwhile(engine: Engine, database_url: str) -> None:
    company_with(engine, "acct_1")
    account = Account("acct_1", livemode=True)
    settings = WorkerSettings(
        database_url=as_worker_login(database_url),
        redis_url="redis://127.0.0.1:9",
        stripe_secret_key="sk_live_1",
        stripe_api_base="http://127.0.0.1:9",
        sync_period_seconds=60,
        data_keys=(b"k" * 32,),
    )
    keyring = keyring_of(settings)
    known = keyring.of(account)
    with engine.connect() as connection:
        assert connection.scalars(_CUT).all() == [True]

    keyring.forget(account)

    assert keyring.of(account) == known
    keyring._engine.dispose()


def test_what_keeps_the_workers_running_loads_none_of_what_they_need() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, workers.__main__; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    ).stdout.split()

    assert "runtime.processes" in loaded
    assert not {"sqlalchemy", "psycopg", "redis", "stripe"}.intersection(loaded)
