"""The input of every fold: the facts of one company's log in order, read into observations."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import NamedTuple

from msgspec import Struct

from events.log.bulk import BulkEvent, read_on
from events.log.own_facts import SOURCE
from events.stripe.observations import Observation, Unreadable
from events.stripe.words import FETCHED_FROM_STRIPE, is_about_revenue, observations_of
from projections.facts.sightings import Change, Sighting
from projections.mapping.decisions.facts import FACT_TYPES, MalformedFactError, MappingFact, read_fact
from runtime.database import Driver

_MOST_BYTES_AT_REST = 32_000_000
_MOST_BYTES_UNPACKED = 160_000_000


class Fact(Struct, frozen=True, gc=False):
    """An event read into observations about revenue, and the entity that it is about.

    `said` is a fact of our own about the mapping or the policy.
    """

    sighting: Sighting
    entity: str | None
    observations: Sequence[Observation]
    said: MappingFact | None = None

    @property
    def position(self) -> int:
        """Return the event's position in the log."""
        return self.sighting.change.position


class FactPage(NamedTuple):
    """The next facts for one company's build of a projection. Until the build is begun, its tables are empty."""

    company_id: int
    build: int
    is_begun: bool
    facts: Sequence[Fact]


class Folded(NamedTuple):
    """What folding came to.

    `lacking`: companies whose tables then lack something that Stripe could tell; `changed`: those whose rows changed;
    `quarantined`: company, position and reason of every fact that could not be read.
    """

    lacking: set[int]
    changed: set[int]
    quarantined: list[tuple[int, int, str]]


def read_facts(driver: Driver, after: Mapping[int, int], most: Mapping[int, int]) -> dict[int, list[Fact]]:
    """Read the next facts of companies: up to `most` events of each above `after`, and in all as many as fit in memory.

    Returns at least one fact if there is an event; each company's facts are in order.
    """
    facts: dict[int, list[Fact]] = defaultdict(list)
    at_rest = unpacked = 0
    with closing(read_on(driver, after, most)) as events:
        for company_id, event in events:
            at_rest += len(event.payload_zstd)
            unpacked += event.payload_bytes  # an event that is small at rest may be large when unpacked
            if facts and (at_rest > _MOST_BYTES_AT_REST or unpacked > _MOST_BYTES_UNPACKED):
                break
            facts[company_id].append(fact_of(event))
    return facts


def fact_of(event: BulkEvent) -> Fact:
    """Read an event into a fact. Never raises because of what the event contains."""
    seen_at = int(event.occurred_at.timestamp()) if event.occurred_at else 0
    change = Change(event.position, event.recorded_at)
    sighting = Sighting(change, event.livemode, (seen_at, int(event.source == FETCHED_FROM_STRIPE)))
    if event.source == SOURCE:
        return _own_fact(sighting, event)
    if not is_about_revenue(event.type):
        return Fact(sighting, event.entity, ())
    observations = observations_of(event.type, event.entity, event.payload)
    if observations and event.occurred_at is None:
        observations = [Unreadable("the event does not say when it happened")]
    # The fact does not keep the body: bodies that are not read again would push the next out of the processor's cache.
    return Fact(sighting, event.entity, observations)


def _own_fact(sighting: Sighting, event: BulkEvent) -> Fact:
    if event.type not in FACT_TYPES:
        return Fact(sighting, event.entity, ())
    try:
        return Fact(sighting, event.entity, (), read_fact(event.type, event.payload))
    except MalformedFactError as error:
        return Fact(sighting, event.entity, [Unreadable(str(error))])
