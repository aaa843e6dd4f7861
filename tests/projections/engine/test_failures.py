"""Whatever error PostgreSQL raises for one company's facts: that company halts by name, and the others continue."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.event import listens_for
from sqlalchemy.exc import OperationalError

from projections.builds.builds import begin_builds
from projections.builds.rebuild import build_on
from projections.engine.behind import begin_lacking_builds
from projections.engine.catch_up import advance
from projections.engine.failures import ATTEMPTS_BEFORE_HALT, TRANSIENT_SECONDS_BEFORE_HALT
from projections.engine.skips import Skip, skip_event
from projections.engine.status import CompanyProjection, projection_lag, projection_status, resume_company
from projections.reads.snapshots import snapshot_of
from runtime.sqlstates import is_transient
from tests.support.clock import NOON
from tests.support.company import catch_up, company_with, record_events
from tests.support.payloads import event, new_invoice, new_line, old_invoice
from tests.support.promises import Trials
from tests.support.sqlstates import SQLSTATES

LINES = "revenue_lines"
SICK, WELL = "acct_sick", "acct_well"
Pair = tuple[int, int]


@pytest.fixture
def pair(engine: Engine) -> Pair:
    """Return a company whose facts PostgreSQL will refuse, and another company."""
    return company_with(engine, SICK), company_with(engine, WELL)


@contextmanager
def refusing(engine: Engine, company_id: int, statement: str) -> Iterator[None]:
    """Run this statement before every row of the company's lines is written."""
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statement}; RETURN NEW; END $$;"
            f"CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON revenue_line FOR EACH ROW"
            f" WHEN (NEW.company_id = {company_id}) EXECUTE FUNCTION refuse()"
        )
    yield
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER refuse ON revenue_line; DROP FUNCTION refuse()")


def raising(sqlstate: str) -> str:
    return f"RAISE EXCEPTION 'planted by a test' USING ERRCODE = '{sqlstate}'"


def status_of(engine: Engine, company_id: int, projection: str = LINES) -> CompanyProjection:
    with engine.connect() as connection:
        return next(
            one
            for one in reversed(projection_status(connection))
            if (one.company_id, one.projection) == (company_id, projection)
        )


def record_invoices(engine: Engine, *accounts: str) -> None:
    for account in accounts:
        record_events(engine, event(old_invoice(), account=account))


def let_time_pass(engine: Engine) -> None:
    """Make postponed work due, and let the next failure be the one that halts."""
    with engine.begin() as connection:
        connection.execute(
            text("""
                UPDATE projection_state SET retry_at = NULL, attempts = least(attempts, 1) * :attempts,
                    failing_since = failing_since - make_interval(secs => :seconds)
            """),
            {"attempts": ATTEMPTS_BEFORE_HALT - 1, "seconds": TRANSIENT_SECONDS_BEFORE_HALT + 1},
        )


@pytest.mark.promise(
    "Database errors: each SQLSTATE has its answer, and no event is acknowledged and lost",
    trials=(14, len(SQLSTATES)),
)
def test_whatever_error_one_companys_facts_cause_its_neighbour_moves_and_it_halts_by_name(
    engine: Engine, trials: Trials
) -> None:
    for sqlstate in trials.cases(SQLSTATES):
        accounts = f"{SICK}_{sqlstate}", f"{WELL}_{sqlstate}"
        sick, well = (company_with(engine, account) for account in accounts)
        record_invoices(engine, *accounts)
        with refusing(engine, sick, raising(sqlstate)):
            begin_lacking_builds(engine)
            batches = sum(1 for _ in iter(lambda: advance(engine), None))
            first, neighbour = status_of(engine, sick), status_of(engine, well)
            let_time_pass(engine)
            record_invoices(engine, accounts[1])
            catch_up(engine)
            catch_up(engine)
            last = status_of(engine, sick)

        assert neighbour.position == neighbour.head, sqlstate
        assert batches <= 4, sqlstate  # the neighbour waits for a few batches, and for none of the tries that follow
        assert (first.position, first.error_position, first.status) == (1, 2, "live"), sqlstate
        assert (last.error_position, last.status) == (2, "halted"), sqlstate
        assert "planted by a test" in str(last.error), sqlstate
        assert status_of(engine, well).position == 3, sqlstate
        with engine.begin() as connection:
            assert resume_company(connection, sick) == [LINES], sqlstate
        catch_up(engine)
        assert status_of(engine, sick)[3:] == (2, 2, "live", None, None), sqlstate


def test_a_company_that_failed_is_tried_alone_so_that_no_other_is_folded_twice(engine: Engine, pair: Pair) -> None:
    sick, well = pair
    record_invoices(engine, SICK)
    with refusing(engine, sick, raising("23514")):
        catch_up(engine)
        let_time_pass(engine)
        record_invoices(engine, WELL)

        turns = []
        while advanced := advance(engine):
            turns.append((advanced.company_ids, advanced.event_count))

    assert sorted(turns) == [([sick], 0), ([well], 1)]


@pytest.mark.parametrize("sqlstate", ["53100", "55P03", "40001"])
def test_an_outage_halts_nobody_and_ends_by_itself(engine: Engine, pair: Pair, sqlstate: str) -> None:
    record_invoices(engine, SICK, WELL)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {raising(sqlstate)}; END $$;"
            "CREATE TRIGGER refuse BEFORE INSERT ON revenue_line FOR EACH STATEMENT EXECUTE FUNCTION refuse()"
        )
    for _ in range(3):
        catch_up(engine)
        let_time_pass(engine)
        with engine.begin() as connection:  # as if the last fold was long ago
            connection.execute(text("UPDATE projection_state SET updated_at = updated_at - interval '1 hour'"))
    meanwhile = {status_of(engine, company_id).status for company_id in pair}

    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER refuse ON revenue_line")
    catch_up(engine)

    assert meanwhile == {"live"}
    assert [status_of(engine, company_id).position for company_id in pair] == [2, 2]


