"""At rest, the log, the tables, their sums and what the API shows have to equal what the simulated Stripe knows."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any, Protocol

from sqlalchemy import Engine, text

from app.wiring.tools import Tools
from events.log.audit import verify_logs
from projections.builds import builds
from projections.builds.retired import drop_build
from projections.builds.verify import compare
from projections.engine.folding import Claim
from sandbox.stripe.account.accounts import Account
from tests.prove.simulation.world import STEPS, DirectAppender, World, new_world
from tests.support.syncs.truth import recognized_of, recognized_truth_of, table_of, truth_of

_TWICE = text("""
    SELECT regexp_replace(external_id, '.*/', '') FROM event
    WHERE company_id = :id AND source IN ('stripe', 'stripe.events') GROUP BY 1 HAVING count(*) > 1
""")
_HELD = text("""
    SELECT external_id, source FROM event WHERE company_id = :id AND source IN ('stripe', 'stripe.events')
    UNION ALL SELECT external_id, 'stripe' FROM parked_event WHERE account_id = :account
""")
Rows = list[dict[str, Any]]


class Company(Protocol):
    """A company, its account, and the ids of the events that were sent, and of those that were acknowledged."""

    @property
    def engine(self) -> Engine: ...
    @property
    def company_id(self) -> int: ...
    @property
    def account(self) -> Account: ...
    @property
    def acknowledged(self) -> set[str]: ...
    @property
    def sent(self) -> set[str]: ...


def simulate(
    seed: int,
    engine: Engine,
    intake: Engine,
    web: Tools,
    *,
    appender: Callable[[Engine], DirectAppender] = DirectAppender,
) -> tuple[list[str], Counter[str]]:
    """Let a world of this seed run and come to rest; return what does not agree then, and what happened."""
    with new_world(seed, engine, intake, web, appender) as world:
        for _ in range(STEPS):
            world.step()
        world.restart()
        world.settle()
        return list(violations(world)), world.happened


def violations(world: World) -> Iterator[str]:
    """Yield what does not agree."""
    yield from _shown_otherwise(world, truth_of(world.account))
    yield from wrong_in_the_tables(world)
    yield from wrong_in_the_log(world)


def wrong_in_the_tables(world: Company) -> Iterator[str]:
    """Yield what the tables have otherwise than Stripe, or than the log."""
    if difference := _first_difference(table_of(world.engine, world.company_id), truth_of(world.account)):
        yield f"the table is not Stripe's truth: {difference}"
    recognized, recorded = recognized_of(world.engine, world.company_id), recognized_truth_of(world.account)
    if recognized != recorded:
        yield f"recognized is not what Stripe records: {sorted(recognized.items() ^ recorded.items())[:3]}"
    yield from _other_in_a_rebuild(world)


def _shown_otherwise(world: World, truth: Rows) -> Iterator[str]:
    lines = [one for page in _pages(world) for one in page]
    amounts = [sorted((one["invoice_line_item_id"], one["amount"]) for one in rows) for rows in (lines, truth)]
    if amounts[0] != amounts[1]:
        yield "the API shows other lines than Stripe"
    currency, stream_id = world.published.get(world.rules_version(), (None, None))
    for line in lines:
        expected = stream_id if line["currency"] == currency else None
        if {part["stream_id"] for part in line["mapping"]["parts"]} != {expected}:
            yield f"{line['invoice_line_item_id']} is not mapped as the published rules say"
            return


def _pages(world: World) -> Iterator[Rows]:
    cursor: dict[str, str] = {}
    while True:
        page = world.reader.page(limit="100", **cursor)
        yield page["data"]
        if not page["has_more"]:
            return
        cursor = {"cursor": page["next_cursor"]}


def wrong_in_the_log(world: Company) -> Iterator[str]:
    """Yield what the log has twice, has lost, or has without Stripe having told it."""
    of_company = {"id": world.company_id, "account": world.account.id}
    with world.engine.connect() as connection:
        held = {(row.source, row.external_id.rpartition("/")[2]) for row in connection.execute(_HELD, of_company)}
        twice = connection.scalars(_TWICE, of_company).all()
        verdicts = [one for one in verify_logs(connection) if one.company_id == world.company_id]
    if lost := world.acknowledged - {event_id for _, event_id in held}:
        yield f"acknowledged and lost: {sorted(lost)[:3]}"
    told = {event.id for event in world.account.live.journal.events}
    if phantoms := {one for source, one in held if one not in (world.sent if source == "stripe" else told)}:
        yield f"never told by Stripe: {sorted(phantoms)[:3]}"
    if twice:
        yield f"in the log twice: {twice[:3]}"
    yield from (fault for verdict in verdicts for fault in verdict.faults)


def _other_in_a_rebuild(world: Company) -> Iterator[str]:
    with world.engine.begin() as connection:
        begun = builds.begin_builds(connection, company_id=world.company_id, is_resumed=False)
    for claim in [Claim(one.projection, one.company_id, one.build, 0) for one in begun]:
        for verdict in compare(world.engine, claim):
            yield from (f"differs from a rebuild: {one}" for one in verdict.differences)
        with world.engine.begin() as connection:
            builds.abandon(connection, [claim])
        drop_build(world.engine, claim)


def _first_difference(ours: Rows, theirs: Rows) -> str | None:
    nothing: dict[str, Any] = {}
    for our, their in zip_longest(ours, theirs, fillvalue=nothing):
        fields = {name: (our.get(name), their.get(name)) for name in sorted({*our, *their})}
        if differing := {name: both for name, both in fields.items() if both[0] != both[1]}:
            return f"{their.get('invoice_line_item_id')}: {differing}"
    return None
