"""Give up on a database that does not answer at all, which its own limit on statements cannot end."""

from collections.abc import Generator
from typing import Any

import psycopg
from psycopg.errors import OperationalError
from sqlalchemy import Engine
from sqlalchemy.event import listen

from runtime.database import Driver


class UnansweredError(OperationalError):
    """The server did not answer in time. Its connection is closed, since what it will say is not known."""


def answers_within(engine: Engine, seconds: float) -> Engine:
    """Have each exchange with the server end after so many seconds, with the connection; return the engine.

    Choose more than the longest statement may take. What raises then is handled as any connection that was lost.
    """

    def bound(driver: Driver, _record: object) -> None:
        wait = driver.wait

        def bounded(generator: Generator[Any, Any, Any], *args: Any, **options: Any) -> Any:  # noqa: ANN401 - psycopg's
            try:
                return wait(generator, *args, **{"timeout": seconds} | options)
            except psycopg.errors._WaitTimeout as error:  # noqa: SLF001 - it has no public name
                driver.pgconn.finish()
                raise UnansweredError(f"no answer for {seconds:g} s") from error

        driver.wait = bounded  # type: ignore[assignment,method-assign]

    listen(engine, "connect", bound)
    return engine
