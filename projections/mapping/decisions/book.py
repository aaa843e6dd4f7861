"""A company's book of mapping: its streams, rules, overrides of subscriptions and policy after some facts. Pure.

Overrides of lines are too many to be in it: whoever maps a line brings its own along.
"""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from projections.mapping.decisions.facts import MappingFact
from projections.mapping.decisions.payloads import (
    PlanArchived,
    PlanChanged,
    PlanFact,
    PolicySet,
    RulesPublished,
    StreamArchived,
    StreamChanged,
    StreamFact,
    SubscriptionOverridden,
    SubscriptionReleased,
    TimeZoneSet,
)
from projections.mapping.decisions.references import with_default_treatments
from projections.mapping.decisions.streams import Plan, Stream, as_booked, is_archived
from projections.mapping.mapped import Explanation, Mapped, Overrides
from projections.mapping.mapped import explained as explained_by_rules
from projections.mapping.mapped import mapped as mapped_by_rules
from projections.mapping.rule_set import RuleSet, Subject, Values
from projections.recognition.billing import Policy
from projections.recognition.outcome import UNMAPPED, Shares

# Outcomes by mode and id.
Subscriptions = Mapping[tuple[bool, str], Shares]

_NO_RULES = RuleSet(())


class Book(Struct, frozen=True):
    """What facts of mapping and policy come to. Versions are 0 until something is published or set."""

    streams: dict[str, Stream] = {}
    rules: RuleSet | None = None
    rules_version: int = 0
    policy: Policy = Policy()
    policy_version: int = 0
    subscriptions: Subscriptions = {}

    def values_of(self, subject: Subject) -> Values:
        """Return what the fields of a line that rules test come to."""
        return (self.rules or _NO_RULES).values_of(subject)

    def override_of(self, *, livemode: bool, subscription_id: str | None) -> Shares | None:
        """Return the outcome that a person chose for a subscription, or None."""
        return None if subscription_id is None else self.subscriptions.get((livemode, subscription_id))

    @property
    def leads_to_archived(self) -> bool:
        """Return whether rules or overrides of subscriptions lead to a stream or a plan that is archived."""
        by_rules = (shares for rule in (self.rules or _NO_RULES).rules for shares in rule.outcomes)
        return any(
            is_archived(share, self.streams) for shares in (*by_rules, *self.subscriptions.values()) for share in shares
        )


EMPTY = Book()


def book_after(book: Book, fact: MappingFact, said_at: int) -> Book:
    """Return the book after a fact of `said_at`, in Unix seconds. Facts about lines leave it as it is."""
    changed: dict[str, object] = {}
    match fact:
        case StreamFact():
            changed["streams"] = {**book.streams, fact.id: _stream_after(book.streams.get(fact.id), fact, said_at)}
        case PlanFact():
            changed["streams"] = {**book.streams, fact.stream_id: _with_plan(book, fact, said_at)}
        case RulesPublished():
            changed = {"rules": RuleSet(fact.read_rules()), "rules_version": fact.version}
        case SubscriptionOverridden() | SubscriptionReleased():
            changed["subscriptions"] = _subscriptions_after(book, fact)
        case PolicySet():
            policy = Policy(fact.time_zone, fact.uncollectible, fact.catch_up)
            changed = {"policy": policy, "policy_version": fact.version}
        case TimeZoneSet():
            policy = book.policy._replace(time_zone=fact.time_zone)
            changed = {"policy": policy, "policy_version": book.policy_version + 1}
        case _:
            return book
    return msgspec.structs.replace(book, **changed)


def mapping_of(book: Book, values: Values, booked_at: int, overrides: Overrides) -> Mapped:
    """Return what a line is mapped to, with treatments of streams where shares have none.

    `values` are those of the fields that the book's rules test; the invoice was finalized at `booked_at`, in Unix
    seconds.
    """
    return _in_streams(book, mapped_by_rules(book.rules or _NO_RULES, values, overrides), booked_at)


def explained(book: Book, subject: Subject, booked_at: int, overrides: Overrides) -> Explanation:
    """Return why a line is mapped as it is. A rule to a stream that is archived for it `also_matched`."""
    why = explained_by_rules(book.rules or _NO_RULES, subject, overrides)
    found = _in_streams(book, why.mapped, booked_at)
    closed = (why.mapped.rule_id,) if why.mapped.rule_id is not None and found.rule_id is None else ()
    return why._replace(mapped=found, also_matched=(*closed, *why.also_matched))


def _in_streams(book: Book, found: Mapped, booked_at: int) -> Mapped:
    if found.layer == "line_override":
        # It was chosen for a line that was there already, so no later archiving is about it.
        return found._replace(shares=with_default_treatments(found.shares, book.streams))
    shares = as_booked(found.shares, book.streams, booked_at)
    if shares is None:
        return Mapped("unmapped", None, UNMAPPED, book.rules_version)
    rules_version = None if found.layer == "subscription_override" else book.rules_version
    return Mapped(found.layer, found.rule_id, with_default_treatments(shares, book.streams), rules_version)


def _stream_after(stream: Stream | None, fact: StreamFact, said_at: int) -> Stream:
    before = stream or Stream()
    archived_at = _archived_at(before.archived_at, fact, said_at)
    return Stream(fact.name, fact.code, fact.treatment(), before.plans, archived_at)


def _with_plan(book: Book, fact: PlanFact, said_at: int) -> Stream:
    stream = book.streams.get(fact.stream_id, Stream())
    before = stream.plans.get(fact.id, Plan())
    plan = Plan(fact.name, _archived_at(before.archived_at, fact, said_at))
    return msgspec.structs.replace(stream, plans={**stream.plans, fact.id: plan})


def _archived_at(before: int | None, fact: StreamFact | PlanFact, said_at: int) -> int | None:
    if isinstance(fact, StreamArchived | PlanArchived):
        return said_at
    return before if isinstance(fact, StreamChanged | PlanChanged) else None


def _subscriptions_after(book: Book, fact: SubscriptionOverridden | SubscriptionReleased) -> Subscriptions:
    concerned = (fact.livemode, fact.subscription_id)
    others = {key: shares for key, shares in book.subscriptions.items() if key != concerned}
    return others if isinstance(fact, SubscriptionReleased) else {**others, concerned: fact.shares()}
