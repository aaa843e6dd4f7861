"""What could not be read: why in plain words, what to do about it, and the way back from the event."""

import re
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from app.pages.unreadable import reason_in_words
from events.connection.lifecycle import pause
from events.stripe.observations import Unreadable
from events.stripe.words import observations_of
from tests.support.clock import NOON
from tests.support.payloads import CREATED, credit_note, customer, event, new_invoice, new_line, price
from tests.support.signing import json_bytes
from tests.support.web.mapping_page import Visitor, attribute, text_of
from tests.support.web.people import signed_in

TECHNICAL = "Expected `int`, got `str` - at `$.data[0].amount`"


@pytest.fixture
def editor(app: Flask, engine: Engine) -> Visitor:
    visitor = Visitor.of_new_company(app, engine, "editor")
    visitor.reader.receive(event(new_invoice("in_1", new_line(amount="much"))))
    return visitor


def reason_of(event_type: str, entity: str | None, body: dict[str, object]) -> str:
    """Return the reason why an event cannot be read."""
    (unreadable,) = observations_of(event_type, entity, json_bytes(body))
    assert isinstance(unreadable, Unreadable)
    return unreadable.reason


def fetch_again(visitor: Visitor, position: int = 3) -> Any:
    return visitor.browser.send(visitor.path(f"/quarantine/{position}/fetch"))


def fetches(engine: Engine) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        found = connection.execute(text("SELECT kind, object_id, livemode, answered_at IS NULL FROM fetch_request"))
        return [tuple(row) for row in found]


def answer_fetches(engine: Engine, error: str | None = None) -> None:
    """Mark what is being fetched as answered at noon."""
    with engine.begin() as connection:
        answered = text("UPDATE fetch_request SET answered_at = :now, due_at = 'infinity', error = :error")
        connection.execute(answered, {"now": NOON, "error": error})


@pytest.mark.parametrize(
    ("subject", "told"),
    [
        (new_invoice("in_1", new_line(amount="x")), "the amount of its line 1 is not a number"),
        (new_invoice("in_1", new_line(), new_line("il_2", period=None)), "the period of its line 2 is missing"),
        (new_invoice("in_1", new_line(amount=2**63)), "the amount of its line 1 is out of range"),
        (new_invoice("in_1", new_line("x" * 256)), "the ID of its line 1 is empty or too long"),
        (new_invoice("in_1", new_line(quantity="many")), "the quantity of its line il_1 is not a number"),
        (new_invoice("in_1", new_line(), new_line()), "two of its lines have the same ID"),
        (new_invoice("in_1", status="frozen"), "we don't know the status “frozen”"),
        (new_invoice("in_1") | {"status": None}, "the status is missing"),
        ({"object": "invoice", "id": "in_1"}, "the status is missing"),
        (new_invoice("in_1") | {"lines": {"data": None}}, "the list of lines is missing"),
        (price(count=0), "the billing interval is out of range"),
        (customer() | {"name": 5}, "the name is not text"),
    ],
)
def test_reason_is_a_sentence_in_the_words_of_the_trade(subject: dict[str, object], told: str) -> None:
    kind = str(subject["object"])
    reason = reason_of(f"{kind}.updated", f"{kind}:x", event(subject, f"{kind}.updated"))

    assert reason_in_words(f"{kind}:x", reason) == f"Stripe sent this {kind} in a form we can't read: {told}."


def test_currency_without_checked_decimals_and_what_nobody_foresaw_have_their_sentences_too() -> None:
    currency = reason_of("invoice.paid", None, event(new_invoice("in_1", currency="zzz")))

    assert reason_in_words("invoice:in_1", currency) == "This invoice is in ZZZ, a currency we don't support yet."
    assert reason_in_words("credit_note:cn_1", currency).startswith("This credit note is in ZZZ")
    note = reason_of("credit_note.created", None, event(credit_note() | {"amount": "ten"}, "credit_note.created"))
    told = "The credit note takes nothing from revenue, because its amount is not what Stripe documents."
    assert reason_in_words("credit_note:cn_1", note) == told
    for reason in ("", "JSON is malformed", "Expected `object`, got `int` - at `$.data.object`"):
        assert reason_in_words(None, reason) == "Stripe sent this update in a form we can't read."


