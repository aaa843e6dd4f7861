"""Very long names and very large amounts: they stay where they belong, and are read whole."""

import pytest
from playwright.sync_api import Locator, Page, expect

from sandbox.stripe.records.specs import LineSpec
from tests.browser.deployment import Company, Deployment
from tests.browser.looks import SIZES, overflow
from tests.support.company import record_events
from tests.support.payloads import credit_note, event
from tests.support.web.webhooks import until

_NAME = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
_STREAM = "Everything that the subsidiaries and affiliates are billed for, whatever it is called"
_WIDEST_HEAD = 260


@pytest.fixture
def company(deployment: Deployment, page: Page) -> Company:
    """Return a company that has a stream and a line with such names."""
    company = deployment.company(is_connected=True)
    live = company.account.live
    customer = live.create_customer(f"{_NAME} und Co.")
    live.create_paid_invoice(customer.id, [LineSpec(amount=-9_999_999_900), LineSpec(amount=100_000_000_000_000)])
    company.enter(page.context)
    page.goto(f"/companies/{company.id}/streams")
    page.get_by_label("Name", exact=True).first.fill(_STREAM)
    page.get_by_role("button", name="Add stream").click()
    expect(page.get_by_role("heading", name=_STREAM)).to_be_visible()
    return company


def test_long_names_and_large_amounts_stay_in_their_places(page: Page, company: Company) -> None:
    table = f"/companies/{company.id}/revenue-mapping"
    amount = page.get_by_role("cell", name="−US$99,999,999.00")
    assert until(lambda: bool(page.goto(table)) and amount.count() == 1)
    assert is_whole(amount)
    larger = page.get_by_role("cell", name="US$1,000,000,000,000.00")
    larger.hover()
    assert larger.get_attribute("title") == "US$1,000,000,000,000.00"

    page.get_by_role("region", name="Revenue lines").get_by_role("rowheader").first.get_by_role("link").click()
    expect(page.get_by_role("dialog").get_by_role("definition").filter(has_text=_NAME).first).to_be_visible()
    assert is_whole(page.locator("#line"))
    page.get_by_text("Map by hand").click()
    page.get_by_role("dialog").get_by_label("Stream", exact=True).select_option(label=_STREAM)
    page.get_by_role("button", name="Map", exact=True).click()
    head = page.get_by_role("columnheader", name=_STREAM)
    assert until(lambda: bool(page.goto(f"/companies/{company.id}/recognition")) and head.count() == 1)
    box = head.bounding_box()
    assert box is not None
    assert box["width"] < _WIDEST_HEAD


def test_the_last_tab_of_the_settings_is_in_sight_and_its_page_as_wide_as_a_phone(page: Page, company: Company) -> None:
    page.set_viewport_size(SIZES["phone"])
    page.goto(f"/companies/{company.id}/audit")

    expect(page.get_by_text(_STREAM)).to_be_visible()
    expect(page.get_by_role("link", name="Audit log")).to_be_in_viewport(ratio=1)
    assert overflow(page) <= 0


def test_what_could_not_be_read_is_listed_no_wider_than_a_phone(page: Page, company: Company) -> None:
    unread = credit_note("cn_unread", currency="nonsense")
    record_events(company.deployment.engine, event(unread, "credit_note.created", account=company.account.id))
    page.set_viewport_size(SIZES["phone"])

    listed = page.get_by_role("cell", name="credit_note cn_unread")
    address = f"/companies/{company.id}/revenue-mapping/quarantine"
    assert until(lambda: bool(page.goto(address)) and listed.count() == 1)
    assert overflow(page) <= 0


def is_whole(part: Locator) -> bool:
    """Return whether nothing of a part of the page is cut off at its sides."""
    return bool(part.evaluate("(part) => part.scrollWidth <= part.clientWidth"))
