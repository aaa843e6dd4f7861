"""Connections to the database."""

from sqlalchemy import Engine


def test_a_server_that_is_gone_without_a_word_is_given_up_after_seconds(engine: Engine) -> None:
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        options = driver.info.get_parameters()

    # Data unacknowledged for 15 s, or 30 s of silence and then three keepalive probes without an answer.
    assert options["tcp_user_timeout"] == "15000"
    assert (options["keepalives_idle"], options["keepalives_interval"], options["keepalives_count"]) == ("30", "5", "3")
