"""What every fold is handed: the facts of one company's log in order, already read into observations."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from events.bulk import BulkEvent
from events.observations import Observation, Unreadable
from events.stripe_words import FETCHED_FROM_STRIPE, observations_of, tells_of_the_books
from projections.known import Change, Sighting


class Fact(Struct, frozen=True, gc=False):
    """An event, and what it tells of the books."""

    event: BulkEvent
    observations: Sequence[Observation]


class Page(NamedTuple):
    """The next facts for one company's build of a projection. Before it is begun, its tables hold nothing."""

    company_id: int
    build: int
    is_begun: bool
    facts: Sequence[Fact]


def fact_of(event: BulkEvent) -> Fact:
    """Read an event. It never raises for what is in it."""
    if not tells_of_the_books(event.type):
        return Fact(event, ())
    observations = observations_of(event.type, event.entity, event.payload)
    if observations and event.occurred_at is None:
        observations = [Unreadable("the event does not say when it happened")]
    return Fact(event, observations)


def sighting_of(event: BulkEvent) -> Sighting:
    """Say by which event something was seen, and when."""
    seen_at = int(event.occurred_at.timestamp()) if event.occurred_at else 0
    change = Change(event.position, event.recorded_at)
    return Sighting(change, event.livemode, (seen_at, int(event.source == FETCHED_FROM_STRIPE)))
