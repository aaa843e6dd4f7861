"""Statements that read or change most lines of a company: planned for many rows, with time enough for them."""

from collections.abc import Iterator
from contextlib import contextmanager

from runtime.database import Driver

# Folding looks few rows up among many, and has its statements planned for that.
_FOR_MANY = {
    "enable_hashjoin": "on",
    "enable_mergejoin": "on",
    "enable_seqscan": "on",
    "plan_cache_mode": "auto",
    "statement_timeout": "10min",
}
_READ = ("SELECT " + ", ".join(f"current_setting('{name}')" for name in _FOR_MANY)).encode()
_SET = ("SELECT " + ", ".join(f"set_config('{name}', %({name})s, true)" for name in _FOR_MANY)).encode()


@contextmanager
def of_whole_tables(driver: Driver) -> Iterator[None]:
    """Have the statements inside planned and timed for many rows, and those after it in the transaction as before."""
    before = driver.execute(_READ).fetchall()[0]
    driver.execute(_SET, _FOR_MANY)
    yield
    driver.execute(_SET, dict(zip(_FOR_MANY, before, strict=True)))
