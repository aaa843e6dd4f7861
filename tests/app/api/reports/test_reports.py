"""Reports over HTTP: the golden figures, now and as of a position, and each figure with what it is made of."""

import csv
import io
from collections import Counter
from hashlib import sha256
from typing import Any

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import Engine, text

from app.api.reports.reading import columns_of
from projections.mapping.decisions.payloads import PlanCreated, StreamCreated
from projections.reads.recognition.report_cells import REPORTS
from tests.support.billing import billed
from tests.support.company import catch_up
from tests.support.decisions import decide, rules
from tests.support.payloads import credit_note, credit_note_line, event
from tests.support.recognition import Case
from tests.support.syncs.run_states import SUCCEEDED, finish_run, start_run
from tests.support.web.lines import Reader, json_of
from workers.syncs.endings import Ending

# The authorization, four decisions, and the events of four invoices, one of them credited.
LAST = 10
SPLIT = {
    "shares": [
        {"bp": 9000, "stream_id": "str_saas", "plan_id": "pln_pro"},
        {"bp": 1000, "stream_id": "str_fees"},
    ]
}


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    """Return a reader of G9 in dollars, split, G4 in yen, and G6's proration of May, which is unbilled in April."""
    reader = Reader.of_new_company(client, engine)
    decide(
        engine,
        reader.company_id,
        StreamCreated("str_saas", "SaaS"),
        StreamCreated("str_fees", "Fees"),
        PlanCreated("pln_pro", "str_saas", "Pro"),
        rules(1, ("invoice_line_item_id", "is", "il_1"), outcome=SPLIT),
    )
    cases = {
        "il_1": (Case("90.00", "2026-01-01", "2026-04-01").with_credit("45.00", "2026-02-01"), "usd"),
        "il_2": (Case("1.00", "2026-01-01", "2026-04-01"), "jpy"),
        "il_3": (Case("-30.00", "2026-04-21", "2026-05-01", booked="2026-05-01"), "usd"),
        "il_4": (Case("40.00", "2026-04-21", "2026-05-01", booked="2026-05-01"), "usd"),
    }
    for line_id, (case, currency) in cases.items():
        reader.receive(*billed(case, line_id, currency=currency))
    return reader


def report_of(reader: Reader, name: str, **query: Any) -> dict[str, Any]:
    response = reader.get(f"/reports/{name}", **query)
    assert response.status_code == 200, response.text
    return json_of(response)


def test_recognition_has_the_golden_months_of_each_currency(reader: Reader) -> None:
    report = report_of(reader, "recognition", by="none", to="2026-05")

    assert [
        (cell["month"], cell["currency"], cell["earned"], cell["contra"], cell["net"]) for cell in report["data"]
    ] == [
        ("2026-01", "jpy", 34, 0, 34),
        ("2026-01", "usd", 3100, 0, 3100),
        ("2026-02", "jpy", 32, 0, 32),
        ("2026-02", "usd", 1400, -1550, -150),
        ("2026-03", "jpy", 34, 0, 34),
        ("2026-03", "usd", 1550, 0, 1550),
        ("2026-04", "usd", 1000, 0, 1000),
    ]
    assert (report["object"], report["has_more"], report["next_cursor"], report["position"]) == (
        "list",
        False,
        None,
        LAST,
    )
    assert (report["data_through"], report["is_complete"], len(report["left_out"])) == (None, False, 2)


def test_a_report_is_complete_when_a_sync_has_proven_it_and_nothing_is_missing(reader: Reader) -> None:
    forbidden = {"kind": "permission_missing", "resource": "credit_notes", "detail": "The connection may not."}
    asked: Any = {"by": "none", "currency": "usd"}
    finish_run(reader.engine, start_run(reader.engine, reader.company_id), SUCCEEDED)
    with reader.engine.begin() as connection:
        connection.execute(text("UPDATE sync_run SET coverage_to = finished_at"))
    proven = report_of(reader, "recognition", **asked)
    tag = reader.get("/reports/recognition", **asked).headers["ETag"]
    reader.receive(
        event(credit_note("cn_9", credit_note_line("cnli_9", 5, "il_9"), invoice="in_9"), "credit_note.created")
    )
    waiting = report_of(reader, "recognition", **asked)
    lacking = Ending("succeeded", reconciliation={**(SUCCEEDED.reconciliation or {}), "notices": [forbidden]})
    finish_run(reader.engine, start_run(reader.engine, reader.company_id), lacking)
    unread = report_of(reader, "recognition", **asked)

    assert (proven["is_complete"], proven["data_through"], len(proven["left_out"])) == (True, "2026-03-01T12:00:00Z", 2)
    # By default to the current month, which is March.
    assert [cell["month"] for cell in proven["data"]] == ["2026-01", "2026-02", "2026-03"]
    assert (waiting["is_complete"], waiting["left_out"][2:]) == (
        False,
        ["1 invoice still being fetched from Stripe.", "1 credit note waiting for an invoice or for lines."],
    )
    assert [sentence.partition(":")[0] for sentence in unread["left_out"][2:3]] == ["Credit notes"]
    assert reader.get("/reports/recognition", headers={"If-None-Match": tag}, **asked).status_code == 200


