"""Pages of recognized revenue: every figure links to what it is made of, and nothing needs a script."""

import re
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import Engine

from projections.mapping.decisions.payloads import StreamCreated
from tests.support.billing import billed
from tests.support.company import company_with
from tests.support.decisions import decide, rules
from tests.support.payloads import credit_note, credit_note_line, event
from tests.support.recognition import Case
from tests.support.web.lines import Reader
from tests.support.web.people import Browser, signed_in
from tests.support.web.settings_page import text_of

TO_SAAS = {"shares": [{"bp": 10_000, "stream_id": "str_saas"}]}


class Visitor:
    """A member of a company with mapped and unmapped lines in two currencies, one of them credited."""

    def __init__(self, app: Flask, engine: Engine) -> None:
        self.reader = Reader.of_new_company(app.test_client(), engine)
        self.browser: Browser = signed_in(app, engine, self.reader.company_id, "viewer")
        mapped = rules(1, ("invoice_line_item_id", "is", "il_1"), outcome=TO_SAAS)
        decide(engine, self.reader.company_id, StreamCreated("str_saas", "SaaS <b>"), mapped)
        cases = {
            "il_1": Case("90.00", "2026-01-01", "2026-04-01").with_credit("45.00", "2026-02-01"),
            "il_2": Case("31.00", "2026-01-15", "2026-02-15"),
        }
        for line_id, case in cases.items():
            self.reader.receive(*billed(case, line_id))
        self.reader.receive(*billed(Case("12.00", "2026-01-01", "2026-01-02"), "il_3", currency="eur"))

    def page(self, below: str, status: int = 200) -> str:
        response = self.browser.get(f"/companies/{self.reader.company_id}{below}")
        assert response.status_code == status, response.text
        return response.text

    def links(self, page: str) -> list[str]:
        return [unescape(link) for link in re.findall(r'<a href="([^"]*)" data-explains', page)]


@pytest.fixture
def visitor(app: Flask, engine: Engine) -> Visitor:
    return Visitor(app, engine)


@pytest.mark.parametrize("report", ["recognition", "deferred", "waterfall"])
def test_each_figure_of_a_report_leads_to_lines_that_add_up(visitor: Visitor, report: str) -> None:
    page = visitor.page(f"/recognition?report={report}&to=2026-03")
    links = visitor.links(page)

    assert len(links) >= 3
    for link in links:
        shown = visitor.browser.get(link)
        assert shown.status_code == 200, link
        assert "Adds up" in shown.text
        assert "Does not add up" not in shown.text
    assert "USD" in page
    assert "Exchange rates" in page
    assert " style=" not in page
    assert "<script>" not in page


def test_recognition_is_a_grid_of_months_and_streams_in_one_currency(visitor: Visitor) -> None:
    page = visitor.page("/recognition?to=2026-03")
    euros = text_of(visitor.page("/recognition?currency=eur&to=2026-03"))

    assert "SaaS &lt;b&gt;" in page
    told = text_of(page)
    assert "Month SaaS <b> Unmapped Revenue" in told
    assert "Jan 2026 $31.00 $17.00 $48.00" in told
    assert "Feb 2026 −$1.50 −$15.50 taken back $14.00 $12.50" in told
    assert "€12.00" in euros
    assert "$" not in euros


def test_each_report_has_a_title_of_its_own(visitor: Visitor) -> None:
    titles = [
        visitor.page(f"/recognition?report={report}").partition("<title>")[2].partition("</title>")[0]
        for report in ("recognition", "deferred", "waterfall")
    ]

    assert titles == [f"{name} · Recognition · revmap" for name in ("Recognized", "Deferred", "Waterfall")]


def test_deferred_revenue_names_streams_in_the_order_of_what_is_recognized(visitor: Visitor) -> None:
    added = StreamCreated("str_0", "Zebras"), StreamCreated("str_9", "Antelopes")
    outcome = {"shares": [{"bp": 5000, "stream_id": "str_0"}, {"bp": 5000, "stream_id": "str_9"}]}
    published = rules(2, ("invoice_line_item_id", "is", "il_1"), outcome=outcome)
    decide(visitor.reader.engine, visitor.reader.company_id, *added, published)
    visitor.reader.receive()

    recognized = text_of(visitor.page("/recognition?to=2026-02"))
    deferred = visitor.page("/recognition?report=deferred&to=2026-02")

    assert "Month Antelopes Zebras Unmapped Revenue" in recognized
    assert re.findall('<td><span class="stream">(.*?)</span>', deferred) == ["Antelopes", "Zebras", "Unmapped"] * 2


@pytest.mark.parametrize(
    ("report", "told"),
    [("recognition", "Jan 2026 $48.00 Feb 2026 $12.50"), ("deferred", "Jan 2026 $0.00 $121.00 $48.00")],
)
def test_a_report_has_its_months_in_total_by_a_link_that_keeps_what_is_shown(
    visitor: Visitor, report: str, told: str
) -> None:
    page = visitor.page(f"/recognition?report={report}&to=2026-02&currency=usd")
    link = links_to(page, "In total")[0]
    response = visitor.browser.get(link)

    assert link.partition("?")[2] == f"report={report}&to=2026-02&currency=usd&by=none"
    assert told in text_of(response.text)
    assert "Unmapped" not in text_of(response.text).partition("Month")[2]
    assert links_to(response.text, "By stream")[0].partition("?")[2] == f"report={report}&to=2026-02&currency=usd"
    figure, amount = re.findall('href="([^"]*explanation[^"]*)" data-explains[^>]*>([^<]*)<', response.text)[0]
    assert f"{amount} Adds up" in text_of(visitor.browser.get(unescape(figure)).text)


