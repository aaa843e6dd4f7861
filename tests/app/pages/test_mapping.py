"""The page of the table: its columns, its rows and their badges, and what it says about the table itself."""

import csv
import io
import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import Engine

from tenants.companies import add_company
from tests.support.clock import SetClock
from tests.support.payloads import event, new_invoice, new_line, price, product
from tests.support.web.lines import line_of
from tests.support.web.mapping_page import Visitor, attribute, headings_in, ids_in, row_of, text_of
from tests.support.web.people import signed_in

SEVEN = [
    *("Invoice line item ID", "Subscription ID", "Customer name", "Customer ID", "Description", "Date", "Amount"),
]


@pytest.fixture
def visitor(app: Flask, engine: Engine) -> Visitor:
    return Visitor.of_new_company(app, engine)


def test_the_table_has_the_seven_columns_in_their_order(visitor: Visitor) -> None:
    visitor.reader.add_lines(new_line("il_1", amount=1_234_500))

    page = visitor.page()

    assert headings_in(page) == SEVEN
    row = text_of(row_of(page, "il_1"))
    assert row.endswith("il_1 sub_1 Zed Inc cus_1 Paid Cadence unknown 3 × Team plan 1 Jan 2026 $12,345.00")


def test_columns_that_are_chosen_are_shown_in_the_tables_order_and_said_in_the_address(visitor: Visitor) -> None:
    visitor.reader.receive(event(price(), "price.created"))
    visitor.reader.add_lines(new_line("il_1"))

    led = visitor.get(column=["", "invoice_status", "amount", "cadence", "invoice_line_item_id"])
    page = visitor.follow(led.headers["Location"])

    assert led.status_code == 303
    assert led.headers["Location"].endswith("?columns=invoice_line_item_id%2Camount%2Ccadence%2Cinvoice_status")
    assert headings_in(page) == ["Invoice line item ID", "Amount", "Cadence", "Invoice status"]
    assert text_of(row_of(page, "il_1")).endswith("il_1 $300.00 Quarterly Paid")


def test_product_and_price_are_shown_by_name_and_by_id_while_they_have_none(visitor: Visitor) -> None:
    names = "invoice_line_item_id,product_id,price_id"
    visitor.reader.add_lines(new_line("il_1"))
    by_id = visitor.page(columns=names)
    visitor.reader.receive(event(price() | {"nickname": "Per quarter"}, "price.created"))
    visitor.reader.receive(event(product("Team <plan>"), "product.created"))

    page = visitor.page(columns=names)

    assert headings_in(page) == ["Invoice line item ID", "Product", "Price"]
    assert text_of(row_of(by_id, "il_1")).endswith("il_1 prod_1 price_q")
    assert "Team &lt;plan&gt;</span>" in row_of(page, "il_1")
    assert 'title="Per quarter (price_q)"' in row_of(page, "il_1")
    assert "columns=invoice_line_item_id%2Cproduct_name%2Cproduct_id%2Cprice_name%2Cprice_id" in page


def test_every_column_can_be_shown(visitor: Visitor) -> None:
    visitor.reader.add_lines(new_line("il_1"))
    names = re.findall(r'name="column" value="(\w+)"', visitor.page())

    page = visitor.page(columns=",".join(names))

    assert len(headings_in(page)) == len(names) == 25


@pytest.mark.parametrize(("language", "written"), [("en", "¥30,000"), ("de", "30.000\xa0¥")])
def test_amounts_are_written_with_the_currencys_decimals_in_the_readers_locale(
    visitor: Visitor, language: str, written: str
) -> None:
    visitor.reader.add_lines(new_line("il_1", currency="jpy"))

    page = visitor.browser.get(visitor.path(), headers={"Accept-Language": language}).text

    assert written in row_of(page, "il_1")


def test_amounts_have_a_true_minus_and_a_space_after_a_currency_of_letters(visitor: Visitor) -> None:
    visitor.reader.add_lines(new_line("il_1", currency="kwd", amount=97_020), new_line("il_2", amount=-2_000))

    page = visitor.page()

    assert "KWD\xa097.020" in row_of(page, "il_1")
    assert "\N{MINUS SIGN}$20.00" in row_of(page, "il_2")


