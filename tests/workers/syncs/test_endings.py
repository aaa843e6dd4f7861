"""The end of a sync: only whoever holds its lease may end it."""

import pytest
from sqlalchemy import Engine, text

from tests.support.company import company_with
from tests.support.syncs.run_states import FAILED, finish_run, run_of, start_run
from workers.syncs.leases import LeaseLostError


def test_a_lost_lease_ends_nothing_and_says_so(engine: Engine) -> None:
    company_id = company_with(engine, "acct_lost")
    lease = start_run(engine, company_id)
    with engine.begin() as connection:
        connection.execute(text("UPDATE sync_run SET epoch = epoch + 1"))

    with pytest.raises(LeaseLostError):
        finish_run(engine, lease, FAILED)

    assert run_of(engine, company_id, lease.run_id).status == "running"
    with engine.connect() as connection:
        facts = connection.scalars(text("SELECT type FROM event ORDER BY position")).all()
    assert facts[-1] == "sync.requested"
