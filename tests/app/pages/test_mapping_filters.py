"""Filters, search and sorting on the table's page, and its totals and chart."""

import re
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import Engine, update

from backlog.syncs.requests import request_sync
from backlog.tables import sync_run
from events.connection.accounts import Account, authorize
from events.connection.lifecycle import disconnect
from tests.support.clock import NOON
from tests.support.payloads import ACCOUNT, event, new_invoice, new_line, price
from tests.support.web.lines import json_of, line_of
from tests.support.web.mapping_page import Visitor, attribute, ids_in, text_of


@pytest.fixture
def visitor(app: Flask, engine: Engine) -> Visitor:
    visitor = Visitor.of_new_company(app, engine)
    visitor.reader.receive(event(price(), "price.created"))
    return visitor


def figures_of(visitor: Visitor, /, **query: object) -> str:
    return visitor.follow(attribute(visitor.page(**query), 'id="figures".*? hx-get'))


def test_a_form_that_is_sent_leads_to_the_address_that_the_api_would_have(visitor: Visitor) -> None:
    visitor.reader.add_lines(line_of("il_1", 30_000), line_of("il_2", 50_000))

    led = visitor.get(customer_id="", currency="usd", amount_from="300", amount_to="499.99", last_day="2026-01-31")

    assert led.status_code == 303
    assert led.headers["Location"] == visitor.path("?currency=usd&date_to=2026-02-01&amount_min=30000&amount_max=49999")
    assert ids_in(visitor.follow(led.headers["Location"])) == ["il_1"]


def test_the_form_shows_again_what_was_entered(visitor: Visitor) -> None:
    visitor.reader.add_lines(line_of("il_1", 30_000))

    page = visitor.page(currency="usd", date_to="2026-02-01", amount_min=29_950)

    assert re.search(r'name="last_day" type="date"[^>]* value="2026-01-31"', page)
    assert re.search(r'name="amount_from"[^>]* value="299\.50"', page)


def test_amounts_are_entered_in_the_readers_locale_and_the_currencys_decimals(visitor: Visitor) -> None:
    entered = {
        ("en", "usd", "1,234.5"): 123_450,
        ("de", "usd", "1.234,50"): 123_450,
        ("en", "jpy", "-500"): -500,
        ("en", "kwd", "0.005"): 5,
    }

    for (language, currency, written), minor in entered.items():
        sent = {"currency": currency, "amount_from": written}
        led = visitor.browser.get(visitor.path(), query_string=sent, headers={"Accept-Language": language})

        assert led.headers["Location"].endswith(f"amount_min={minor}")


def test_a_company_with_one_currency_need_not_choose_it(visitor: Visitor) -> None:
    visitor.reader.add_lines(line_of("il_1"))

    assert "currency=usd&amount_min=100" in visitor.get(amount_from="1").headers["Location"]


MISTAKES: list[tuple[dict[str, str], str, str]] = [
    ({"amount_from": "1"}, "currency", "Choose a currency for the amounts."),
    ({"amount_from": "NaN", "currency": "usd"}, "amount_min", "Enter an amount like 1234.50."),
    ({"amount_to": "1e5", "currency": "usd"}, "amount_max", "Enter an amount like"),
    ({"amount_to": "1.005", "currency": "usd"}, "amount_max", "Use at most 2 decimal places for USD."),
    ({"date_from": "2026-02-30"}, "date_from", "Not a day written YYYY-MM-DD."),
    ({"last_day": "9999-12-31"}, "date_to", "That date is too far in the future."),
    ({"date_from": "2026-02-03", "date_to": "2026-02-01"}, "date_from", "The first day is after the last one."),
    ({"cadence": "weekly"}, "cadence", "Must be one of"),
    ({"moment": "soon"}, "moment", "Enter a date and time like 2026-11-21T14:00."),
    ({"as_of": "2036-01-01T00:00:00Z"}, "moment", "That time is in the future."),
    ({"as_of": "999999"}, "moment", "There is no event with that number yet."),
]


