"""The browser fixtures: no error in a page goes unnoticed."""

import re
from hashlib import sha256

import pytest
from playwright.sync_api import Page, expect

from sandbox.stripe.records.specs import LineSpec
from tests.browser.deployment import Deployment
from tests.browser.looks import AXE, check_accessibility
from tests.browser.mishaps import Mishaps
from tests.support.web.webhooks import until

MISHAPS = (
    ("console.error('planted by a test')", "console: planted by a test"),
    ("setTimeout(() => { throw new Error('planted by a test') })", "script: planted by a test"),
    ("fetch('/nothing-is-here')", "status of 404"),
    ("fetch('/refused').catch(() => {})", "request: GET .*/refused: net::ERR_CONNECTION_REFUSED"),
    ("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')", "broke style-src-attr"),
)
BARRIERS = (
    ("<input>", "label"),
    ("<button></button>", "button-name"),
    ("<img src='/static/icon.svg'>", "image-alt"),
)


def test_whatever_goes_wrong_in_a_page_is_told(page: Page, mishaps: Mishaps) -> None:
    page.route("**/refused", lambda route: route.abort("connectionrefused"))
    page.goto("/sign-in")

    for script, told in MISHAPS:
        mishaps.told.clear()
        page.evaluate(f"() => {{ {script} }}")

        def is_told(told: str = told) -> bool:
            # Playwright delivers pending events with the answer to any call.
            page.evaluate("() => 0")
            return any(re.search(told, one) for one in mishaps.told)

        assert until(is_told), told
    mishaps.told.clear()


def test_what_was_expected_must_happen(mishaps: Mishaps) -> None:
    mishaps.expect("status of 404")

    assert mishaps.unforeseen() == ["expected, and did not happen: status of 404"]
    mishaps.expected.clear()


def test_what_is_not_for_everybody_is_named(page: Page) -> None:
    page.goto("/sign-in")
    for html, rule in BARRIERS:
        page.evaluate("(html) => document.querySelector('main').insertAdjacentHTML('beforeend', html)", html)

        with pytest.raises(AssertionError, match=rule):
            check_accessibility(page)

        page.evaluate("() => document.querySelector('main').lastElementChild.remove()")


def test_a_company_with_invoices_is_connected_and_in_its_table(page: Page, deployment: Deployment) -> None:
    company = deployment.company(role="viewer", invoices=30)
    company.enter(page.context)

    page.goto("/settings/integrations")
    lines = page.request.get(f"/v1/companies/{company.id}/revenue-lines").json()["data"]

    expect(page.get_by_text(company.account.id)).to_be_visible()
    assert len(lines) >= 30


def test_what_happens_at_stripe_reaches_the_table_by_webhook(page: Page, deployment: Deployment) -> None:
    company = deployment.company(is_connected=True)
    company.enter(page.context)
    customer = company.account.live.create_customer("Zed Samples")

    company.account.live.create_paid_invoice(customer.id, [LineSpec(amount=4200)])

    table = f"/v1/companies/{company.id}/revenue-lines"
    assert until(lambda: [line["amount"] for line in page.request.get(table).json()["data"]] == [4200])


def test_axe_is_the_one_that_was_published() -> None:
    checksums = (AXE.parent / "SHA256SUMS").read_text().splitlines()

    assert f"{sha256(AXE.read_bytes()).hexdigest()}  {AXE.name}" in checksums