def refuse_connections(engine: Engine, times: int) -> None:
    """Refuse the next connections, as a server does that restarts after a crash."""
    remaining = [None] * times

    @listens_for(engine, "do_connect")
    def refuse(*_: object) -> None:
        if remaining:
            remaining.pop()
            raise psycopg.OperationalError("the database system is in recovery mode")


@pytest.mark.parametrize("refused", [0, 1])
def test_one_company_whose_facts_end_the_connection_is_found_and_its_neighbour_moves(
    engine: Engine, pair: Pair, refused: int
) -> None:
    sick, well = pair
    record_invoices(engine, SICK, WELL)
    begin_lacking_builds(engine)
    refuse_connections(engine, refused)
    lost = 0
    with refusing(engine, sick, "PERFORM pg_terminate_backend(pg_backend_pid())"):
        for _ in range(8):
            try:
                advance(engine)
            except OperationalError:
                lost += 1

    assert lost == 2
    assert status_of(engine, well).position == 2
    assert (status_of(engine, sick).error is None, status_of(engine, sick).error_position) == (False, None)


def test_an_event_that_stops_a_build_stops_no_other_build(engine: Engine, pair: Pair) -> None:
    sick, well = pair
    record_invoices(engine, SICK, WELL)
    catch_up(engine)
    with engine.begin() as connection:
        begin_builds(connection, company_id=None, is_resumed=False)
    with refusing(engine, sick, raising("54000")):
        while build_on(engine, is_automatic=False):
            pass
        stopped = status_of(engine, sick)

    assert (stopped.build, stopped.position, stopped.error_position) == (2, 1, 2)
    assert status_of(engine, well).status == "ready"


def test_an_event_in_the_way_can_be_skipped_whatever_the_database_says_to_it(engine: Engine, pair: Pair) -> None:
    sick, _ = pair
    record_invoices(engine, SICK)
    with refusing(engine, sick, raising("54000")):
        catch_up(engine)
        with engine.begin() as connection:
            skip_event(connection, Skip(LINES, sick, 2), reason="a test", now=NOON, actor="tests")
        catch_up(engine)

    assert status_of(engine, sick)[3:] == (3, 3, "live", None, None)


def test_how_many_fail_or_halted_is_counted(engine: Engine, pair: Pair) -> None:
    record_invoices(engine, SICK, WELL)
    counts = []
    with refusing(engine, pair[0], raising("23514")):
        for _ in range(2):
            catch_up(engine)
            with engine.connect() as connection:
                lag = projection_lag(connection, LINES)
            counts.append((lag.companies_behind, lag.companies_failing, lag.companies_halted))
            let_time_pass(engine)

    assert counts == [(1, 1, 0), (1, 0, 1)]


def _invoice(line: dict[str, object], invoice_id: str = "in_sized", **fields: object) -> dict[str, object]:
    return new_invoice(invoice_id, line, **fields)


WITH_ID: dict[str, Callable[[str], dict[str, object]]] = {
    "price": lambda an_id: _invoice(new_line(pricing={"price_details": {"price": an_id, "product": "prod_1"}})),
    "product": lambda an_id: _invoice(new_line(pricing={"price_details": {"price": "price_q", "product": an_id}})),
    "plan": lambda an_id: _invoice(new_line(pricing=None, plan={"id": an_id, "interval": "month"})),
    "customer": lambda an_id: _invoice(new_line(), customer=an_id),
    "subscription": lambda an_id: _invoice(
        new_line(parent={"subscription_item_details": {"subscription": an_id}}),
    ),
    "line": lambda an_id: _invoice(new_line(an_id)),
    "invoice": lambda an_id: _invoice(new_line(), an_id),
}


@pytest.mark.parametrize("letter", ["x", "\U0001f4b6"])
def test_an_id_longer_than_stripes_is_quarantined_and_one_as_long_is_shown(engine: Engine, letter: str) -> None:
    companies = {where: company_with(engine, f"acct_{where}") for where in WITH_ID}
    for where, with_id in WITH_ID.items():
        record_events(engine, *(event(with_id(letter * length), account=f"acct_{where}") for length in (256, 255)))

    catch_up(engine)

    for where, company_id in companies.items():
        assert status_of(engine, company_id)[3:] == (3, 3, "live", None, None), where
        of_company = text(
            "SELECT (SELECT count(*) FROM revenue_line WHERE company_id = :id), reason"
            " FROM revenue_quarantine WHERE company_id = :id"
        )
        with snapshot_of(engine, company_id) as snapshot:
            [(shown, reason)] = snapshot.connection.execute(of_company, {"id": company_id})
        assert shown == 1, where
        assert letter * 9 not in reason, where


@pytest.mark.parametrize(
    ("sqlstate", "may_pass"),
    [
        *((state, True) for state in ("08006", "25006", "40001", "40P01", "53100", "53300", "55P03", "57P01", "58030")),
        *(
            (state, False)
            for state in ("22001", "22003", "23505", "23514", "42P01", "54000", "57014", "P0001", "XX000")
        ),
    ],
)
def test_only_states_that_say_so_may_pass_by_themselves(engine: Engine, sqlstate: str, *, may_pass: bool) -> None:
    with pytest.raises(Exception, match="planted") as caught, engine.begin() as connection:
        connection.exec_driver_sql(f"DO $$ BEGIN {raising(sqlstate)}; END $$")

    assert is_transient(caught.value) is may_pass
