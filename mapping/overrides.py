"""Override what rules say: for lines, in batches, and for subscriptions."""

from collections.abc import Iterator, Sequence
from secrets import token_hex

from sqlalchemy import Connection

from events.log.read import head_of
from mapping.recorded import LINES, Desk, Said, said_about
from mapping.streams import Streams
from projections.mapping.decisions.facts import LINES_OVERRIDDEN
from projections.mapping.decisions.payloads import (
    MAX_LINES,
    Json,
    LineKey,
    LinesOverridden,
    LinesReleased,
    SubscriptionOverridden,
    SubscriptionReleased,
)
from projections.mapping.decisions.references import check_shares
from projections.mapping.problems import InvalidRulesError, Place, Problem
from projections.mapping.reading_outcomes import read_outcome
from projections.mapping.writing_rules import outcome_document
from tenants.connection_request_keys import IdempotencyKeyReusedError

# What a filter may choose at once.
MOST_LINES = 100_000

AboutLines = LinesOverridden | LinesReleased


class UnknownBatchError(LookupError):
    """There is no such batch of overrides."""


def usable_outcome(document: object, streams: Streams, *, pointer: str) -> Json:
    """Return an outcome, as it is to be recorded, whose streams and plans exist and are not archived.

    :raises InvalidRulesError: it cannot be used
    """
    shares, noted = read_outcome(document, pointer=pointer), list[Problem]()
    here = Place(noted, pointer) / "shares"
    check_shares(here, shares, streams)
    for number, share in enumerate(shares):
        stream = streams.get(share.stream_id or "")
        plan = stream and stream.plans.get(share.plan_id or "")
        if stream and stream.archived_at is not None:
            (here / number / "stream_id").note("This stream is archived. Restore it first.")
        if plan and plan.archived_at is not None:
            (here / number / "plan_id").note("This plan is archived. Restore it first.")
    if noted:
        raise InvalidRulesError(noted)
    return outcome_document(shares)


def override_lines(desk: Desk, lines: Sequence[LineKey], outcome: Json, reason: str | None) -> str:
    """Record an outcome for lines, as one batch, and return the batch's id. Commits nothing; call it last."""
    batch_id = new_batch_id()
    desk.record(LINES, [LinesOverridden(batch_id, some, outcome, reason) for some in in_facts(lines)])
    return batch_id


def override_line(desk: Desk, line: LineKey, outcome: Json, reason: str | None) -> LinesOverridden:
    """Record an outcome for a line, unless it has that already, and return what is in force. Commits nothing."""
    now = override_of_line(desk.connection, desk.company_id, line)
    if now is None or (now.outcome, now.reason) != (outcome, reason):
        now = LinesOverridden(new_batch_id(), (line,), outcome, reason)
        desk.record(LINES, [now])
    return now


def release_line(desk: Desk, line: LineKey) -> None:
    """Record that a line has no override any more, if it has one. Commits nothing; call it last; may be repeated.

    :raises AppendConditionFailedError: overrides of lines changed meanwhile
    """
    head = head_of(desk.connection, desk.company_id)
    if override_of_line(desk.connection, desk.company_id, line, head) is not None:
        desk.record(LINES, [LinesReleased(new_batch_id(), (line,))], after=head)


def override_of_line(
    connection: Connection, company_id: int, line: LineKey, upto: int | None = None
) -> LinesOverridden | None:
    """Return the override that is in force for a line, as of a position or now, or None."""
    newest: AboutLines | None = None
    for _, fact in facts_about_lines(connection, company_id, upto=upto):
        if line in fact.lines:
            newest = fact
    return newest if isinstance(newest, LinesOverridden) else None


def override_subscription(
    desk: Desk, subscription_id: str, outcome: Json, reason: str | None, *, livemode: bool
) -> SubscriptionOverridden:
    """Record an outcome for a subscription, unless it has that already; return what is in force. Commits nothing."""
    now = override_of_subscription(desk.connection, desk.company_id, subscription_id, livemode=livemode)
    if now is None or (now.outcome, now.reason) != (outcome, reason):
        now = SubscriptionOverridden(livemode, subscription_id, outcome, reason)
        desk.record(_entity(subscription_id), [now])
    return now


def release_subscription(desk: Desk, subscription_id: str, *, livemode: bool) -> None:
    """Record that a subscription has no override any more, if it has one. Commits nothing; may be repeated.

    :raises AppendConditionFailedError: its override changed meanwhile
    """
    head = head_of(desk.connection, desk.company_id)
    if override_of_subscription(desk.connection, desk.company_id, subscription_id, livemode=livemode) is not None:
        desk.record(_entity(subscription_id), [SubscriptionReleased(livemode, subscription_id)], after=head)


def override_of_subscription(
    connection: Connection, company_id: int, subscription_id: str, *, livemode: bool
) -> SubscriptionOverridden | None:
    """Return the override that is in force for a subscription, or None."""
    newest = None
    for said in said_about(connection, company_id, _entity(subscription_id)):
        if isinstance(said.fact, SubscriptionOverridden | SubscriptionReleased) and said.fact.livemode == livemode:
            newest = said.fact
    return newest if isinstance(newest, SubscriptionOverridden) else None


def batch_recorded_before(desk: Desk, outcome: Json, reason: str | None) -> tuple[str, list[LineKey]] | None:
    """Return the batch that an earlier request under the same key recorded, with its lines, or None.

    :raises IdempotencyKeyReusedError: that request was for another outcome
    """
    lines: list[LineKey] = []
    batch_id, number = "", 0
    while before := desk.recorded_before(LINES_OVERRIDDEN, number):
        fact = before.fact
        if not isinstance(fact, LinesOverridden) or (fact.outcome, fact.reason) != (outcome, reason):
            raise IdempotencyKeyReusedError
        batch_id, number = fact.batch_id, number + 1
        lines.extend(fact.lines)
    return (batch_id, lines) if lines else None


def facts_about_lines(
    connection: Connection, company_id: int, *, upto: int | None = None
) -> Iterator[tuple[Said, AboutLines]]:
    """Yield the facts about overrides of lines, in order."""
    for said in said_about(connection, company_id, LINES, upto=upto):
        if isinstance(said.fact, LinesOverridden | LinesReleased):
            yield said, said.fact


def in_facts(lines: Sequence[LineKey]) -> Iterator[tuple[LineKey, ...]]:
    """Yield lines by as many as one fact may name."""
    for first in range(0, len(lines), MAX_LINES):
        yield tuple(lines[first : first + MAX_LINES])


def new_batch_id() -> str:
    """Return an id for a batch of overrides."""
    return f"ovr_{token_hex(8)}"


def _entity(subscription_id: str) -> str:
    return f"mapping:subscription:{subscription_id}"