def test_cells_name_stream_plan_and_exponent(reader: Reader) -> None:
    cells = report_of(reader, "recognition", by="plan", currency="USD", **{"from": "2026-02", "to": "2026-04"})["data"]

    assert cells[0] == {
        "object": "recognition_cell",
        "month": "2026-02",
        "stream_id": "str_fees",
        "plan_id": None,
        "currency": "usd",
        "currency_exponent": 2,
        "kind": "revenue",
        "earned": 140,
        "contra": -155,
        "net": -15,
    }
    assert [(cell["month"], cell["stream_id"], cell["plan_id"]) for cell in cells[1:]] == [
        ("2026-02", "str_saas", "pln_pro"),
        ("2026-03", "str_fees", None),
        ("2026-03", "str_saas", "pln_pro"),
        ("2026-04", None, None),
    ]


def test_deferred_rolls_forward_and_shows_what_is_unbilled(reader: Reader) -> None:
    cells = report_of(reader, "deferred", by="none", currency="usd", to="2026-05")["data"]

    assert [(cell["month"], cell["opening"], cell["booked"], cell["closing"], cell["unbilled"]) for cell in cells] == [
        ("2026-01", 0, 9000, 5900, 0),
        ("2026-02", 5900, -4500, 1550, 0),
        ("2026-03", 1550, 0, 0, 0),
        ("2026-04", 0, 0, -1000, 1000),
        ("2026-05", -1000, 1000, 0, 0),
    ]
    assert all(
        cell["opening"] + cell["booked"] - cell["earned"] - cell["contra"]
        == cell["closing"]
        == cell["deferred"] - cell["unbilled"]
        for cell in cells
    )


def test_waterfall_is_chosen_by_what_it_recognizes(reader: Reader) -> None:
    cells = report_of(reader, "waterfall", by="none", currency="usd", **{"from": "2026-02", "to": "2026-04"})["data"]

    assert [(cell["booked_month"], cell["recognized_month"], cell["amount"]) for cell in cells] == [
        ("2026-01", "2026-02", 2800),
        ("2026-01", "2026-03", 3100),
        ("2026-02", "2026-02", -2950),
        ("2026-02", "2026-03", -1550),
        ("2026-05", "2026-04", 1000),
    ]


def test_as_of_a_position_is_what_was_known_then(reader: Reader) -> None:
    before = report_of(reader, "recognition", by="none", to="2026-03", as_of=LAST - 4)
    then = json_of(reader.get("/revenue-lines/il_1/recognition", as_of=LAST - 4))
    asked: Any = {"report": "recognition", "month": "2026-02", "currency": "usd", "by": "none", "as_of": LAST - 4}
    told = json_of(reader.get("/explanations", **asked))
    unmapped = json_of(reader.get("/explanations", **asked | {"by": "stream"}))

    assert [(cell["month"], cell["net"]) for cell in before["data"]] == [
        ("2026-01", 3100),
        ("2026-02", 2800),
        ("2026-03", 3100),
    ]
    assert (before["position"], then["position"], told["position"]) == (LAST - 4,) * 3
    assert [step["cause"] for step in then["steps"]] == ["billing"]
    assert (told["total"]["net"], told["sum_check"], unmapped["data"], unmapped["sum_check"]) == (2800, True, [], True)
    assert reader.get("/revenue-lines/il_1/recognition", as_of=2).status_code == 404
    assert report_of(reader, "recognition", as_of=0)["data"] == []
    assert reader.get("/reports/recognition", as_of=LAST + 1).status_code == 422