def test_stripes_texts_are_shown_and_never_run(visitor: Visitor) -> None:
    evil = "<img src=x onerror=alert(1)>"
    invoice = new_invoice("in_1", new_line('il_"><b>', description=evil), customer_name=evil, number=evil)
    visitor.reader.receive(event(invoice))

    page = visitor.page(columns="invoice_line_item_id,customer_name,description,invoice_number")
    line = visitor.follow(attribute(page, 'class="line" href'))

    for shown in (page, line):
        assert "<img" not in shown
        assert "<b>" not in shown
        assert "&lt;img src=x onerror=alert(1)&gt;" in shown


def test_what_will_not_be_paid_is_quiet_and_says_so(visitor: Visitor) -> None:
    visitor.reader.receive(
        event(new_invoice("in_1", new_line("il_void"), status="void"), "invoice.voided"),
        event(new_invoice("in_2", new_line("il_lost"), status="uncollectible"), "invoice.marked_uncollectible"),
    )
    page = visitor.page()

    for line_id, said in (("il_void", "Void"), ("il_lost", "Uncollectible")):
        assert 'class="quiet"' in row_of(page, line_id)
        assert said in text_of(row_of(page, line_id))


def test_a_line_of_an_invoice_that_is_not_whole_says_so(visitor: Visitor) -> None:
    invoice = new_invoice("in_1", new_line("il_1"))
    invoice["lines"] = {"object": "list", "data": [new_line("il_1")], "has_more": True}
    visitor.reader.receive(event(invoice))

    assert "Incomplete" in text_of(row_of(visitor.page(), "il_1"))


def test_facts_that_could_not_be_read_are_told_and_listed_with_reasons(visitor: Visitor) -> None:
    visitor.reader.receive(event(new_invoice("in_1", status="pondering")), event(new_invoice("in_2", currency="zzz")))

    page = visitor.page()

    assert "2 updates from Stripe couldn't be read and are missing from the table." in text_of(page)
    listed = text_of(visitor.page("/quarantine"))
    assert "invoice in_1" in listed
    assert "pondering" in listed
    assert "Resolved" not in listed
    visitor.reader.add_lines(new_line("il_1"), invoice_id="in_1")
    assert "1 update from Stripe couldn't be read and is missing" in text_of(visitor.page())
    assert "Resolved" in text_of(visitor.page("/quarantine"))


def test_walking_by_the_pages_own_links_gives_every_line_once_as_they_stood_at_first(visitor: Visitor) -> None:
    visitor.reader.add_lines(*(line_of(f"il_{number:03}", day=number) for number in range(230)))

    page = visitor.page()
    visitor.reader.add_lines(line_of("il_new", day=-100), line_of("il_newer", day=500), invoice_id="in_2")
    walked, numbers = ids_in(page), []
    following = attribute(page, "data-following")
    while following:
        part = visitor.follow(following)
        walked += ids_in(part)
        numbers.append(attribute(part, 'tr role="row" aria-rowindex'))
        following = attribute(part, "data-following")

    assert walked == [f"il_{number:03}" for number in reversed(range(230))]
    assert numbers == ["102", "202"]


def test_a_part_of_the_table_is_the_same_when_it_is_fetched_again(visitor: Visitor) -> None:
    visitor.reader.add_lines(*(line_of(f"il_{number:03}", day=number) for number in range(130)))
    second = visitor.follow(attribute(visitor.page(), "data-following"))

    visitor.reader.add_lines(line_of("il_new", day=3), invoice_id="in_2")

    assert visitor.follow(attribute(second, "data-here")) == second


def test_the_next_lines_can_be_had_without_a_script(visitor: Visitor) -> None:
    visitor.reader.add_lines(*(line_of(f"il_{number:03}", day=number) for number in range(130)))
    link = re.search(r'<a href="([^"]+)"[^>]*>Show more</a>', visitor.page())
    assert link

    assert ids_in(visitor.follow(link[1])) == [f"il_{number:03}" for number in reversed(range(30))]


def test_the_csv_has_exactly_what_is_shown(visitor: Visitor) -> None:
    visitor.reader.add_lines(line_of("il_1", 100, day=1), line_of("il_2", 900, day=2, description="=1+1"))
    visitor.reader.add_lines(line_of("il_3", 500, currency="eur"), invoice_id="in_2")
    page = visitor.page(currency="usd", sort="amount", columns="invoice_line_item_id,description,amount")
    export = re.search(r'href="([^"]+revenue-lines.csv[^"]+)"', page)
    assert export
    visitor.reader.add_lines(line_of("il_4"), invoice_id="in_3")

    rows = list(csv.reader(io.StringIO(visitor.follow(export[1]))))

    assert rows[0] == ["invoice_line_item_id", "description", "amount", "currency"]
    assert [row[:3] for row in rows[1:]] == [["il_1", "3 × Team plan", "1.00"], ["il_2", "'=1+1", "9.00"]]
    assert export[1].replace(".csv", ".xlsx") in page


