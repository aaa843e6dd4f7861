"""Credit notes over HTTP: what each takes from which lines, as of any moment, page by page."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.support.payloads import CREATED, credit_note, credit_note_line, event, new_invoice
from tests.support.web.lines import Reader, json_of, line_of

DAY = 86_400


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    return Reader.of_new_company(client, engine)


def notes_of(reader: Reader, **query: Any) -> list[dict]:
    response = reader.get("/credit-notes", **query)
    assert response.status_code == 200, response.text
    found: list[dict] = json_of(response)["data"]
    return found


def credited_of(reader: Reader, **query: Any) -> dict[str, int]:
    return {line["invoice_line_item_id"]: line["credited_amount"] for line in reader.page(**query)["data"]}


def test_a_credit_note_is_shown_with_what_it_takes_from_each_line(reader: Reader) -> None:
    reader.receive(event(new_invoice("in_1", line_of("il_1", 6000), line_of("il_2", 3000), line_of("il_3", -1000))))
    discounted = {"discount_amounts": [{"amount": 100}], "discount_amount": 100}
    taxed = {"taxes": [{"amount": 50, "tax_behavior": "inclusive"}, {"amount": 70, "tax_behavior": "exclusive"}]}
    lines = (credit_note_line("cnli_1", 650, "il_1", **discounted, **taxed), credit_note_line("cnli_2", 2000, None))
    reader.receive(event(credit_note("cn_1", *lines, amount=2620, effective_at=CREATED + DAY), "credit_note.created"))

    (shown,) = notes_of(reader)

    assert shown.pop("updated_at").endswith("Z")
    assert shown == {
        "object": "credit_note",
        "credit_note_id": "cn_1",
        "number": "F00D-0001-CN-01",
        "invoice_id": "in_1",
        "status": "issued",
        "effective_on": "2026-01-02",
        "voided_on": None,
        "currency": "usd",
        "currency_exponent": 2,
        "amount": 2620,
        "net_amount": 2500,
        "lines": [
            {"invoice_line_item_id": "il_1", "amount": 2000},
            {"invoice_line_item_id": "il_2", "amount": 750},
            {"invoice_line_item_id": "il_3", "amount": -250},
        ],
        "unapplied_amount": 0,
        "is_complete": True,
        "invoice_known": True,
        "livemode": True,
        "position": 3,
    }
    assert credited_of(reader) == {"il_1": 2000, "il_2": 750, "il_3": -250}
    assert reader.page()["position"] == json_of(reader.get("/credit-notes"))["position"] == 3


def test_a_credit_note_waits_for_its_invoice_and_comes_back_when_it_is_voided(reader: Reader) -> None:
    note = credit_note("cn_1", credit_note_line("cnli_1", 130, "il_1"))
    reader.receive(event(note, "credit_note.created"))
    reader.receive(event(new_invoice("in_1", line_of("il_1", 100))))
    void = note | {"status": "void", "voided_at": CREATED + 3 * DAY}
    reader.receive(event(void, "credit_note.voided", created=CREATED + 3 * DAY))

    waiting, applied, voided = (notes_of(reader, as_of=position)[0] for position in (2, 3, 4))

    assert [(one["invoice_known"], one["status"], one["voided_on"]) for one in (waiting, applied, voided)] == [
        (False, "issued", None),
        (True, "issued", None),
        (True, "void", "2026-01-04"),
    ]
    assert [(one["lines"], one["unapplied_amount"]) for one in (waiting, applied, voided)] == [
        ([], 130),
        ([{"invoice_line_item_id": "il_1", "amount": 100}], 30),
        ([], 0),
    ]
    assert [one["position"] for one in (waiting, applied, voided)] == [2, 3, 4]
    assert [credited_of(reader, as_of=position) for position in (2, 3, 4)] == [{}, {"il_1": 100}, {"il_1": 0}]
    steps = json_of(reader.get("/revenue-lines/il_1/history"))["data"]
    assert [(step["event"]["type"], step["outcome"]) for step in steps] == [
        ("credit_note.created", "ignored"),
        ("invoice.paid", "added"),
        ("credit_note.voided", "modified"),
    ]
    assert (steps[2]["before"], steps[2]["after"]) == ({"credited_amount": 100}, {"credited_amount": 0})
    assert steps[2]["reasons"] == ["Credit note cn_1 changed what is credited on the line from 100 to 0."]


def test_credit_notes_are_paged_by_day_and_filtered_and_tagged(reader: Reader) -> None:
    reader.receive(event(new_invoice("in_1", line_of("il_1", 900))))
    for number in range(5):
        note = credit_note(f"cn_{number}", credit_note_line("cnli_1", 10), effective_at=CREATED + number // 2 * DAY)
        status = {"status": "void"} if number == 3 else {}
        reader.receive(event(note | status, "credit_note.created"))
    reader.receive(event(credit_note("cn_other", invoice="in_2"), "credit_note.created"))
    reader.receive(event(credit_note("cn_test"), "credit_note.created", livemode=False))

    first = json_of(reader.get("/credit-notes", limit=4))
    second = json_of(reader.get("/credit-notes", limit=4, cursor=first["next_cursor"]))
    tag = reader.get("/credit-notes").headers["ETag"]

    assert [one["credit_note_id"] for one in first["data"]] == ["cn_4", "cn_3", "cn_2", "cn_other"]
    assert [one["credit_note_id"] for one in second["data"]] == ["cn_1", "cn_0"]
    assert (first["has_more"], second["has_more"], second["next_cursor"]) == (True, False, None)
    assert [one["credit_note_id"] for one in notes_of(reader, invoice_id="in_2")] == ["cn_other"]
    assert [one["credit_note_id"] for one in notes_of(reader, status="void")] == ["cn_3"]
    assert [one["credit_note_id"] for one in notes_of(reader, livemode="false")] == ["cn_test"]
    assert reader.get("/credit-notes", headers={"If-None-Match": tag}).status_code == 304
    for wrong in ({"cursor": "x"}, {"cursor": first["next_cursor"], "status": "void"}, {"status": "open"}, {"q": "x"}):
        assert reader.get("/credit-notes", **wrong).status_code in (400, 422), wrong


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"amount": "ten"}, "its amount is not what Stripe documents"),
        ({"invoice": None}, "its invoice is not what Stripe documents"),
        ({"status": "draft"}, "its status 'draft' is neither issued nor void"),
        ({"lines": {"data": [{"id": "cnli_1"}]}}, "the amount of one of its lines is missing"),
    ],
)
def test_an_unreadable_credit_note_is_quarantined_in_plain_words_until_it_is_read(
    fields: dict[str, object], reason: str, reader: Reader
) -> None:
    reader.receive(event(new_invoice("in_1", line_of("il_1", 900))))
    reader.receive(event(credit_note("cn_1") | fields, "credit_note.created"))
    before = json_of(reader.get("/quarantine"))["data"]
    reader.receive(event(credit_note("cn_1"), "credit_note.updated", created=CREATED + 1))
    after = json_of(reader.get("/quarantine"))["data"]

    assert [(one["entity"], one["reason"], one["is_resolved"]) for one in before] == [
        ("credit_note:cn_1", f"The credit note takes nothing from revenue, because {reason}", False)
    ]
    assert [one["is_resolved"] for one in after] == [True]
    assert credited_of(reader) == {"il_1": 900}
