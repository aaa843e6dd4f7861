"""Tell people of archived streams that rules in force lead to: lines that are booked from then on are unmapped."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from mapping.recorded import STREAMS, Desk, book_of, said_about
from mapping.rule_sets import newest_at
from notices.causes import close_notice, open_notice, open_notices
from notices.vocabulary import STREAM_ARCHIVED
from projections.mapping.rules import AnyRule, LookupRule, Rules
from projections.reads.mapping.stream_totals import billed_to_streams
from projections.reads.snapshots import snapshot_on

_MONTHS_OF_A_YEAR = 12


def tell_of_archived_streams(desk: Desk) -> None:
    """Open a notice for each archived stream that rules lead to, and close those that are over. Commits nothing.

    Call it after streams were archived or restored, or rules published, in the same transaction.
    """
    connection, company_id = desk.connection, desk.company_id
    told = {row.cause for row in open_notices(connection, company_id) if row.type == STREAM_ARCHIVED}
    streams = book_of(said_about(connection, company_id, STREAMS)).streams
    archived = {stream_id: stream.name for stream_id, stream in streams.items() if stream.archived_at is not None}
    leading = rules_leading_to(_rules_in_force(desk)) if archived else {}
    needing = {stream_id: name for stream_id, name in archived.items() if stream_id in leading}
    for stream_id in told - needing.keys():
        close_notice(connection, company_id, STREAM_ARCHIVED, stream_id, now=desk.now)
    if needing.keys() <= told:
        return
    billed = billed_to_streams(snapshot_on(connection, company_id), month_before(desk.now), livemode=True)
    for stream_id in needing.keys() - told:
        amounts = [{"currency": currency, "amount": amount} for currency, amount in billed.get(stream_id, [])]
        details: Mapping[str, object] = {"name": needing[stream_id], "rules": leading[stream_id], "billed": amounts}
        open_notice(connection, company_id, STREAM_ARCHIVED, stream_id, details, now=desk.now)


def rules_leading_to(rules: Rules) -> dict[str, list[str]]:
    """Return the names of the enabled rules that lead to each stream."""
    found: dict[str, list[str]] = defaultdict(list)
    for rule in rules:
        if rule.is_enabled:
            for stream_id in _targets_of(rule):
                found[stream_id].append(rule.name or rule.rule_id)
    return dict(found)


def month_before(now: datetime) -> int:
    """Return the last month that is over, as the number of months since year 0."""
    return now.year * _MONTHS_OF_A_YEAR + now.month - 2


def _rules_in_force(desk: Desk) -> Rules:
    newest = newest_at(desk.connection, desk.company_id)
    return newest.rules if newest else ()


def _targets_of(rule: AnyRule) -> set[str]:
    if isinstance(rule, LookupRule):
        return set(rule.table.values())
    return {share.stream_id for share in rule.outcome if share.stream_id}
