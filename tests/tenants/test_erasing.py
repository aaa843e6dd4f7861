"""A company is erased wherever the catalogue knows a company, and nobody else notices."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from events.log.append import append
from events.log.audit import verify_logs
from tenants.erasing import StillConnectedError, UnknownCompanyError, erase_company, find_erasure
from tests.support.clock import NOON
from tests.support.company import company_with
from tests.support.every_table import companies_with_everything, rows_of
from tests.support.log import fact

_MOST_STEPS = 200


def erase_killed_after_each_step(engine: Engine, company_id: int) -> None:
    """Erase a company in attempts, each of which is left after its first step that deleted anything."""
    for _ in range(_MOST_STEPS):
        steps = erase_company(engine, company_id, actor="operator", now=NOON)
        if next(steps, None) is None:
            return
        steps.close()  # type: ignore[attr-defined]
    pytest.fail("the erasure does not end")


@pytest.fixture
def companies(engine: Engine) -> tuple[int, int]:
    return companies_with_everything(engine)


def test_an_erasure_killed_at_any_step_goes_on_and_leaves_neighbours_alone(
    engine: Engine, companies: tuple[int, int]
) -> None:
    ours, theirs = companies
    with engine.connect() as connection:
        before, filled = rows_of(connection, theirs), rows_of(connection, ours)
        noted = [verdict.head for verdict in verify_logs(connection) if verdict.company_id == ours]

    erase_killed_after_each_step(engine, ours)

    with engine.connect() as connection:
        erasure = find_erasure(connection, ours)
        left, after = rows_of(connection, ours), rows_of(connection, theirs)
        verdicts = {one.company_id: one for one in verify_logs(connection, [head for head in noted if head])}
        people = connection.scalars(text("SELECT id FROM user_account ORDER BY 1")).all()
        parked = connection.scalars(text("SELECT count(*) FROM parked_event")).one()
        sessions = connection.execute(text("SELECT user_id, company_id FROM user_session ORDER BY id")).all()
    assert [table for table, rows in filled.items() if not rows and table != "account_owner"] == []
    assert {table for table, rows in left.items() if rows} == set()
    assert after == before
    assert erasure is not None
    assert (erasure.erased_at, erasure.events, erasure.erased_by) == (NOON, verdicts[ours].events, "operator")
    assert [verdicts[one].faults for one in companies] == [[], []]
    assert (verdicts[ours].head, verdicts[ours].erased_at) == (noted[0], NOON)
    assert (people, parked, [tuple(row) for row in sessions if row.user_id in (7, 8)]) == (
        [7],
        0,
        [(7, None), (7, theirs)],
    )
    with pytest.raises(DBAPIError, match="was erased"), engine.begin() as connection:
        append(connection, ours, [fact("evt_late")])


def test_only_what_exists_and_is_disconnected_is_erased(engine: Engine) -> None:
    connected = company_with(engine, "acct_a")

    with pytest.raises(StillConnectedError):
        list(erase_company(engine, connected, actor="operator", now=NOON))
    with pytest.raises(UnknownCompanyError):
        list(erase_company(engine, 999, actor="operator", now=NOON))
