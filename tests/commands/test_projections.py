"""The command that shows how far each company's projections are folded."""

from sqlalchemy import Engine, update

from projections.facts.state_tables import projection_state
from tests.commands.conftest import Run
from tests.support.commands import json_of
from tests.support.company import catch_up, company_with, record_events
from tests.support.payloads import ACCOUNT, event, new_invoice


def test_a_standing_has_a_position_and_the_head_it_runs_after(run: Run, engine: Engine) -> None:
    company_id = company_with(engine, ACCOUNT)
    catch_up(engine)
    record_events(engine, event(new_invoice("in_1")), event(new_invoice("in_2")))

    projections = json_of(run("projections", "status", "--json"))["projections"]

    assert [one["projection"] for one in projections] == ["revenue_lines", "revenue_by_month", "recognition"]
    assert projections[0] | {"error_position": None} == {
        "projection": "revenue_lines",
        "build": 1,
        "company_id": company_id,
        "position": 1,
        "head": 3,
        "status": "live",
        "error": None,
        "error_position": None,
    }
    catch_up(engine)
    assert json_of(run("projections", "status", "--json"))["projections"][0]["position"] == 3


def test_a_halted_table_says_why_and_where(run: Run, engine: Engine) -> None:
    company_with(engine, ACCOUNT)
    catch_up(engine)
    halted = {"status": "halted", "error": "KeyError: 'x'", "error_position": 2}
    with engine.begin() as connection:
        connection.execute(update(projection_state).values(**halted))

    shown = json_of(run("projections", "status", "--json"))["projections"][0]

    assert {name: shown[name] for name in halted} == halted
    assert "KeyError: 'x'" in run("projections", "status").stdout


def test_without_projections_it_says_so(run: Run) -> None:
    assert json_of(run("projections", "status", "--json")) == {"projections": []}
    assert "No company has a projection yet" in run("projections", "status").stdout
