"""The sync history and the page of each sync: order, wording, exact amounts, and escaping."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from backlog.sync_vocabulary import OPTIONAL
from backlog.syncs.requests import cancel_sync
from events.stripe.credit_note import unreadable_credit_note
from tenants.people.users import remove_member
from tests.support.clock import NOON
from tests.support.company import company_with
from tests.support.syncs.run_states import (
    FAILED,
    PARTIALLY_SUCCEEDED,
    SUCCEEDED,
    finish_run,
    record_progress,
    request_run,
    start_run,
)
from tests.support.web.people import signed_in
from tests.support.web.settings_page import Reader, text_of
from workers.syncs.endings import Ending
from workers.syncs.leases import release


@pytest.fixture
def editor(app: Flask, engine: Engine) -> Reader:
    return Reader.of_new_company(app, engine, "editor")


def progress_of(editor: Reader, run_id: int) -> str:
    return editor.syncs(f"/{run_id}/progress")


def test_a_history_without_syncs_teaches_what_they_are(editor: Reader) -> None:
    told = text_of(editor.syncs())

    assert "No syncs yet A sync reads your whole Stripe account and checks" in told
    assert "The first one starts automatically in a moment." in told


def test_the_history_tells_newest_first_who_asked_how_long_it_took_and_what_it_came_to(
    editor: Reader, engine: Engine
) -> None:
    proven = start_run(engine, editor.company_id)
    finish_run(engine, proven, SUCCEEDED)
    editor.browser.send(editor.path("/syncs"))
    with engine.begin() as connection:
        newest = connection.execute(text("SELECT max(id) FROM sync_run")).scalar_one()

    page = editor.syncs()

    assert page.index(f'/syncs/{newest}"') < page.index(f'/syncs/{proven.run_id}"')
    assert "Initiated by ada@example.org Queued" in text_of(page)
    assert "7 invoices match Stripe; 2 repaired" in text_of(page)


def test_who_asked_is_named_also_when_they_have_left(editor: Reader, app: Flask, engine: Engine) -> None:
    editor.browser.send(editor.path("/syncs"))
    other = Reader(signed_in(app, engine, editor.company_id, email="bo@example.org"), editor.company_id)
    with engine.begin() as connection:
        user_id = connection.execute(text("SELECT id FROM user_account WHERE email LIKE 'ada%'")).scalar_one()
        remove_member(connection, editor.company_id, user_id, actor="tests", now=NOON)

    assert "Initiated by ada@example.org" in text_of(other.syncs())


def test_older_syncs_follow_by_a_cursor_each_once(editor: Reader, engine: Engine) -> None:
    ids = []
    for _ in range(27):
        ids.append(request_run(engine, editor.company_id))
        with engine.begin() as connection:
            cancel_sync(connection, editor.company_id, ids[-1], actor="tests", now=NOON)

    first = editor.syncs()
    older = first.partition('class="btn" href="')[2].partition('"')[0]
    second = editor.page(older)

    shown = [[one for one in reversed(ids) if f'/syncs/{one}"' in page] for page in (first, second)]
    assert [len(one) for one in shown] == [25, 2]
    assert shown[0] + shown[1] == list(reversed(ids))
    assert "Back to newest" in second
    assert "autofocus" not in second
    assert editor.browser.get(older, headers={"HX-Request": "true"}).text.count("autofocus") == 1


def test_a_cursor_of_another_company_leads_nowhere(editor: Reader, app: Flask, engine: Engine) -> None:
    other = app.extensions["revmap"].cursors.write_run(company_with(engine, "acct_other"), 1)

    assert editor.browser.get(editor.path(f"/syncs?cursor={other}")).status_code == 400


def test_differences_are_told_one_by_one_with_both_sides(editor: Reader, engine: Engine) -> None:
    lease = start_run(engine, editor.company_id)
    of = {"matched": 4, "repaired": 0, "books": []}
    sides = {"at_stripe": {"status": "paid", "lines": 3, "amount": 1200}, "in_table": None}
    differences = [
        {"kind": "missing", "invoice_id": "in_<i>1", "currency": "usd", **sides},
        {"kind": "lines_differ", "invoice_id": "in_2", "currency": "jpy", **sides},
        {"kind": "lines_differ", "invoice_id": "in_3", **sides},
        {"kind": "unreadable", "invoice_id": "in_4", "detail": "Expected `int`, got `str` - at `$.data[0].amount`"},
        {
            "kind": "unreadable",
            "resource": "credit_note",
            "object_id": "cn_1",
            "detail": unreadable_credit_note("Object missing required field `amount`"),
        },
    ]
    finish_run(engine, lease, Ending("partially_succeeded", reconciliation=of | {"differences": differences}))

    page = editor.syncs(f"/{lease.run_id}")

    assert "4 invoices match Stripe; 5 differences" in text_of(page).replace(" ;", ";")
    assert "Missing from the table paid, 3 lines, $12.00 –" in text_of(page)
    assert "paid, 3 lines, ¥1,200" in text_of(page)
    assert "Unreadable – – Stripe sent this invoice in a form we can't read: the amount of its line 1" in text_of(page)
    assert "paid, 3 lines, 1,200 minor units" in text_of(page)
    assert (
        "credit note cn_1 Unreadable – – The credit note takes nothing from revenue, because its amount is missing."
        in (text_of(page))
    )
    assert "<i>" not in page
    assert "revenue-mapping?invoice_id=in_%3Ci%3E1" in page


def test_what_the_connection_may_not_read_is_told_with_the_sync_and_on_the_card(editor: Reader, engine: Engine) -> None:
    lease = start_run(engine, editor.company_id)
    notice = {"kind": "permission_missing", "resource": "products", "detail": OPTIONAL["products"]}
    reconciliation = {"matched": 4, "repaired": 0, "differences": [], "notices": [notice], "books": []}
    finish_run(engine, lease, Ending("succeeded", reconciliation=reconciliation))

    for page in (editor.syncs(f"/{lease.run_id}"), editor.settings()):
        assert "so product names are missing" in text_of(page)


def test_what_changed_while_it_was_compared_is_told_with_the_sync_and_is_no_warning(
    editor: Reader, engine: Engine
) -> None:
    lease = start_run(engine, editor.company_id)
    detail = "Invoices that changed while they were compared: 2."
    notice = {"kind": "changed_meanwhile", "resource": "invoices", "objects": 2, "detail": detail}
    reconciliation = {"matched": 4, "repaired": 0, "differences": [], "notices": [notice], "books": []}
    finish_run(engine, lease, Ending("succeeded", reconciliation=reconciliation))

    assert detail in text_of(editor.syncs(f"/{lease.run_id}"))
    assert detail not in text_of(editor.settings())


def test_invoices_that_do_not_add_up_are_listed_with_both_sums(editor: Reader, engine: Engine) -> None:
    lease = start_run(engine, editor.company_id)
    sums = {"currency": "usd", "subtotal": 1500, "lines_subtotal": 1200, "detail": "as the API tells it"}
    notice = {"kind": "subtotal_differs", "invoice_id": "in_<i>5", **sums}
    reconciliation = {"matched": 4, "repaired": 0, "differences": [], "notices": [notice], "books": []}
    finish_run(engine, lease, Ending("succeeded", reconciliation=reconciliation))

    page = editor.syncs(f"/{lease.run_id}")

    assert "in_<i>5 $12.00 $15.00" in text_of(page)
    assert "<i>" not in page
    assert "as the API tells it" not in text_of(page)
    assert "The lines of 1 invoice don't add up to its own subtotal. Compare it" in text_of(editor.settings())


def test_the_books_stand_side_by_side_by_month(editor: Reader, engine: Engine) -> None:
    lease = start_run(engine, editor.company_id)
    finish_run(engine, lease, PARTIALLY_SUCCEEDED)

    told = text_of(editor.syncs(f"/{lease.run_id}"))

    assert "Feb 2026 paid USD 2 5 $7.00 2 4 $7.00 Differs" in told


def test_months_that_are_equal_are_folded_behind_their_number(editor: Reader, engine: Engine) -> None:
    lease = start_run(engine, editor.company_id)
    differs = PARTIALLY_SUCCEEDED.reconciliation["books"][0]  # type: ignore[index]
    equal = [differs | {"month": f"2025-{month:02}", "currency": "kwd", "is_equal": True} for month in range(1, 13)]
    reconciliation = {"matched": 24, "repaired": 0, "differences": [], "books": [differs, *equal]}
    finish_run(engine, lease, Ending("succeeded", reconciliation=reconciliation))

    page = editor.syncs(f"/{lease.run_id}")

    open_part, _, folded = page.partition(">12 equal rows</summary>")
    assert "Feb 2026 paid USD" in text_of(open_part)
    assert " 2025</td>" not in open_part
    assert text_of(folded).count("paid KWD") == 12


def test_an_error_is_told_as_what_happened_what_we_do_what_to_do_and_what_it_means_for_the_figures(
    editor: Reader, engine: Engine
) -> None:
    finish_run(engine, start_run(engine, editor.company_id), SUCCEEDED)
    lease = start_run(engine, editor.company_id)
    finish_run(engine, lease, FAILED)

    told = text_of(editor.syncs(f"/{lease.run_id}"))

    assert "Stripe didn't respond as expected." in told
    assert "What we're doing We'll retry soon" in told
    assert "The next sync starts in a moment, at 1 Mar 2026, 12:01 UTC" in told
    assert "What you can do Nothing is lost." in told
    assert "Your data Never verified as complete." in told
    assert "Details 503 from /v1/invoices" in told


def test_waiting_for_stripe_is_said_as_such_and_until_when(editor: Reader, engine: Engine) -> None:
    lease = start_run(engine, editor.company_id)
    release(engine, lease, for_seconds=30, waits_for="stripe")
    with engine.begin() as connection:
        due = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
        connection.execute(text("UPDATE sync_run SET due_at = :due, rate_limited = 2"), {"due": due})

    told = text_of(progress_of(editor, lease.run_id))

    assert told.startswith("Waiting for Stripe until 1 Mar 2026, 12:30 UTC . We've reached its rate limit.")
    assert "This isn't an error." in told


def test_the_part_that_tells_progress_says_when_it_is_over(editor: Reader, engine: Engine) -> None:
    lease = start_run(engine, editor.company_id)
    record_progress(engine, lease, 10, back_to_unix_seconds=1_735_689_600)
    during = editor.browser.get(editor.path(f"/syncs/{lease.run_id}/progress"))
    finish_run(engine, lease)
    after = editor.browser.get(editor.path(f"/syncs/{lease.run_id}/progress"))

    assert "HX-Trigger" not in during.headers
    assert "<html" not in during.text
    assert after.headers["HX-Trigger"] == "finished"
    assert "Succeeded" in text_of(after.text)


def test_a_sync_is_canceled_on_its_page_and_a_viewer_is_not_offered_to(
    editor: Reader, app: Flask, engine: Engine
) -> None:
    lease = start_run(engine, editor.company_id)
    viewer = Reader(signed_in(app, engine, editor.company_id, "viewer", email="bo@x.org"), editor.company_id)
    cancel = f"/syncs/{lease.run_id}/cancel"

    assert cancel in editor.offers(editor.syncs(f"/{lease.run_id}"))
    assert viewer.offers(viewer.syncs(f"/{lease.run_id}")) == set()
    assert viewer.browser.send(viewer.path(cancel)).status_code == 403

    led = editor.browser.send(editor.path(cancel))

    assert led.headers["Location"] == editor.path(f"/syncs/{lease.run_id}")
    page = editor.page(led.headers["Location"])
    assert "Canceling before the next page" in text_of(page)
    assert cancel not in editor.offers(page)


def test_a_sync_of_another_company_is_no_page(editor: Reader, engine: Engine) -> None:
    foreign = request_run(engine, company_with(engine, "acct_other"))

    for below in (f"/{foreign}", f"/{foreign}/progress", "/99999999999999999999"):
        assert editor.browser.get(editor.path(f"/syncs{below}")).status_code == 404
