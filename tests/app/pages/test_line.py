"""The page and the drawer of a line: its fields, its history, and who may see the events."""

import re

import pytest
from flask import Flask
from sqlalchemy import Engine

from tests.support.payloads import (
    ACCOUNT,
    CREATED,
    credit_note,
    credit_note_line,
    customer,
    event,
    new_invoice,
    new_line,
    price,
)
from tests.support.web.mapping_page import Visitor, attribute, text_of
from tests.support.web.people import Browser, signed_in


@pytest.fixture
def visitor(app: Flask, engine: Engine) -> Visitor:
    return Visitor.of_new_company(app, engine)


def test_a_line_is_a_page_of_its_own_and_a_part_of_the_tables_page(visitor: Visitor) -> None:
    visitor.reader.add_lines(new_line("il_1"))
    address = attribute(visitor.page(), 'class="line" href')

    page, part = visitor.follow(address), visitor.fragment("/lines/il_1").text

    assert "<html" in page
    assert "<h1" in page
    assert "<html" not in part
    assert "<h1" not in part
    for shown in (page, part):
        assert "3 × Team plan" in text_of(shown)
        assert "Net $300.00" in text_of(shown)
        assert "Period 1 Jan 2026 – 31 Mar 2026" in text_of(shown)


def test_a_line_names_the_credit_notes_that_take_from_it(visitor: Visitor) -> None:
    visitor.reader.add_lines(new_line("il_1"), new_line("il_2"))
    notes = (credit_note("cn_1", number="CN-01"), credit_note("cn_2", credit_note_line("cnli_1", 500), number=None))
    other = credit_note("cn_3", credit_note_line("cnli_1", 500, "il_2"), number="CN-03")
    visitor.reader.receive(*(event(note, "credit_note.created") for note in (*notes, other)))

    shown = text_of(visitor.fragment("/lines/il_1").text)

    assert "Net $300.00 Credited \N{MINUS SIGN}$15.00 cn_2 \N{MINUS SIGN}$5.00 CN-01 \N{MINUS SIGN}$10.00" in shown
    assert "CN-03" not in shown[: shown.index("History")]


def test_a_line_leads_to_its_invoice_in_the_accounts_dashboard(visitor: Visitor) -> None:
    visitor.reader.add_lines(new_line("il_live"), invoice_id="in_1")
    visitor.reader.receive(event(new_invoice("in_t", new_line("il_test")), livemode=False))

    assert f"https://dashboard.stripe.com/{ACCOUNT}/invoices/in_1" in visitor.page("/lines/il_live")
    assert f"https://dashboard.stripe.com/{ACCOUNT}/test/invoices/in_t" in visitor.page(
        "/lines/il_test", livemode="false"
    )


def test_event_that_could_not_be_read_is_explained_in_plain_words(visitor: Visitor) -> None:
    visitor.reader.receive(event(new_invoice("in_1")), event(new_invoice("in_1", new_line(amount="much"))))

    told = text_of(visitor.page("/lines/il_1"))

    assert "Stripe sent this invoice in a form we can't read: the amount of its line 1 is not a number." in told
    assert "Expected" not in told


def test_history_that_is_too_long_for_a_page_leads_to_the_older_events(visitor: Visitor) -> None:
    renamed = (event(customer(f"Zed {n}"), "customer.updated", created=CREATED + n) for n in range(1, 1002))
    visitor.reader.receive(event(new_invoice("in_1")), *renamed)

    newest = visitor.page("/lines/il_1")
    older = visitor.follow(attribute(newest, '<p><a class="btn" href'))

    assert "The newest events for this line, newest first." in text_of(newest)
    assert "Line added" not in newest
    assert "Line added" in older
    assert "Show older events" not in older


