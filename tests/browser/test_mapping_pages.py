"""What is sold is mapped by keyboard, on pages that are accessible in every look."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.deployment import Company, Deployment
from tests.browser.looks import check_accessibility, check_looks, in_every_look

pytestmark = in_every_look


@pytest.fixture
def inside(deployment: Deployment, context: BrowserContext) -> Company:
    company = deployment.company(invoices=20)
    company.enter(context)
    return company


def test_a_group_is_mapped_by_keyboard_and_streams_are_for_everybody(page: Page, inside: Company) -> None:
    page.goto(f"/companies/{inside.id}/unmapped")
    expect(page.get_by_role("heading", level=1)).to_have_text("Unmapped")
    check_looks(page, "unmapped")

    page.locator("summary", has_text="New stream").first.press("Enter")
    name = page.get_by_label("Name of the new stream").first
    name.fill("Subscriptions")
    check_accessibility(page)
    name.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("is added to the draft: Subscriptions.")
    expect(page.get_by_text("In the draft").first).to_be_visible()
    check_looks(page, "unmapped-drafted")

    page.get_by_role("link", name="Streams", exact=True).click()
    page.locator("summary", has_text="Change").press("Enter")
    expect(page.get_by_label("Name of a new plan of Subscriptions")).to_be_visible()
    check_looks(page, "streams")

    page.goto(f"/companies/{inside.id}/settings/accounting-policy")
    expect(page.get_by_role("radio", name="Reduce revenue")).to_be_checked()
    check_looks(page, "accounting-policy")
