"""Each event is chained to the one before in its log, and Python computes the chain that the database does."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Engine

from events.log.audit import verify_logs
from events.log.chains import chained_sha256, head_at, stream_chained
from tests.support.company import company_with, record_events
from tests.support.log import ACME, ZED, commit, fact
from tests.support.payloads import event, new_invoice


def test_chain_is_of_every_field_and_of_what_is_new(engine: Engine) -> None:
    commit(
        engine,
        ACME,
        fact("e1"),
        fact("e1", b"another body"),
        fact(
            'every "field" \\ / \x01\x1f\x7f\t\u2028 \U0001f4b8 é',
            entity="in_1",
            account_id="acct_1",
            api_version="2026-10-28.endive",
            correlation_id=UUID("0197A000-0000-7000-8000-0000000000AB"),
            actor="person:1",
            occurred_at=datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            livemode=False,
            version=2,
        ),
        fact("no time", occurred_at=None),
    )
    commit(engine, ZED, fact("e1"))
    commit(engine, ACME, fact("e1"), fact("last"))
    with engine.connect() as connection:
        for company_id in (ACME, ZED):
            chain = b""
            for recorded, held in stream_chained(connection, company_id):
                chain = chained_sha256(chain, company_id, recorded)
                assert held == chain, recorded
            assert head_at(connection, company_id, recorded.position) == (company_id, recorded.position, chain)
        assert [(one.events, one.faults, one.unchained) for one in verify_logs(connection)] == [(4, [], 0), (1, [], 0)]
        assert head_at(connection, ZED, 2) is None


def test_events_of_many_companies_in_one_group_continue_each_its_own_chain(engine: Engine) -> None:
    accounts = ["acct_a", "acct_b", "acct_of_nobody"]
    for account in accounts[:2]:
        company_with(engine, account)
    group = [event(new_invoice(f"in_{number}"), account=accounts[number % 3]) for number in range(12)]

    record_events(engine, *group, group[0], group[1])
    record_events(engine, *group[::-1], event(new_invoice("in_12"), account="acct_b"))

    with engine.connect() as connection:
        verdicts = [(one.events, one.faults, one.unchained) for one in verify_logs(connection)]
    # The first event of each is that of its connection.
    assert verdicts == [(5, [], 0), (6, [], 0)]
