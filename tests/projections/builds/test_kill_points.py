"""SIGKILL at random statements while appending, catching up, rebuilding, flipping, rolling back and dropping."""

import subprocess
import sys

import pytest
from sqlalchemy import Engine, text

from tests.support.company import company_with
from tests.support.paths import ROOT
from tests.support.payloads import ACCOUNT
from tests.support.promises import Trials


def faults_after_kills(url: str, trials: Trials, *, bug: str = "none") -> str:
    """Kill so many processes at work on the database, and return the faults that verification then finds."""
    argv = [sys.executable, "-m", "tests.support.kill_points", url, str(trials.count), str(trials.seed), bug]
    done = subprocess.run(
        argv, cwd=ROOT, capture_output=True, text=True, timeout=None if trials.count > 100 else 55, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.promise(
    "SIGKILL while events are appended, folded, rebuilt, switched: the log is whole, tables equal it", trials=(8, 640)
)
def test_processes_killed_at_any_point_leave_tables_that_equal_the_log(
    database_url: str, engine: Engine, trials: Trials
) -> None:
    company_with(engine, ACCOUNT)

    assert faults_after_kills(database_url, trials) == ""

    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM event")).scalar_one() > 20


def planted(bug: str, words: str) -> object:
    return pytest.param(bug, id=bug, marks=pytest.mark.planted(f"{words} (kill points)", trials=(0, 300)))


@pytest.mark.parametrize(
    "bug",
    [
        planted("checkpoint_before_effect", "the checkpoint is committed before the rows"),
        planted("tail_not_applied", "a switch to another build forgets the newest events"),
        planted("counter_is_a_sequence", "positions in the log come from a sequence"),
    ],
)
def test_a_planted_bug_is_found(database_url: str, engine: Engine, bug: str, trials: Trials) -> None:
    company_with(engine, ACCOUNT)
    if bug == "counter_is_a_sequence":
        with engine.begin() as connection:
            function = text("SELECT pg_get_functiondef('append_events'::regproc)")
            original: str = connection.execute(function).scalar_one()
            planted = original.replace("v_positions[v_head] + 1", "nextval('planted')")
            assert planted != original
            connection.exec_driver_sql("CREATE SEQUENCE planted START 2")
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute(planted)

    assert faults_after_kills(database_url, trials, bug=bug)
