"""Fold new events into the live tables. Effect and checkpoint commit together, so every event counts exactly once.

Any number of workers may run this: the locked state row is the lease, and other workers skip it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text

from notices.announcements import IS_LISTENING, Moved, announce_changes
from notices.causes import open_quarantine
from projections.engine.batches import Batch, fold_batch
from projections.engine.behind import update_marks
from projections.engine.decisions import LongDecisionError, without_decisions
from projections.engine.folding import Claim, fold
from projections.facts.facts import Fact, Folded, read_facts
from projections.registry import BY_NAME, versions
from runtime.database import Driver

BATCH_SIZE = 16_000
MOST_BUILDS = 128

# Marked companies in the order of their marks: an index has them alone, and whatever is folded goes to its back.
_LIVE_BEHIND = f"""
    SELECT s.projection, s.company_id, s.build, s.position, h.position AS head,
           (SELECT true FROM projection_skip k WHERE k.company_id = s.company_id LIMIT 1) IS NOT NULL, {IS_LISTENING},
           s.failing_since IS NOT NULL
    FROM company_head h
    CROSS JOIN unnest(%(names)b::text[], %(versions)b::integer[]) AS p (name, version)
    JOIN projection_state s ON s.company_id = h.company_id AND s.projection = p.name AND s.version = p.version
    WHERE h.behind_since IS NOT NULL AND s.status = 'live' AND s.position < h.position
      AND {{which}}
    ORDER BY h.behind_since LIMIT %(most)s FOR UPDATE OF s SKIP LOCKED
"""  # noqa: S608 - our own words
_CLAIM = _LIVE_BEHIND.format(which="(s.retry_at IS NULL OR s.retry_at <= statement_timestamp())")
_SET_ASIDE = "s.retry_at = 'infinity'"
_CLAIM_SET_ASIDE = _LIVE_BEHIND.format(which=_SET_ASIDE)
_ANY_SET_ASIDE = text(f"""
    SELECT EXISTS (SELECT FROM company_head h JOIN projection_state s ON s.company_id = h.company_id
                   WHERE h.behind_since IS NOT NULL AND s.status = 'live' AND {_SET_ASIDE})
""")  # noqa: S608 - our own words


class Advanced(NamedTuple):
    """Companies whose live builds were claimed, and by how many events they were folded forward.

    `lacking`: those whose tables lack something that Stripe could tell.
    """

    company_ids: list[int]
    event_count: int
    lacking: set[int]


def advance(engine: Engine, *, batch_size: int = BATCH_SIZE, leaves_long: bool = False) -> Advanced | None:
    """Fold one batch of events into live builds that are behind, many at once; None if none is behind. Commits.

    `leaves_long`: a decision that would keep others waiting is left to `advance_set_aside`, and with it its company.

    :raises sqlalchemy.exc.DBAPIError: the connection was lost
    """
    fold_some = partial(_advanced, leaves_long=leaves_long)
    return fold_batch(engine, Batch(claim=_claimed, fold=fold_some, failed=_nothing_advanced), size=batch_size)


def advance_set_aside(engine: Engine) -> Advanced | None:
    """Fold the next event of a company that was set aside, however long it takes; None if there is none. Commits.

    :raises sqlalchemy.exc.DBAPIError: the connection was lost
    """
    return fold_batch(engine, Batch(claim=_claimed_aside, fold=_advanced, failed=_nothing_advanced), size=1)


def is_any_set_aside(connection: Connection) -> bool:
    """Return whether a company waits for `advance_set_aside`."""
    return bool(connection.execute(_ANY_SET_ASIDE).scalar())


def _claimed(driver: Driver, size: int) -> list[Claim]:
    most = MOST_BUILDS if size > 1 else 1
    rows = [(Claim(*row[:-1]), row[-1]) for row in driver.execute(_CLAIM, versions() | {"most": most})]
    first_is_failing = bool(rows) and rows[0][1]
    return [rows[0][0]] if first_is_failing else [claim for claim, is_failing in rows if not is_failing]


def _claimed_aside(driver: Driver, _size: int) -> list[Claim]:
    return [Claim(*row[:-1]) for row in driver.execute(_CLAIM_SET_ASIDE, versions() | {"most": 1})]


def _advanced(
    driver: Driver,
    claims: Sequence[Claim],
    size: int,
    stays_apart: bool,  # noqa: FBT001 - as `Batch` calls it
    *,
    leaves_long: bool = False,
) -> Advanced:
    by_company: dict[int, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_company[claim.company_id].append(claim)
    starts = {company_id: min(claim.position for claim in held) for company_id, held in by_company.items()}
    ends = {company_id: _meeting_point(held) for company_id, held in by_company.items()}
    read = read_facts(driver, starts, _shares({one: ends[one] - starts[one] for one in starts}, size))
    facts = without_decisions(read) if size > 1 else read
    if leaves_long and size == 1 and any(_takes_long(driver, claim, facts) for claim in claims):
        raise LongDecisionError
    turn = [claim for claim in claims if claim.company_id in facts and claim.position == starts[claim.company_id]]
    folded = fold(driver, turn, facts, stays_apart=stays_apart)
    _tell(driver, turn, facts, folded)
    update_marks(driver, facts)
    return Advanced(list(facts), sum(map(len, facts.values())), folded.lacking)


def _takes_long(driver: Driver, claim: Claim, facts: Mapping[int, Sequence[Fact]]) -> bool:
    of_claim = BY_NAME[claim.projection]
    return any(of_claim.takes_long(driver, claim.company_id, claim.build, fact) for fact in facts[claim.company_id])


def _tell(driver: Driver, turn: Sequence[Claim], facts: Mapping[int, Sequence[Fact]], folded: Folded) -> None:
    moved = {
        Moved(claim.company_id, claim.position, facts[claim.company_id][-1].position)
        for claim in turn
        if claim.is_listening and claim.company_id in folded.changed
    }
    if moved:
        announce_changes(driver, sorted(moved))
    if folded.quarantined:
        open_quarantine(driver, folded.quarantined)


def _nothing_advanced(claims: Sequence[Claim]) -> Advanced:
    return Advanced(sorted({claim.company_id for claim in claims}), 0, set())


def _meeting_point(claims: Sequence[Claim]) -> int:
    # Builds of one company at different positions: the hindmost is folded up to the next, and then goes on with it.
    positions = sorted({*(claim.position for claim in claims), claims[0].head})
    return positions[1]


def _shares(lacking: Mapping[int, int], size: int) -> dict[int, int]:
    # In their order, each company gets all it lacks: one far behind advances a lot at once, then waits its turn.
    shares = {}
    for company_id, count in lacking.items():
        shares[company_id] = min(count, size)
        size -= shares[company_id]
        if not size:
            break
    return shares