def test_the_table_as_of_a_moment_is_a_page_too_and_says_so(visitor: Visitor) -> None:
    visitor.reader.receive(event(new_invoice("in_1", new_line("il_1"), status="open"), "invoice.finalized"))
    position = visitor.reader.page()["position"]
    visitor.reader.receive(event(new_invoice("in_1", new_line("il_1"), status="void"), "invoice.voided"))
    visitor.reader.add_lines(new_line("il_2"), invoice_id="in_2")

    then = visitor.page(as_of=position)

    assert ids_in(then) == ["il_1"]
    assert "Void" not in row_of(then, "il_1")
    assert re.search(rf"As of \d+ \w+ \d+, \d+:\d+ UTC \(event {position}\)\.", text_of(then))
    assert "Back to now" in text_of(then)
    assert ids_in(visitor.page()) == ["il_2", "il_1"]


def test_a_moment_that_is_chosen_stands_in_the_address_as_the_api_has_it(visitor: Visitor) -> None:
    visitor.reader.add_lines(new_line("il_1"))

    led = visitor.get(moment="2026-02-03T04:05", customer_id="")

    assert led.status_code == 303
    assert led.headers["Location"].endswith("?as_of=2026-02-03T04%3A05%3A00Z")


def test_freshness_tells_the_last_change_and_whether_there_was_one_since(visitor: Visitor) -> None:
    visitor.reader.add_lines(new_line("il_1"))
    page = visitor.page()
    ask = attribute(page, 'id="freshness".*? hx-get')

    assert "last change" in text_of(page)
    assert "The table has changed" not in page + visitor.follow(ask)
    visitor.reader.add_lines(new_line("il_2"), invoice_id="in_2")
    assert "The table has changed" in visitor.follow(ask)


def test_a_projection_that_is_behind_or_halted_says_so(visitor: Visitor, engine: Engine) -> None:
    visitor.reader.add_lines(new_line("il_1"))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE projection_state SET position = position - 1")
    assert "1 event left to process" in text_of(visitor.page())
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE projection_state SET status = 'halted'")
    assert "the table has stopped" in text_of(visitor.page())


def test_a_table_whose_past_is_being_made_says_when_to_look_again(visitor: Visitor, engine: Engine) -> None:
    visitor.reader.add_lines(new_line("il_1"))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE projection_state SET version = 1")

    answer = visitor.get(as_of=1)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Try again in 5 seconds" in text_of(answer.text)
    assert ids_in(visitor.page()) == ["il_1"]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SELECT 1", "Your invoices are on their way"),
        ("UPDATE stripe_connection SET status = 'disconnected'", "Stripe is disconnected"),
        ("UPDATE stripe_connection SET status = 'reauthorization_required'", "Stripe access ended"),
    ],
)
def test_an_empty_table_says_why_and_what_to_do(visitor: Visitor, engine: Engine, statement: str, said: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)

    assert said in text_of(visitor.page())


def test_a_company_without_stripe_is_led_to_connect_it(app: Flask, engine: Engine) -> None:
    with engine.begin() as connection:
        company_id = add_company(connection, "New Ltd").id
    browser = signed_in(app, engine, company_id)

    page = browser.get(f"/companies/{company_id}/revenue-mapping").text

    assert "Connect Stripe to fill the table" in page
    assert f'href="/settings/integrations?company={company_id}"' in page


def test_a_filter_that_nothing_matches_can_be_cleared(visitor: Visitor) -> None:
    visitor.reader.add_lines(new_line("il_1"))

    page = visitor.page(q="nobody", sort="amount")

    assert "No matching lines" in page
    clear = re.search(r'href="([^"]*)">Clear all filters', page)
    assert clear
    assert ids_in(visitor.follow(clear[1])) == ["il_1"]


def test_quick_moments_are_the_ends_of_yesterday_and_of_last_month(visitor: Visitor, clock: SetClock) -> None:
    clock.advance(timedelta(hours=11))

    page = visitor.page()

    assert "as_of=2026-03-01T00%3A00%3A00Z" in page
    assert "End of yesterday" in page
    assert "End of last month" in page