def test_a_mistake_is_told_at_its_field_and_nothing_that_was_entered_is_lost(visitor: Visitor) -> None:
    for sent, field, said in MISTAKES:
        answer = visitor.get(q="kept words", **sent)

        assert answer.status_code == 422, sent
        mistake = re.search(rf'id="{field}-mistake"[^>]*>([^<]*)<', answer.text)
        assert mistake, sent
        assert said in unescape(mistake[1])
        assert 'value="kept words"' in answer.text
        for value in set(sent.values()) - {"usd", "999999", "2036-01-01T00:00:00Z"}:
            assert f'value="{value}"' in answer.text, sent


def test_every_mistake_is_told_at_once_each_at_its_field(visitor: Visitor) -> None:
    """An amount that is none was only answered with: choose the currency."""
    answer = visitor.get(amount_from="abc", amount_to="12", date_from="soon", cadence="weekly")

    said = {name: unescape(text) for name, text in re.findall(r'id="(\w+)-mistake"[^>]*>([^<]*)<', answer.text)}
    assert answer.status_code == 422
    assert said["currency"] == "Choose a currency for the amounts."
    assert said["amount_min"].startswith("Enter an amount like")
    assert set(said) == {"currency", "amount_min", "date_from", "cadence"}
    for value in ("abc", "12", "soon", "weekly"):
        assert f'value="{value}"' in answer.text
    both = visitor.get(currency=["usd", "eur"], amount_from="1")
    assert "Choose one currency for the amounts." in both.text
    bounds = visitor.get(date_from="2026-02-03", date_to="2026-02-01", currency="us")
    assert {"date_from-mistake", "currency-mistake"} <= set(re.findall(r'id="([\w-]+-mistake)"', bounds.text))


def test_several_values_are_chips_of_their_own_and_stay_in_every_form(visitor: Visitor) -> None:
    visitor.reader.receive(
        *(event(new_invoice(f"in_{n}", line_of(f"il_{n}"), customer=f"cus_{n}", number=None)) for n in range(3))
    )
    query = {"customer_id": ["cus_0", "cus_2"], "invoice_status": ["open", "paid"]}

    page = visitor.page(**query)

    chips = page[page.index('<ul class="chips plain"') :]
    found = re.findall(r'<li><a href="([^"]*)"><span class="muted">([^<]*):</span> <span class="clip">([^<]*)<', chips)
    assert [chip[1:] for chip in found] == [
        ("Customer", "cus_0"),
        ("Customer", "cus_2"),
        ("Status", "Open"),
        ("Status", "Paid"),
    ]
    assert ids_in(page) == ["il_2", "il_0"]
    assert ids_in(visitor.follow(found[0][0])) == ["il_2"]
    assert page.count('type="hidden" name="customer_id"') % 2 == 0
    for value in ("cus_0", "cus_2"):
        assert re.search(rf'name="customer_id" value="{value}" maxlength', page)
    csv = visitor.follow(re.findall(r'href="(/v1/[^"]*csv[^"]*)"', page)[0])
    assert csv.count("\n") == 1 + 2


def test_a_mode_that_the_connection_does_not_cover_is_not_said_to_be_read(visitor: Visitor) -> None:
    """The page said that the account had been read to the end, and has no invoice."""
    visitor.reader.add_lines(line_of("il_live"))

    page = visitor.page(livemode="false")

    assert "This connection covers live data" in page
    assert "read test data from Stripe" in text_of(page)
    assert "fully read" not in page
    assert ids_in(visitor.follow(re.findall(r'href="([^"]*)">View live data', page)[0])) == ["il_live"]


def test_a_customer_without_a_name_shows_the_address(visitor: Visitor) -> None:
    unnamed = new_invoice("in_1", line_of("il_1"), customer_name=None, customer_email="Una@example.org")
    visitor.reader.receive(event(unnamed))

    assert "Una@example.org" in visitor.page(q="una@")
    assert "Una@example.org" in visitor.page("/lines/il_1")
    assert ids_in(visitor.page(sort="-customer_name")) == ["il_1"]


def test_the_fields_suggest_what_there_is(visitor: Visitor) -> None:
    visitor.reader.receive(event(new_invoice("in_1", line_of("il_1"), line_of("il_2"), customer_email="z@example.org")))

    found = visitor.page("/suggestions", field="customer", q="ze")

    assert 'role="option"' in found
    assert 'data-value="cus_1"' in found
    assert text_of(found).split() == ["Zed", "Inc", "z@example.org", "·", "cus_1", "·", "2", "lines"]
    assert 'data-value="price_q"' in visitor.page("/suggestions", field="price", q="")
    assert visitor.get("/suggestions", field="colour").status_code == 422


