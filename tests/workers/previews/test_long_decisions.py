"""A decision about a table with many lines keeps nobody else waiting, and is folded all the same."""

import pytest
from redis import Redis
from rq import Queue
from sqlalchemy import Engine, text

from backlog.jobs import PREVIEW
from projections.mapping.decisions.facts import MappingFact
from projections.mapping.decisions.payloads import PolicySet, StreamCreated
from projections.revenue.store.mapping import long_decisions
from tests.support.company import company_with, record_events
from tests.support.decisions import decide, rules
from tests.support.payloads import CREATED, event, new_invoice
from workers.clock_process import sweep
from workers.jobs import catch_up_with
from workers.previews.jobs import preview_with
from workers.wiring.tools import Tools

LARGE, SMALL = "acct_large", "acct_small"


def invoice_of(account: str, invoice_id: str) -> dict[str, object]:
    return {**event(new_invoice(invoice_id), created=CREATED), "account": account}


def streams(engine: Engine, company_id: int) -> list[str]:
    """Return the stream of each line of a company's table, "" if it has none."""
    query = text("SELECT stream_id FROM revenue_part WHERE company_id = :id ORDER BY invoice_id")
    with engine.connect() as connection:
        return list(connection.execute(query, {"id": company_id}).scalars())


@pytest.fixture
def large(engine: Engine, tools: Tools, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return a company with a line, of which decisions take long."""
    monkeypatch.setattr(long_decisions, "MANY_LINES", 0)
    company_id = company_with(engine, LARGE)
    decide(engine, company_id, StreamCreated("str_saas", "SaaS"))
    record_events(engine, invoice_of(LARGE, "in_1"))
    catch_up_with(tools)
    return company_id


@pytest.mark.parametrize(
    "decision",
    [
        rules(1, ("currency", "is", "usd")),
        PolicySet(1, "Asia/Tokyo", "2026a", catch_up="booked", uncollectible="contra"),
    ],
    ids=["rules", "policy"],
)
def test_others_are_folded_first_and_what_follows_the_decision_afterwards(
    engine: Engine, tools: Tools, redis: Redis, large: int, decision: MappingFact
) -> None:
    small = company_with(engine, SMALL)
    decide(engine, large, decision)
    record_events(engine, invoice_of(LARGE, "in_2"))
    record_events(engine, invoice_of(SMALL, "in_1"))

    catch_up_with(tools)

    assert (streams(engine, large), streams(engine, small)) == ([""], [""])
    assert Queue(PREVIEW, connection=redis).count == 1

    preview_with(tools)
    catch_up_with(tools)

    assert streams(engine, large) == (["", ""] if isinstance(decision, PolicySet) else ["str_saas", "str_saas"])


def test_the_clock_finds_a_company_that_was_set_aside_and_forgotten(
    engine: Engine, tools: Tools, redis: Redis, large: int
) -> None:
    decide(engine, large, rules(1, ("currency", "is", "usd")))
    catch_up_with(tools)
    redis.flushall()

    sweep(tools, is_long=False)

    assert Queue(PREVIEW, connection=redis).count == 1
    preview_with(tools)
    assert streams(engine, large) == ["str_saas"]
    redis.flushall()
    sweep(tools, is_long=False)
    assert Queue(PREVIEW, connection=redis).count == 0
