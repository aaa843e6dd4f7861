"""What every fold is handed: the facts of one company's log in order, already read into observations."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import NamedTuple

from msgspec import Struct
from sqlalchemy import Connection

from events.log.bulk import BulkEvent, read_on
from events.stripe.observations import Observation, Unreadable
from events.stripe.words import FETCHED_FROM_STRIPE, observations_of, tells_of_revenue
from projections.facts.sightings import Change, Sighting

_MOST_BYTES_AT_REST = 32_000_000
_MOST_BYTES_IN_HAND = 160_000_000


class Fact(Struct, frozen=True, gc=False):
    """What an event says about revenue, and about which entity."""

    sighting: Sighting
    entity: str | None
    observations: Sequence[Observation]

    @property
    def position(self) -> int:
        """Give the event's position in the log."""
        return self.sighting.change.position


class FactPage(NamedTuple):
    """The next facts for one company's build of a projection. Before it is begun, its tables hold nothing."""

    company_id: int
    build: int
    is_begun: bool
    facts: Sequence[Fact]


def read_facts(connection: Connection, after: Mapping[int, int], most: Mapping[int, int]) -> dict[int, list[Fact]]:
    """Read on in companies' logs: of each up to so many events above its position, all in all as many as fit in memory.

    Gives at least one event, when there is one; each company's in order.
    """
    facts: dict[int, list[Fact]] = defaultdict(list)
    at_rest = in_hand = 0
    with closing(read_on(connection, after, most)) as events:
        for company_id, event in events:
            at_rest += len(event.payload_zstd)
            in_hand += event.payload_bytes  # what is small at rest may be large in hand
            if facts and (at_rest > _MOST_BYTES_AT_REST or in_hand > _MOST_BYTES_IN_HAND):
                break
            facts[company_id].append(fact_of(event))
    return facts


def fact_of(event: BulkEvent) -> Fact:
    """Read an event. It never raises for what is in it."""
    seen_at = int(event.occurred_at.timestamp()) if event.occurred_at else 0
    change = Change(event.position, event.recorded_at)
    sighting = Sighting(change, event.livemode, (seen_at, int(event.source == FETCHED_FROM_STRIPE)))
    if not tells_of_revenue(event.type):
        return Fact(sighting, event.entity, ())
    observations = observations_of(event.type, event.entity, event.payload)
    if observations and event.occurred_at is None:
        observations = [Unreadable("the event does not say when it happened")]
    # What was read is let go: bodies that nobody reads again would push what is next out of the processor's cache.
    return Fact(sighting, event.entity, observations)