def test_a_suggestion_says_that_there_are_many_lines_and_the_api_says_how_many(visitor: Visitor) -> None:
    lines = [line_of(f"il_{number}") for number in range(1002)]
    visitor.reader.receive(event(new_invoice("in_1", *lines, customer_email=None)))

    found = visitor.page("/suggestions", field="customer", q="ze")

    assert text_of(found).split() == ["Zed", "Inc", "cus_1", "·", "1,000+", "lines"]
    (counted,) = json_of(visitor.reader.get("/revenue-lines/suggestions", field="customer"))["data"]
    assert counted["line_count"] == 1002


def test_what_stands_wrongly_in_an_address_is_named(visitor: Visitor) -> None:
    answer = visitor.browser.get(visitor.path("?colour=red&q=a&q=b"))

    assert answer.status_code == 422
    assert "colour in the URL: Unknown field." in text_of(answer.text)
    assert "Given more than once." in text_of(answer.text)


def test_every_condition_is_a_chip_that_takes_it_away_and_no_other(visitor: Visitor) -> None:
    visitor.reader.add_lines(line_of("il_1", 500))
    query = {"q": "Team", "customer_id": "cus_1", "currency": "usd", "amount_min": "100", "date_to": "2026-02-01"}

    page = visitor.page(**query)
    chips = page[page.index('<ul class="chips plain"') :]
    found = dict(re.findall(r'<li><a href="([^"]*)"><span class="muted">([^<]*):', chips))

    assert set(found.values()) == {"Search", "Customer", "Currency", "At least", "Through"}
    assert "Through: 31 Jan 2026" in text_of(chips)
    assert "At least: $1.00" in text_of(chips)
    away = {label: unescape(href) for href, label in found.items()}
    assert "q=" not in away["Search"]
    assert "customer_id=cus_1" in away["Search"]
    # An amount without its currency would mean something else.
    assert "amount_min" not in away["Currency"]
    assert all(ids_in(visitor.follow(href)) == ["il_1"] for href in found)


def test_an_id_in_a_row_filters_by_it_within_the_view(visitor: Visitor) -> None:
    visitor.reader.receive(event(new_invoice("in_1", new_line("il_1"), new_line("il_2", amount=5), customer="cus_a")))
    visitor.reader.receive(event(new_invoice("in_2", new_line("il_3"), customer="cus_b")))

    page = visitor.page(amount_min=100)
    link = re.search(r'href="([^"]*customer_id=cus_a)"', page)
    assert link

    assert ids_in(visitor.follow(link[1])) == ["il_1"]


def test_headings_sort_and_say_how_it_is_sorted(visitor: Visitor) -> None:
    visitor.reader.add_lines(line_of("il_1", 300, day=1), line_of("il_2", 100, day=2), line_of("il_3", 200, day=3))
    page = visitor.page()
    headings = dict(re.findall(r'aria-sort="(\w+)"><a href="([^"]*)"', page))

    assert ids_in(page) == ["il_3", "il_2", "il_1"]
    assert set(headings) == {"descending", "none"}
    assert ids_in(visitor.follow(headings["descending"])) == ["il_1", "il_2", "il_3"]
    assert ids_in(visitor.follow(headings["none"])) == ["il_1", "il_3", "il_2"]


def test_both_modes_are_offered_once_both_have_lines(visitor: Visitor) -> None:
    visitor.reader.add_lines(line_of("il_live"))
    assert 'name="livemode"' not in visitor.page()

    visitor.reader.receive(event(new_invoice("in_t", line_of("il_test")), livemode=False))

    assert 'name="livemode"' in visitor.page()
    assert ids_in(visitor.page(livemode="false")) == ["il_test"]