def test_the_history_tells_each_step_with_what_it_changed_and_why(visitor: Visitor) -> None:
    visitor.reader.receive(event(new_invoice("in_1", status="open"), "invoice.finalized"))
    visitor.reader.receive(event(new_invoice("in_1"), "invoice.paid"))
    visitor.reader.receive(event(new_invoice("in_1", status="open"), "invoice.updated"))
    visitor.reader.receive(event(price(), "price.created"))

    told = text_of(visitor.page("/lines/il_1"))
    history = told[told.index("History") :]

    assert history.index("price.created") < history.index("invoice.updated") < history.index("invoice.finalized")
    assert "Invoice status Open → Paid" in history
    assert "Cadence Unknown → Quarterly" in history
    assert "The status open was ignored: a status never goes back, and it is already paid." in history
    assert "from Stripe webhook. Occurred 1 Jan 2026, 00:00 UTC, recorded" in history
    assert re.search(r"No change 1 Jan 2026, 00:00 UTC .* invoice.updated", history)


def test_an_amount_in_the_history_is_written_as_money(visitor: Visitor) -> None:
    visitor.reader.receive(event(new_invoice("in_1", new_line("il_1", amount=100)), created=1_767_225_600))
    visitor.reader.receive(event(new_invoice("in_1", new_line("il_1", amount=200)), created=1_767_225_700))

    assert "Amount $1.00 → $2.00" in text_of(visitor.page("/lines/il_1"))


def test_a_line_as_of_a_moment_knows_nothing_of_later(visitor: Visitor) -> None:
    visitor.reader.receive(event(new_invoice("in_1", status="open"), "invoice.finalized"))
    position = visitor.reader.page()["position"]
    visitor.reader.receive(event(new_invoice("in_1", status="void"), "invoice.voided"))

    then = text_of(visitor.page("/lines/il_1", as_of=position))

    assert f"As of event {position}" in then
    assert "Void" not in then
    assert "invoice.voided" not in then
    assert visitor.get("/lines/il_1", as_of=position - 1).status_code == 404


def test_a_line_that_left_the_table_keeps_its_history(visitor: Visitor) -> None:
    visitor.reader.add_lines(new_line("il_1"))
    visitor.reader.receive(event({"id": "in_1", "object": "invoice"}, "invoice.deleted"))

    told = text_of(visitor.page("/lines/il_1"))

    assert "This line was removed" in told
    assert re.search(r"Line removed 1 Jan 2026, 00:00 UTC .* invoice.deleted", told)


def test_an_events_body_is_shown_to_editors_as_text(app: Flask, engine: Engine, visitor: Visitor) -> None:
    visitor.reader.add_lines(new_line("il_1", description="<script>alert(1)</script>"))
    editor = signed_in(app, engine, visitor.reader.company_id, "editor", email="ed@example.org")
    link = attribute(editor.get(visitor.path("/lines/il_1")).text, 'class="raw" hx-get')

    body = editor.get(link, headers={"HX-Request": "true"}).text

    assert body.startswith("<pre")
    assert "<script>" not in body
    assert "&#34;description&#34;: &#34;&lt;script&gt;alert(1)&lt;/script&gt;&#34;" in body
    assert "<html" in editor.get(link).text
    assert visitor.browser.get(link).status_code == 403
    assert not re.search(r'class="raw"', visitor.page("/lines/il_1"))


@pytest.mark.parametrize("query", [{"as_of": "yesterday"}, {"colour": "red"}])
def test_an_address_that_no_page_gives_is_refused(visitor: Visitor, query: dict[str, str]) -> None:
    assert visitor.get("/lines/il_1", **query).status_code == 422
    assert visitor.get("/rows", **query).status_code == 422


def test_who_is_sent_a_line_comes_to_it_after_signing_in(app: Flask, visitor: Visitor) -> None:
    wanted = visitor.path("/lines/il_1?as_of=3")
    stranger = Browser(app)

    led = stranger.get(wanted)

    assert f'name="next" value="{wanted}"' in stranger.get(led.headers["Location"]).text
