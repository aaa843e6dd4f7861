"""Add seconds to an instant in SQL, also where the instant or the seconds are of a column that is changed.

PostgreSQL's own addition of an interval depends on the session's time zone, so it is only stable, and a distributed
PostgreSQL refuses that of columns in a change. These functions are immutable.
"""


def later(instant: str, seconds: str) -> str:
    """Return SQL for the instant that is so many seconds after another one."""
    return f"to_timestamp(CAST(extract(epoch FROM {instant} - to_timestamp(0)) AS double precision) + {seconds})"