GOLDEN = {
    "G1": (Case("31.00", "2026-01-15", "2026-02-15"), {"2026-01": 1700, "2026-02": 1400}),
    "G5": (
        Case("300.00", "2025-11-30", "2026-02-28"),
        {"2025-11": 333, "2025-12": 10334, "2026-01": 10333, "2026-02": 9000},
    ),
    "G7": (Case("5.00", "2026-01-03", "2026-01-03", booked="2026-02-01"), {"2026-02": 500}),
    "G8": (
        Case("31.00", "2026-01-15", "2026-02-15").with_status(voided="2026-02-01"),
        {"2026-01": 1700, "2026-02": -1700},
    ),
    "G10": (
        Case("120.00", "2026-01-01", "2026-04-01").with_credit("30.00", "2026-01-10"),
        {"2026-01": 3100, "2026-02": 2800, "2026-03": 3100},
    ),
    "G11": (
        Case("181.00", "2026-01-01", "2026-07-01").with_credit("90.50", "2026-02-01", voided="2026-05-03"),
        {"2026-01": 3100, "2026-02": -150, "2026-03": 1550, "2026-04": 1500, "2026-05": 9100, "2026-06": 3000},
    ),
    "G12": (
        Case("90.00", "2026-01-01", "2026-04-01").with_status(uncollectible="2026-02-01", paid="2026-04-10"),
        {"2026-01": 3100, "2026-02": -3100, "2026-04": 9000},
    ),
    "G18": (Case("31.00", "2026-01-15", "2026-02-14T23:59:59"), {"2026-01": 1700, "2026-02": 1400}),
    "G21": (
        Case("31.00", "2026-07-21", "2026-08-21", booked="2026-07-14").with_status(voided="2026-09-12"),
        {"2026-07": 1100, "2026-08": 2000, "2026-09": -3100},
    ),
}


def test_golden_lines_are_recognized_and_add_up_to_the_report(client: FlaskClient, engine: Engine) -> None:
    reader = Reader.of_new_company(client, engine)
    reader.receive(*(told for name, (case, _) in GOLDEN.items() for told in billed(case, f"il_{name}")))
    totals: Counter[str] = Counter()

    for name, (_, months) in GOLDEN.items():
        told = json_of(reader.get(f"/revenue-lines/il_{name}/recognition"))
        assert {one["month"]: one["earned"] + one["contra"] for one in told["months"]} == months, name
        assert told["sum_check"], name
        assert told["mapping"] | {"layer": "unmapped"} == told["mapping"]
        totals.update(months)
    cells = report_of(reader, "recognition", **{"from": "2025-11", "to": "2026-12"})["data"]
    assert {cell["month"]: cell["net"] for cell in cells} == {month: net for month, net in totals.items() if net}


@pytest.mark.parametrize("by", ["stream", "plan", "none"])
def test_l15_each_cell_is_explained_by_lines_and_steps_that_add_up(reader: Reader, by: str) -> None:
    for name in REPORTS:
        for cell in report_of(reader, name, by=by, to="2026-06")["data"]:
            month = cell.get("month") or cell["recognized_month"]
            named = {key: cell.get(key) for key in ("stream_id", "plan_id", "currency", "kind", "booked_month")}
            told = json_of(reader.get("/explanations", report=name, month=month, by=by, **named))

            figures = told["total"]
            assert told["sum_check"], told
            assert figures == told["cell"] == {key: cell[key] for key in figures}
            assert Counter({key: sum(leaf[key] for leaf in told["data"]) for key in figures}) == Counter(figures)


def test_an_explanation_names_line_step_and_day_and_is_paged(reader: Reader) -> None:
    asked: Any = {"report": "recognition", "month": "2026-02", "currency": "usd", "by": "none"}
    pages = [json_of(reader.get("/explanations", limit=3, **asked))]
    pages.append(json_of(reader.get("/explanations", limit=3, cursor=pages[0]["next_cursor"], **asked)))
    leaves = [leaf for page in pages for leaf in page["data"]]

    assert [(page["has_more"], page["count"], page["sum_check"]) for page in pages] == [
        (True, 4, True),
        (False, 4, True),
    ]
    assert [(leaf["share"], leaf["step"], leaf["cause"], leaf["net"]) for leaf in leaves] == [
        (0, 1, "credit_note", -2655),
        (0, 0, "billing", 2520),
        (1, 1, "credit_note", -295),
        (1, 0, "billing", 280),
    ]
    assert leaves[0] | {"position": 2} == {
        "object": "explanation",
        "invoice_line_item_id": "il_1",
        "invoice_id": "in_1",
        "invoice_number": "F00D-0001",
        "customer_name": "Zed Inc",
        "description": "3 × Team plan",
        "share": 0,
        "step": 1,
        "cause": "credit_note",
        "credit_note_id": "cn_0_il_1",
        "day": "2026-02-01",
        "step_amount": -4050,
        "position": 2,
        "earned": -1260,
        "contra": -1395,
        "net": -2655,
    }
    foreign: Any = {**asked, "month": "2026-03", "cursor": pages[0]["next_cursor"]}
    assert json_of(reader.get("/explanations", **foreign))["code"] == "invalid_cursor"