def test_technical_reason_and_the_way_to_fetch_again_are_for_editors_alone(
    app: Flask, engine: Engine, editor: Visitor
) -> None:
    company_id = editor.reader.company_id
    viewer = replace(editor, browser=signed_in(app, engine, company_id, "viewer", email="bo@example.org"))

    seen, told = text_of(viewer.page("/quarantine")), text_of(editor.page("/quarantine"))

    for page in (seen, told):
        assert "Stripe sent this invoice in a form we can't read: the amount of its line 1 is not a number." in page
    assert TECHNICAL not in seen
    assert "Fetch again" not in seen
    assert TECHNICAL in told
    assert "Fetch again from Stripe" in told


def test_fetching_again_asks_once_however_often_it_is_pressed_and_says_what_it_did(
    editor: Visitor, engine: Engine
) -> None:
    led = [fetch_again(editor) for _ in range(3)]

    assert {(one.status_code, one.headers["Location"]) for one in led} == {(303, editor.path("/quarantine"))}
    assert fetches(engine) == [("invoice", "in_1", True, True)]
    asked = text_of(editor.page("/quarantine"))
    assert "Fetching from Stripe." in asked
    assert "Fetch again" not in asked
    answer_fetches(engine)
    assert "Stripe still sends it like this." in text_of(editor.page("/quarantine"))
    assert fetch_again(editor).status_code == 303
    assert fetches(engine) == [("invoice", "in_1", True, True)]
    answer_fetches(engine, "404")
    assert "Stripe no longer has it." in text_of(editor.page("/quarantine"))
    editor.reader.receive(event(new_invoice("in_1"), created=CREATED + 9))
    assert "Resolved" in text_of(editor.page("/quarantine"))


def test_a_credit_note_that_is_read_again_as_it_was_before_is_resolved(editor: Visitor) -> None:
    stages = (credit_note(), credit_note() | {"amount": "ten"}, credit_note())
    resolved = []
    for later, note in enumerate(stages):
        editor.reader.receive(event(note, "credit_note.updated", created=CREATED + later))
        resolved.append(text_of(editor.page("/quarantine")).count("Resolved"))

    assert resolved == [0, 0, 1]


def test_what_cannot_be_fetched_is_refused(editor: Visitor, engine: Engine) -> None:
    for position in (1, 2, 4, 2**70):
        assert fetch_again(editor, position).status_code == 404
    with engine.begin() as connection:
        pause(connection, editor.reader.company_id, actor="tests", now=NOON)

    assert fetch_again(editor).status_code == 409
    assert fetches(engine) == []


def test_fetching_by_hand_has_a_limit(editor: Visitor) -> None:
    statuses = [fetch_again(editor).status_code for _ in range(61)]

    assert statuses == [303] * 60 + [429]


def test_event_page_leads_back_to_where_one_came_from(editor: Visitor) -> None:
    editor.reader.add_lines(new_line("il_9"), invoice_id="in_9")
    from_list = attribute(editor.page("/quarantine"), 'scope="row" class="figure"><a href')
    from_line = attribute(editor.page("/lines/il_9"), 'class="body"><a href')

    assert way_back(editor.follow(from_list)) == (
        editor.path("/quarantine"),
        "Invoices and credit notes we couldn't read",
    )
    assert way_back(editor.follow(from_line)) == (editor.path("/lines/il_9"), "Invoice line")
    assert way_back(editor.page("/events/2")) == (editor.path(), "Revenue Mapping")


def way_back(page: str) -> tuple[str, str]:
    """Return where the link at the head of a page leads, and its text."""
    found = re.search(r'<a class="back" href="([^"]*)">(.*?)</a>', page, re.DOTALL)
    assert found
    return found[1], text_of(found[2])
