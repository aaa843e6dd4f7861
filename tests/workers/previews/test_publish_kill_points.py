"""SIGKILL before any statement of previewing, publishing and folding rules: published whole, or not at all."""

import subprocess
import sys
from random import Random

import pytest
from sqlalchemy import Engine, text

from mapping.recorded import STREAMS, Desk
from projections.mapping.decisions.payloads import StreamCreated
from tests.support.clock import NOON
from tests.support.company import catch_up, company_with, record_events
from tests.support.histories import busy_history
from tests.support.paths import ROOT
from tests.support.payloads import ACCOUNT
from tests.support.promises import Trials

_ENDPOINT = text("""
    INSERT INTO webhook_endpoint (company_id, url, types, created_at)
    VALUES (:company_id, 'https://programs.test', '{rules.published}', now())
""")


@pytest.fixture
def company_id(engine: Engine) -> int:
    company_id = company_with(engine, ACCOUNT)
    record_events(engine, *busy_history(Random(5), 60))
    with engine.begin() as connection:
        desk = Desk(connection, company_id, "user:1", NOON)
        desk.record(STREAMS, [StreamCreated("str_a", "A"), StreamCreated("str_b", "B")])
        connection.execute(_ENDPOINT, {"company_id": company_id})
    catch_up(engine)
    return company_id


def killed(url: str, company_id: int, trials: Trials, *, bug: str = "none") -> tuple[list[str], int]:
    """Return the faults found after children were killed at so many points, and how many died."""
    argv = [sys.executable, "-m", "tests.support.publish_kills", url, str(company_id)]
    argv += [str(trials.count), str(trials.seed), bug]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *faults, died = done.stdout.splitlines()
    return faults, int(died)


@pytest.mark.promise("SIGKILL while rules are published: published whole or not at all", trials=(3, 300))
def test_rules_are_published_whole_or_not_at_all_wherever_the_worker_dies(
    database_url: str, company_id: int, trials: Trials
) -> None:
    faults, died = killed(database_url, company_id, trials)

    assert faults == []
    assert died >= 3


@pytest.mark.planted("rules are published bit by bit (kill points)", trials=(0, 300))
def test_rules_published_bit_by_bit_are_found(database_url: str, company_id: int, trials: Trials) -> None:
    faults, _ = killed(database_url, company_id, trials, bug="bit_by_bit")

    assert "killed before statement" in "".join(faults)
