"""Fold many builds in one transaction, and find the event at fault when that fails."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Engine

from projections.engine.failures import narrow_down
from projections.engine.folding import Claim, set_for_folding, without_garbage_collection
from runtime.database import Driver, raw_driver
from runtime.sqlstates import is_connection_lost

Folded = TypeVar("Folded")

# So few events change so few rows that waiting for each statement would take longer than the statements.
_FEW_EVENTS = 8


@dataclass(frozen=True, slots=True)
class Batch(Generic[Folded]):
    """How builds are folded together: one transaction claims them, then folds at most this many events.

    `claim` gets that number, `fold` also whether the builds stay apart from others; `failed` returns the outcome of a
    batch that is given up for now.
    """

    claim: Callable[[Driver, int], list[Claim]]
    fold: Callable[[Driver, list[Claim], int, bool], Folded]
    failed: Callable[[list[Claim]], Folded]


def fold_batch(engine: Engine, batch: Batch[Folded], *, size: int) -> Folded | None:
    """Claim builds and fold at most `size` events into them; None if there is nothing to claim. Commits.

    If that fails, the builds are folded apart, and the event at fault is found: see `narrow_down`.

    :raises sqlalchemy.exc.DBAPIError: the connection was lost
    """
    most = size
    while True:
        claims: list[Claim] = []
        started = time.monotonic()
        try:
            with without_garbage_collection(), engine.connect() as connection, raw_driver(connection) as driver:
                with driver.pipeline():
                    set_for_folding(driver)
                    claims = batch.claim(driver, most)
                    if claims and _lacking(claims) <= _FEW_EVENTS and most > 1:
                        return _committed(driver, batch.fold(driver, claims, most, most < size))
                if claims:
                    return _committed(driver, batch.fold(driver, claims, most, most < size))
                return None
        except Exception as error:
            if not claims:
                raise
            most = narrow_down(engine, claims, error, most, seconds=time.monotonic() - started)
            if is_connection_lost(error):
                raise
            if not most:
                return batch.failed(claims)


def _committed(driver: Driver, folded: Folded) -> Folded:
    # Not by the driver's own method, which would wait for the answer, and then the pipeline once more.
    driver.execute("COMMIT")
    return folded


def _lacking(claims: Sequence[Claim]) -> int:
    return sum(claim.head - claim.position for claim in claims)
