"""The command that derives what is recognized a second way, and compares."""

from random import Random

from sqlalchemy import Engine, text

from tests.commands.conftest import Run
from tests.support.commands import json_of
from tests.support.company import catch_up, company_with
from tests.support.decisions import record_decided_history
from tests.support.payloads import ACCOUNT


def test_parts_and_sums_are_what_fractions_give_whatever_was_decided(run: Run, engine: Engine) -> None:
    company_id = company_with(engine, ACCOUNT)
    company_with(engine, "acct_without_invoices")
    record_decided_history(engine, company_id, Random(7), 150)
    catch_up(engine)

    companies = json_of(run("recognition", "verify", "--json"))["companies"]

    assert [one["equal"] for one in companies] == [True, True]
    assert companies[0]["parts"] > 20
    assert companies[0]["differences"] == []


def test_each_difference_is_named_and_fails_the_command(run: Run, engine: Engine) -> None:
    company_id = company_with(engine, ACCOUNT)
    record_decided_history(engine, company_id, Random(8), 80)
    catch_up(engine)
    with engine.begin() as connection:
        found = connection.execute(
            text("""
                UPDATE revenue_part SET amount = amount + 1, months[1] = months[1] + 1
                WHERE (livemode, invoice_id, invoice_line_item_id, share, step) = (
                    SELECT livemode, invoice_id, invoice_line_item_id, share, step FROM revenue_part
                    WHERE kind = 'revenue' AND amount > 0 LIMIT 1
                ) RETURNING invoice_line_item_id
            """)
        ).scalar_one()
        connection.execute(
            text("""
                DELETE FROM recognition_by_month WHERE (company_id, build, month) IN (
                    SELECT company_id, build, max(month) FROM recognition_by_month WHERE earned <> 0 GROUP BY 1, 2
                )
            """)
        )

    result = run("recognition", "verify", "--company", str(company_id))

    assert result.exit_code == 1
    assert "different" in result.stdout
    assert f"line {found} of invoice" in result.stdout
    assert "recognition_by_month" in result.stdout


def test_an_unknown_company_is_refused(run: Run) -> None:
    result = run("recognition", "verify", "--company", "7")

    assert result.exit_code == 1
    assert "there is no company 7" in result.stderr
