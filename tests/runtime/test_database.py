"""Connections to the database."""

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from runtime.database import open_engine
from runtime.patience import answers_within
from runtime.sqlstates import is_connection_lost, is_outage


def test_a_server_that_is_gone_without_a_word_is_given_up_after_seconds(engine: Engine) -> None:
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        options = driver.info.get_parameters()
        # What applies to a socket of the machine itself is nothing, so what was asked for is read.
        asked = connection.exec_driver_sql(
            "SELECT name, reset_val FROM pg_settings WHERE name LIKE 'tcp_keepalives%%' ORDER BY name"
        ).all()

    # Data unacknowledged for 15 s, or 5 s of silence and then two probes without an answer; the same for the server.
    assert options["tcp_user_timeout"] == "15000"
    assert (options["keepalives_idle"], options["keepalives_interval"], options["keepalives_count"]) == ("5", "5", "2")
    assert [tuple(one) for one in asked] == [
        ("tcp_keepalives_count", "2"),
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "5"),
    ]


def test_a_server_that_does_not_answer_is_given_up_with_its_connection(database_url: str) -> None:
    engine = answers_within(open_engine(database_url, name="patient", pool_size=1), 0.3)
    with engine.connect() as connection:
        with pytest.raises(DBAPIError) as raised:
            connection.exec_driver_sql("SELECT pg_sleep(30)")
        assert is_connection_lost(raised.value)
        assert connection.invalidated
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    engine.dispose()


@pytest.mark.parametrize(
    ("message", "is_one"),
    [("terminating connection due to administrator command", True), ("cache lookup failed for relation 1", False)],
)
def test_a_node_that_is_shut_down_amid_a_copy_is_an_outage_although_its_code_is_lost(
    engine: Engine, message: str, *, is_one: bool
) -> None:
    """As https://github.com/citusdata/citus has it in ReportCopyError: the node's message, without its SQLSTATE."""
    with pytest.raises(DBAPIError) as raised, engine.begin() as connection:
        connection.exec_driver_sql(f"DO $$ BEGIN RAISE '{message}' USING ERRCODE = 'XX000'; END $$")

    assert is_outage(raised.value) is is_one
