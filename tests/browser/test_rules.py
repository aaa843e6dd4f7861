"""Rules are written, reordered, previewed and published in a browser; lines are selected and mapped by hand."""

import re

from playwright.sync_api import Page, expect

from mapping.recorded import Desk
from mapping.streams import create_stream
from runtime.clock import utc_now
from tests.browser.deployment import Company, Deployment
from tests.browser.looks import check_looks, in_every_look

pytestmark = in_every_look


def with_stream(company: Company, name: str) -> None:
    with company.deployment.engine.begin() as connection:
        create_stream(Desk(connection, company.id, "tests", utc_now()), name, None, None)


def add_rule(page: Page, name: str, cadence: str) -> None:
    page.get_by_role("link", name="New rule").first.click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Field").select_option(label="Cadence")
    page.get_by_role("combobox", name="Value").select_option(label=cadence)
    page.get_by_label("Stream").select_option(label="SaaS")
    page.get_by_role("button", name="Save to draft").click()
    expect(page.get_by_role("status")).to_contain_text("Added to the draft.")


def test_rules_are_reordered_by_pointer_and_keys(page: Page, company: Company) -> None:
    with_stream(company, "SaaS")
    company.enter(page.context)
    page.goto(f"/companies/{company.id}/rules")
    check_looks(page, "rules-empty")
    add_rule(page, "Monthly", "Monthly")
    add_rule(page, "Yearly", "Annual")
    names = page.locator("#rules .name a")

    page.locator("#rules .grip").nth(1).drag_to(
        page.locator("#rules .rule[data-rule]").first, target_position={"x": 60, "y": 4}
    )
    expect(page.get_by_role("status")).to_contain_text("The new order is saved to the draft.")
    expect(names).to_have_text(["Yearly", "Monthly"])
    page.get_by_role("button", name="Move down Yearly").press("Enter")
    expect(names).to_have_text(["Monthly", "Yearly"])
    page.get_by_role("button", name="Move up Yearly").press("Enter")
    expect(names).to_have_text(["Yearly", "Monthly"])
    check_looks(page, "rules")


def test_a_rule_is_previewed_and_published(page: Page, deployment: Deployment) -> None:
    company = deployment.company(invoices=12)
    with_stream(company, "SaaS")
    company.enter(page.context)
    page.goto(f"/companies/{company.id}/rules")
    add_rule(page, "Monthly", "Monthly")
    page.get_by_role("link", name="Monthly", exact=True).click()
    page.get_by_role("button", name="Split").click()
    check_looks(page, "rule-editor")
    page.get_by_role("link", name="Cancel").click()

    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Lines that change", exact=True)).to_be_visible()
    check_looks(page, "rule-preview")
    page.get_by_label("What changed and why").fill("First rules")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Published as version 1")).to_be_visible()
    page.goto(f"/companies/{company.id}/rules/versions")
    check_looks(page, "rule-versions")


def test_lines_are_selected_and_mapped_by_hand(page: Page, deployment: Deployment) -> None:
    company = deployment.company(role="editor", invoices=6)
    with_stream(company, "SaaS")
    company.enter(page.context)
    page.goto(f"/companies/{company.id}/revenue-mapping")
    page.get_by_role("link", name="Select").click()
    boxes = page.get_by_role("checkbox", name=re.compile("^Select "))
    boxes.first.check()
    boxes.nth(1).check()
    expect(page.get_by_text("2 lines selected")).to_be_visible()
    check_looks(page, "table-selecting")

    page.get_by_role("button", name="Map selected lines").click()
    check_looks(page, "by-hand")
    page.get_by_label("Stream").select_option(label="SaaS")
    page.get_by_role("button", name="Map 2 lines").click()
    expect(page.get_by_text("Mapped to SaaS")).to_be_visible()
    check_looks(page, "batch")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone:")).to_be_visible()
