"""Create webhook endpoints, look at their deliveries, and let time pass for them."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, text

from notices.endpoints import Wanted, create_endpoint
from notices.vocabulary import WEBHOOK_TYPES
from tenants.secrets import SecretBox
from tests.support.clock import NOON

BOX = SecretBox([b"k" * 32])


def new_endpoint(engine: Engine, company_id: int, url: str, *types: str) -> tuple[int, str]:
    """Create an endpoint, for all types if none is given; return its id and its secret."""
    wanted = Wanted(url, types or tuple(WEBHOOK_TYPES))
    with engine.begin() as connection:
        endpoint, secret = create_endpoint(connection, BOX, company_id, wanted, actor="tests", now=NOON)
    return endpoint.id, secret


def deliveries(engine: Engine) -> list[Any]:
    """Return all deliveries, oldest first."""
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT * FROM webhook_delivery ORDER BY id")))


def attempts(engine: Engine) -> list[tuple[int, int | None, str | None]]:
    """Return number, status and error of all attempts, in order."""
    with engine.connect() as connection:
        statement = text("SELECT number, status, error FROM webhook_attempt ORDER BY delivery_id, number")
        return [tuple(row) for row in connection.execute(statement)]


def let_pass(engine: Engine, time: timedelta) -> None:
    """Move everything about webhooks back, as if that time had passed; leases stay."""
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE webhook_delivery SET due_at = due_at - :time, give_up_at = give_up_at - :time"),
            {"time": time},
        )
        connection.execute(
            text("""
                UPDATE webhook_endpoint
                SET failing_since = failing_since - :time, rests_until = rests_until - :time
            """),
            {"time": time},
        )


def end_leases(engine: Engine) -> None:
    """Let the leases of all deliveries run out, as if the processes that hold them had died."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE webhook_delivery SET due_at = clock_timestamp() WHERE status = 'waiting'"))
        connection.execute(text("UPDATE webhook_endpoint SET busy_until = clock_timestamp()"))


def end_rests(engine: Engine) -> None:
    """Let the rests of all endpoints be over."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE webhook_endpoint SET rests_until = '-infinity' WHERE rests_until > now()"))
