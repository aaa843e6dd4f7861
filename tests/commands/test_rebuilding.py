"""Rebuilding and verifying from the command line: output, and the exit codes that scripts rely on."""

import json

import pytest
from sqlalchemy import Engine, text

from projections.builds.builds import begin_builds
from projections.reads.snapshots import snapshot_of
from tests.commands.conftest import Run
from tests.support.commands import error_of, json_of
from tests.support.company import catch_up, company_with, record_events
from tests.support.payloads import ACCOUNT, event, new_invoice, old_invoice


@pytest.fixture
def company_id(engine: Engine) -> int:
    company_id = company_with(engine, ACCOUNT)
    record_events(engine, event(new_invoice("in_1")), event(old_invoice("in_2")))
    catch_up(engine)
    return company_id


def build_of(engine: Engine, company_id: int) -> int:
    with snapshot_of(engine, company_id) as snapshot:
        return snapshot.build


def test_rebuild_goes_live_and_reports_its_progress_on_stderr(run: Run, engine: Engine, company_id: int) -> None:
    result = run("projections", "rebuild", "--company", company_id, "--check", "--json")

    live = json_of(result)["live"]
    assert live == [{"company_id": company_id, "projection": "revenue_lines", "build": 2, "position": 3}]
    last = json.loads(result.stderr.splitlines()[-1])
    assert (last["events_done"], last["events"]) == (3, 3)
    assert build_of(engine, company_id) == 2


def test_verify_says_equal_and_leaves_no_build_behind(run: Run, engine: Engine, company_id: int) -> None:
    companies = json_of(run("projections", "verify", "--workers", 2, "--json"))["companies"]

    assert [(one["company_id"], one["projection"], one["equal"], one["differences"]) for one in companies] == [
        (company_id, name, True, []) for name in ("revenue_lines", "revenue_by_month", "recognition")
    ]
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(DISTINCT build) FROM revenue_line")).scalar_one() == 1
        assert connection.execute(text("SELECT count(*) FROM projection_state")).scalar_one() == 1


def test_a_tampered_table_is_named_by_verify_and_kept_by_a_checked_rebuild(
    run: Run, engine: Engine, company_id: int
) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE revenue_line SET amount = 1 WHERE invoice_id = 'in_1'"))

    verified = run("projections", "verify")
    checked = run("projections", "rebuild", "--check", "--json")
    unchecked = run("projections", "rebuild")

    assert verified.exit_code == 1
    assert "amount is 1, the log says 30000" in verified.stdout
    assert checked.exit_code == 1
    assert [one["projection"] for one in json.loads(checked.stdout)["differing"]] == ["revenue_lines"]
    assert unchecked.exit_code == 0
    assert json_of(run("projections", "verify", "--json"))["companies"][0]["equal"]


def test_rollback_and_prune(run: Run, engine: Engine, company_id: int) -> None:
    assert "no earlier build" in error_of(run("projections", "rollback", "--company", company_id))
    run("projections", "rebuild")

    back = json_of(run("projections", "rollback", "--company", company_id, "--json"))["live"]
    kept = json_of(run("projections", "prune", "--json"))["dropped"]
    dropped = json_of(run("projections", "prune", "--keep-days", 0, "--json"))["dropped"]

    assert [(one["projection"], one["build"]) for one in back] == [("revenue_lines", 1)]
    assert build_of(engine, company_id) == 1
    assert kept == []
    assert {(one["projection"], one["build"]) for one in dropped} == {("revenue_lines", 2)}
    assert json_of(run("projections", "verify", "--json"))["companies"][0]["equal"]


def test_cancel_gives_up_what_was_begun(run: Run, engine: Engine, company_id: int) -> None:
    with engine.begin() as connection:
        begin_builds(connection, company_id=None)

    dropped = json_of(run("projections", "cancel", "--json"))["dropped"]

    assert {one["build"] for one in dropped} == {2}
    projections = json_of(run("projections", "status", "--json"))["projections"]
    assert {(one["build"], one["status"]) for one in projections} == {(1, "live")}


def test_an_event_that_is_skipped_is_passed_over_in_every_build_and_stands_in_the_log(
    run: Run, engine: Engine, company_id: int
) -> None:
    record_events(engine, event(old_invoice("in_poison")), event(old_invoice("in_4")))
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE revenue_line ADD CONSTRAINT poison CHECK (invoice_id <> 'in_poison')"))
    catch_up(engine)

    skip = ("projections", "skip", "--company", company_id, "--position", 4, "--reason", "poison")
    skipped = json_of(run(*skip, "--json"))
    catch_up(engine)
    run("projections", "rebuild")

    assert (skipped["projection"], skipped["position"], skipped["fact"]) == ("revenue_lines", 4, 6)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT DISTINCT invoice_id FROM revenue_line ORDER BY 1")).scalars().all()
        audit = connection.execute(text("SELECT type, actor FROM event WHERE position = 6")).one()
    assert rows == ["in_1", "in_2", "in_4"]
    assert tuple(audit) == ("projection.skipped", "operator")
    assert "at position 4" in error_of(run(*skip))


def test_a_forged_event_is_passed_over_once_the_tables_are_rebuilt(run: Run, engine: Engine, company_id: int) -> None:
    record_events(engine, event(old_invoice("in_forged")))
    catch_up(engine)

    skip = ("projections", "skip", "--forged", "--company", company_id, "--reason", "the secret had leaked")
    skipped = json_of(run(*skip, "--position", 4, "--json"))
    again = json_of(run(*skip, "--position", 4, "--json"))
    run("projections", "rebuild", "--company", company_id)

    assert [skipped["fact"], again["fact"]] == [5, 6]
    assert "has no position 99" in error_of(run(*skip, "--position", 99))
    with engine.connect() as connection:
        rows = (
            connection.execute(
                text(
                    "SELECT DISTINCT r.invoice_id FROM revenue_line r JOIN projection_active a"
                    " ON a.projection = 'revenue_lines' AND a.build = r.build AND a.company_id = r.company_id"
                    " ORDER BY 1"
                )
            )
            .scalars()
            .all()
        )
    assert rows == ["in_1", "in_2"]
    assert all(one["equal"] for one in json_of(run("projections", "verify", "--json"))["companies"])
