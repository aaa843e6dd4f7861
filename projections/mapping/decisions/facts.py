"""The facts of mapping and accounting policy: their types, and how they are read. Pure."""

import msgspec

from projections.mapping.decisions.payloads import (
    LinesOverridden,
    LinesReleased,
    PlanArchived,
    PlanChanged,
    PlanCreated,
    PlanRestored,
    PolicySet,
    RulesPublished,
    StreamArchived,
    StreamChanged,
    StreamCreated,
    StreamFact,
    StreamRestored,
    SubscriptionOverridden,
    SubscriptionReleased,
    TimeZoneSet,
    UnnamedRuleError,
)
from projections.mapping.problems import InvalidRulesError
from projections.recognition.days import zone_names

STREAM_CREATED = "mapping.stream_created"
STREAM_CHANGED = "mapping.stream_changed"
STREAM_ARCHIVED = "mapping.stream_archived"
STREAM_RESTORED = "mapping.stream_restored"
PLAN_CREATED = "mapping.plan_created"
PLAN_CHANGED = "mapping.plan_changed"
PLAN_ARCHIVED = "mapping.plan_archived"
PLAN_RESTORED = "mapping.plan_restored"
RULES_PUBLISHED = "mapping.rules_published"
LINES_OVERRIDDEN = "mapping.lines_overridden"
LINES_RELEASED = "mapping.lines_released"
SUBSCRIPTION_OVERRIDDEN = "mapping.subscription_overridden"
SUBSCRIPTION_RELEASED = "mapping.subscription_released"
POLICY_SET = "accounting.policy_set"
# Written before there was more to a policy than the time zone.
TIME_ZONE_SET = "accounting.time_zone_set"


MappingFact = (
    StreamCreated
    | StreamChanged
    | StreamArchived
    | StreamRestored
    | PlanCreated
    | PlanChanged
    | PlanArchived
    | PlanRestored
    | RulesPublished
    | LinesOverridden
    | LinesReleased
    | SubscriptionOverridden
    | SubscriptionReleased
    | PolicySet
    | TimeZoneSet
)

_PAYLOADS: dict[str, type[MappingFact]] = {
    STREAM_CREATED: StreamCreated,
    STREAM_CHANGED: StreamChanged,
    STREAM_ARCHIVED: StreamArchived,
    STREAM_RESTORED: StreamRestored,
    PLAN_CREATED: PlanCreated,
    PLAN_CHANGED: PlanChanged,
    PLAN_ARCHIVED: PlanArchived,
    PLAN_RESTORED: PlanRestored,
    RULES_PUBLISHED: RulesPublished,
    LINES_OVERRIDDEN: LinesOverridden,
    LINES_RELEASED: LinesReleased,
    SUBSCRIPTION_OVERRIDDEN: SubscriptionOverridden,
    SUBSCRIPTION_RELEASED: SubscriptionReleased,
    POLICY_SET: PolicySet,
    TIME_ZONE_SET: TimeZoneSet,
}
_TYPES: dict[type[object], str] = {payload: fact_type for fact_type, payload in _PAYLOADS.items()}
FACT_TYPES = frozenset(_PAYLOADS)


class MalformedFactError(ValueError):
    """The payload of a fact of our own is not what its type promises."""


def type_of_fact(fact: MappingFact) -> str:
    """Return the type under which a fact stands in the log."""
    return _TYPES[type(fact)]


def read_fact(fact_type: str, payload: bytes) -> MappingFact:
    """Return a fact of one of `FACT_TYPES`. Members that are not known are passed over.

    :raises MalformedFactError: it is not what its type promises
    """
    try:
        fact = msgspec.json.decode(payload, type=_PAYLOADS[fact_type])
        _check(fact)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidRulesError, UnnamedRuleError) as error:
        raise MalformedFactError(f"{fact_type}: {error}") from error
    return fact


def _check(fact: MappingFact) -> None:
    match fact:
        case StreamFact():
            fact.treatment()
        case RulesPublished():
            fact.read_rules()
        case LinesOverridden() | SubscriptionOverridden():
            fact.shares()
        case PolicySet() | TimeZoneSet() if fact.time_zone not in zone_names():
            raise MalformedFactError(f"{type_of_fact(fact)}: there is no time zone {fact.time_zone}")
        case _:
            pass
