"""Webhooks as they arrive, and the work that follows them."""

from collections.abc import Sequence

from sqlalchemy import Engine

from events.intake.envelope import event_from_stripe
from events.intake.receive import receive
from tests.support.databases import arranging
from workers.jobs import catch_up_with, fetch_with
from workers.wiring.tools import Tools

_AT_ONCE = 50


def receive_all(engine: Engine, bodies: Sequence[bytes]) -> None:
    """Receive these events in order, some at a time."""
    for start in range(0, len(bodies), _AT_ONCE):
        with arranging(engine) as connection:
            receive(connection, [event_from_stripe(body) for body in bodies[start : start + _AT_ONCE]])


def fold_and_fetch(tools: Tools) -> None:
    """Fold and fetch until nothing is left to do."""
    while catch_up_with(tools) + fetch_with(tools):
        pass