def test_a_line_shows_its_months_with_their_sums_in_words(reader: Reader) -> None:
    told = json_of(reader.get("/revenue-lines/il_1/recognition"))

    assert [(part["stream_id"], part["plan_id"], part["bp"], part["treatment"]) for part in told["parts"]] == [
        ("str_saas", "pln_pro", 9000, {"kind": "period"}),
        ("str_fees", None, 1000, {"kind": "period"}),
    ]
    assert [(step["cause"], step["day"], step["amount"]) for step in told["steps"]] == [
        ("billing", "2026-01-01", 9000),
        ("credit_note", "2026-02-01", -4500),
    ]
    assert [(one["month"], one["part"], one["earned"], one["contra"], one["sum"]) for one in told["months"][2:4]] == [
        ("2026-02", 0, 1260, -1395, "round(4500·59/90·9000/10000) − round(9000·31/90·9000/10000)"),
        (
            "2026-02",
            1,
            140,
            -155,
            "round(4500·59/90) − round(4500·59/90·9000/10000) − round(9000·31/90) + round(9000·31/90·9000/10000)",
        ),
    ]
    assert told["mapping"] == {
        "layer": "rule",
        "rule_id": "rule_1",
        "rules_version": 1,
        "also_matched": [],
        "passed_over": [],
    }
    assert told["sum_check"]
    assert reader.get("/revenue-lines/il_none/recognition").status_code == 404
    other = json_of(reader.get("/revenue-lines/il_2/recognition"))["mapping"]
    failed = {"field": "invoice_line_item_id", "op": "is", "found": "il_2"}
    assert (other["layer"], other["passed_over"]) == ("unmapped", [{"rule_id": "rule_1", "failed": failed}])
    then = json_of(reader.get("/revenue-lines/il_2/recognition", as_of=LAST - 1))["mapping"]
    assert (then["layer"], then["also_matched"], then["passed_over"]) == ("unmapped", None, None)


def test_steps_name_the_events_behind_them_whatever_maps_the_line(reader: Reader, engine: Engine) -> None:
    before = json_of(reader.get("/revenue-lines/il_1/recognition"))["steps"]
    decide(engine, reader.company_id, rules(2, ("currency", "is", "usd")))
    catch_up(engine)

    after = json_of(reader.get("/revenue-lines/il_1/recognition"))["steps"]
    assert [(step["cause"], step["position"]) for step in after] == [("billing", 6), ("credit_note", 7)]
    assert [step["position"] for step in before] == [step["position"] for step in after]


def test_a_line_whose_months_are_wrong_says_so(reader: Reader) -> None:
    with reader.engine.begin() as connection:
        connection.exec_driver_sql("""
            UPDATE revenue_part SET months[2] = months[2] + 1, months[3] = months[3] - 1
            WHERE invoice_id = 'in_1' AND step = 0
        """)

    assert json_of(reader.get("/revenue-lines/il_1/recognition"))["sum_check"] is False
    asked: Any = {"report": "recognition", "month": "2026-02", "currency": "usd", "by": "none"}
    assert json_of(reader.get("/explanations", **asked))["sum_check"] is False


def rows_of(reader: Reader, name: str, **query: Any) -> list[list[str]]:
    response = reader.get(f"/reports/{name}.csv", **query)
    assert response.status_code == 200, response.text
    return list(csv.reader(io.StringIO(response.text, newline=""), strict=True))