def test_an_empty_mode_leads_to_the_other_one(visitor: Visitor, engine: Engine) -> None:
    visitor.reader.add_lines(line_of("il_live"))
    company_id = visitor.reader.company_id
    with engine.begin() as connection:
        disconnect(connection, company_id, actor="tests", now=NOON)
        authorize(connection, company_id, Account(ACCOUNT, livemode=False), now=NOON, actor="tests")
        request_sync(connection, company_id, trigger="initial", actor="tests", now=NOON)
        connection.execute(update(sync_run).values(status="succeeded", phase="finished", finished_at=NOON))

    page = visitor.page()

    assert "No finalized invoices yet" in page
    assert ids_in(visitor.follow(re.findall(r'href="([^"]*)">View live mode', page)[0])) == ["il_live"]


def test_totals_are_of_the_whole_filter_by_currency(visitor: Visitor) -> None:
    visitor.reader.add_lines(*(line_of(f"il_{number:03}", 100, day=number % 20) for number in range(150)))
    visitor.reader.add_lines(line_of("il_e", 500, currency="eur"), invoice_id="in_2")

    figures = text_of(figures_of(visitor))

    assert "USD EUR Billed $150.00" in figures
    assert "151 lines, 150 in USD" in figures
    assert 'data-line-count="151"' in figures_of(visitor)


def test_the_chart_stacks_what_was_billed_by_month_and_cadence(visitor: Visitor) -> None:
    visitor.reader.receive(event(price("price_m", "month", 1), "price.created"))
    monthly = {"pricing": {"type": "price_details", "price_details": {"price": "price_m", "product": "prod_1"}}}
    visitor.reader.add_lines(line_of("il_1", 100), line_of("il_2", 200, day=70), line_of("il_3", 7, day=70, **monthly))

    figures = text_of(figures_of(visitor))

    assert "Month Monthly Quarterly Total" in figures
    assert "Jan 2026 $0.00 $1.00 $1.00 Feb 2026 $0.00 $0.00 $0.00 Mar 2026 $0.07 $2.00 $2.07" in figures


@pytest.mark.parametrize("more", [{}, {"q": "Team"}])
def test_void_is_no_billed_revenue_unless_it_is_asked_for(visitor: Visitor, more: dict[str, str]) -> None:
    visitor.reader.receive(event(new_invoice("in_1", line_of("il_1", 100), status="void"), "invoice.voided"))
    visitor.reader.add_lines(line_of("il_2", 900), invoice_id="in_2")

    assert "Jan 2026 $9.00 $9.00" in text_of(figures_of(visitor, **more))
    assert "Billed $9.00" in text_of(figures_of(visitor, **more))
    assert "Void and uncollectible, not in Billed $1.00" in text_of(figures_of(visitor, **more))
    assert "Jan 2026 $1.00 $1.00" in text_of(figures_of(visitor, invoice_status="void", **more))


@pytest.mark.parametrize("more", [{}, {"q": "Team"}])
def test_figures_stand_at_the_moment_of_their_page(visitor: Visitor, more: dict[str, str]) -> None:
    visitor.reader.add_lines(line_of("il_1", 100))
    page = visitor.page(**more)

    visitor.reader.add_lines(line_of("il_2", 900), invoice_id="in_2")

    assert "USD Billed $1.00" in text_of(visitor.follow(attribute(page, 'id="figures".*? hx-get')))


def test_the_chart_is_of_one_currency_which_can_be_chosen(visitor: Visitor) -> None:
    visitor.reader.add_lines(line_of("il_1", 100), line_of("il_2", 100), line_of("il_3", 500, currency="eur"))

    figures = figures_of(visitor)
    chosen = re.search(r'href="[^"]*" hx-get="([^"]*chart=eur[^"]*)"', figures)
    assert chosen

    assert attribute(figures, "data-currency") == "USD"
    assert "Jan 2026 €5.00 €5.00" in text_of(visitor.follow(chosen[1]))


def test_totals_can_be_asked_for_without_scripts_at_the_moment_of_their_page(visitor: Visitor) -> None:
    visitor.reader.add_lines(line_of("il_1", 100))
    page = visitor.page(q="Team")
    visitor.reader.add_lines(line_of("il_2", 900), invoice_id="in_2")

    alone = visitor.follow(attribute(page, "<noscript><a href"))

    assert "<h1>Totals and chart</h1>" in alone
    assert "USD Billed $1.00" in text_of(alone)
    assert attribute(alone, 'class="back" href').endswith("/revenue-mapping?q=Team")