def links_to(page: str, words: str) -> list[str]:
    return [unescape(link) for link in re.findall(rf'<a class="btn[^>]*? href="([^"]*)"[^>]*>{words}</a>', page)]


def test_an_explanation_shows_the_arithmetic_and_leads_to_the_line(visitor: Visitor) -> None:
    page = visitor.page("/recognition/explanation?report=recognition&month=2026-02&currency=usd&stream_id=str_saas")

    assert "round(4500·59/90) − round(9000·31/90) = -150" in page
    assert "Credit note" in page
    assert "2 steps of invoice lines" in text_of(page)
    assert "/revenue-mapping/lines/il_1" in page
    part = visitor.browser.get(
        f"/companies/{visitor.reader.company_id}/recognition/explanation?report=deferred&month=2026-01&currency=usd&by=none",
        headers={"HX-Request": "true"},
    )
    assert part.text.lstrip().startswith("<header")
    visitor.page("/recognition/explanation?report=lies&month=2026-01&currency=usd", 422)
    visitor.page("/recognition/explanation?report=deferred&month=2026-01&currency=xxx", 422)


def test_a_line_shows_its_months_with_their_arithmetic(visitor: Visitor) -> None:
    told = text_of(visitor.page("/revenue-mapping/lines/il_1"))

    assert "Jan 2026 to Mar 2026" in told
    assert "Feb 2026 round(4500·59/90) − round(9000·31/90) = -150 −$1.50" in told
    assert "Does not add up" not in told
    with visitor.reader.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE revenue_part SET months[1] = months[1] + 1 WHERE invoice_id = 'in_1'")
    assert "Does not add up" in visitor.page("/revenue-mapping/lines/il_1")
    explained = "/recognition/explanation?report=recognition&month=2026-01&currency=usd&stream_id=str_saas"
    assert "Does not add up: the lines come to $31.01" in visitor.page(explained)


def test_what_cannot_be_shown_says_why_and_keeps_what_was_entered(visitor: Visitor) -> None:
    wrong = visitor.page("/recognition?from=2026-13", 422)
    backwards = visitor.page("/recognition?from=2026-02&to=2026-01", 422)

    assert "Not a month written YYYY-MM." in wrong
    assert 'value="2026-13"' in wrong
    assert "from is after to." in backwards
    assert "Nothing is recognized in these months" in visitor.page("/recognition?from=2030-01&to=2030-02")
    assert "There is no event with that number yet." in visitor.page("/recognition?as_of=999", 422)


def test_a_currency_without_revenue_is_told_so_even_if_there_is_no_such_currency(visitor: Visitor) -> None:
    for report in ("recognition", "deferred", "waterfall"):
        assert "Nothing is recognized in these months" in visitor.page(f"/recognition?report={report}&currency=xxx")


def test_as_of_the_end_of_a_day_and_files_are_of_what_is_shown(visitor: Visitor) -> None:
    page = visitor.page("/recognition?report=deferred&currency=usd&as_of_day=2020-01-01&to=2026-03")
    files = re.findall(r'href="([^"]*\.(?:csv|xlsx)[^"]*)"', visitor.page("/recognition?report=deferred&to=2026-03"))

    assert "Nothing is recognized in these months" in page
    assert [visitor.browser.get(unescape(file)).status_code for file in files] == [200, 200]
    assert "currency=usd" in files[0]


def test_a_report_of_the_past_stays_there_when_other_months_are_chosen(visitor: Visitor) -> None:
    day = visitor.page("/recognition?as_of_day=2030-01-01&to=2026-03")
    instant = visitor.page("/recognition?as_of=2030-01-01T12:00:00Z&to=2026-03")
    ahead = visitor.page("/recognition?as_of=999", 422)

    assert 'name="as_of_day" type="date" value="2030-01-01"' in day
    assert 'name="as_of"' not in day
    assert 'name="as_of_day" type="date" value=""' in instant
    assert '<input type="hidden" name="as_of" value="2030-01-01T12:00:00Z">' in instant
    assert 'name="as_of"' not in ahead


def test_without_revenue_the_page_teaches_how_it_comes_about(app: Flask, engine: Engine) -> None:
    company_id = company_with(engine, "acct_new")
    browser = signed_in(app, engine, company_id, "viewer")

    assert "No revenue yet" in browser.get(f"/companies/{company_id}/recognition").text
    assert "No credit notes" in browser.get(f"/companies/{company_id}/credit-notes").text


def test_credit_notes_show_what_they_take_what_is_unapplied_and_what_waits(visitor: Visitor) -> None:
    waiting = credit_note("cn_9", credit_note_line("cnli_9", 130, "il_9"), invoice="in_9", number="CN-WAITS")
    unread = credit_note("cn_8", currency="nonsense")
    visitor.reader.receive(event(waiting, "credit_note.created"), event(unread, "credit_note.created"))

    page = visitor.page("/credit-notes")
    told = text_of(page)

    assert "1 credit note update we couldn't read" in told
    assert "cn_8" in told
    assert "CN-WAITS" in told
    assert "Waits for its invoice" in told
    assert "1 line il_1 $45.00" in told
    assert "/revenue-mapping/lines/il_1" in page
    assert "No credit notes with this status" in visitor.page("/credit-notes?status=void")
    visitor.page("/credit-notes?status=lost", 422)
