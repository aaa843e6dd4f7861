"""How the database is spoken to."""

from sqlalchemy import Engine


def test_a_server_that_is_gone_without_a_word_is_given_up_after_seconds(engine: Engine) -> None:
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        told = driver.info.get_parameters()

    # Unanswered for 15 s on the way there, or silent for 30 s and deaf to three questions.
    assert told["tcp_user_timeout"] == "15000"
    assert (told["keepalives_idle"], told["keepalives_interval"], told["keepalives_count"]) == ("30", "5", "3")