def test_csv_has_decimals_of_each_currency_and_names_position_and_checksum(reader: Reader) -> None:
    asked: Any = {"by": "none", "to": "2026-02"}
    header, *cells, as_of, position, checksum = rows_of(reader, "recognition", **asked)
    minor = rows_of(reader, "recognition", amounts="minor", **asked)
    told = report_of(reader, "recognition", **asked)

    assert header == [
        "month",
        "stream_id",
        "stream_name",
        "plan_id",
        "plan_name",
        "currency",
        "currency_exponent",
        "kind",
        "earned",
        "contra",
        "net",
    ]
    assert [row[5:] for row in cells[:2]] == [
        ["jpy", "0", "revenue", "34", "0", "34"],
        ["usd", "2", "revenue", "31.00", "0.00", "31.00"],
    ]
    assert [row[-3:] for row in minor[1:3]] == [["34", "0", "34"], ["3100", "0", "3100"]]
    assert (as_of[:2], position[:2]) == (["as_of", "now"], ["position", str(LAST)])
    assert checksum[:2] == ["checksum", told["checksum"]]
    # Anybody can repeat it from the file without its names.
    lines = "".join(",".join([*row[:2], row[3], *row[5:]]) + "\n" for row in minor[1:-3])
    assert checksum[1] == sha256(lines.encode()).hexdigest()
    response = reader.get("/reports/deferred.csv")
    assert response.headers["Content-Disposition"].startswith('attachment; filename="company-of-acct-tests-deferred-')
    assert {len(row) for row in rows_of(reader, "waterfall")} == {9}


def test_files_name_streams_and_plans_beside_their_ids(reader: Reader) -> None:
    header, *cells = rows_of(reader, "recognition", by="plan", currency="usd", to="2026-05")
    named = {tuple(row[1:5]) for row in cells[:-3]}
    workbook = load_workbook(io.BytesIO(reader.get("/reports/waterfall.xlsx", by="plan").data))

    assert header[1:5] == ["stream_id", "stream_name", "plan_id", "plan_name"]
    assert named == {("", "", "", ""), ("str_fees", "Fees", "", ""), ("str_saas", "SaaS", "pln_pro", "Pro")}
    assert ("str_saas", "SaaS", "pln_pro", "Pro") in {
        tuple(cell.value for cell in row[2:6]) for row in workbook.worksheets[0].iter_rows()
    }


def test_workbooks_have_numbers_and_a_footer(reader: Reader) -> None:
    for name in REPORTS:
        response = reader.get(f"/reports/{name}.xlsx", by="none")
        assert response.status_code == 200, response.text
        book = load_workbook(io.BytesIO(response.data))
        header, *cells, as_of, position, checksum = book.worksheets[0].iter_rows()
        about = {row[0].value: row[1].value for row in book["About"].iter_rows()}

        assert [cell.value for cell in header] == list(columns_of(name))
        assert as_of[1].value == "now"
        assert (position[1].value, checksum[1].value) == (LAST, report_of(reader, name, by="none")["checksum"])
        assert about["Position of the log"] == LAST
        assert 31 in [cell.value for row in cells for cell in row]
        assert {cell.number_format for row in cells for cell in row if cell.value == 31} == {"#,##0.00"}
        tag = response.headers["ETag"]
        assert reader.get(f"/reports/{name}.xlsx", by="none", headers={"If-None-Match": tag}).status_code == 304


def test_an_unchanged_report_is_not_sent_again(reader: Reader) -> None:
    for below in ("/reports/recognition", "/reports/deferred", "/reports/waterfall.csv"):
        tag = reader.get(below).headers["ETag"]

        assert reader.get(below, headers={"If-None-Match": tag}).status_code == 304
        assert reader.get(below, by="none", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("below", "query", "pointer"),
    [
        ("/reports/recognition", {"colour": "red"}, "/query/colour"),
        ("/reports/recognition", {"from": "2026-1"}, "/query/from"),
        ("/reports/deferred", {"to": "2026-13"}, "/query/to"),
        ("/reports/deferred", {"from": "0000-01"}, "/query/from"),
        ("/reports/waterfall.csv", {"from": "2026-02", "to": "2026-01"}, "/query/from"),
        ("/reports/waterfall", {"by": "customer"}, "/query/by"),
        ("/reports/recognition.xlsx", {"view": "lies"}, "/query/view"),
        ("/explanations", {"month": "2026-01", "currency": "usd"}, "/query/report"),
        ("/explanations", {"report": "recognition", "currency": "usd"}, "/query/month"),
        ("/explanations", {"report": "waterfall", "month": "2026-01", "currency": "usd"}, "/query/booked_month"),
        ("/explanations", {"report": "deferred", "month": "2026-01", "currency": "usd", "kind": "tax"}, "/query/kind"),
        ("/revenue-lines/il_1/recognition", {"from": "2026-01"}, "/query/from"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(
    reader: Reader, below: str, query: dict[str, Any], pointer: str
) -> None:
    response = reader.get(below, **query)

    assert response.status_code == 422
    assert [error["pointer"] for error in json_of(response)["errors"]] == [pointer]
