"""Signing in and out, the API reference and the problem page in a browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.deployment import PASSWORD, Company
from tests.browser.looks import check_accessibility, check_looks, in_every_look, on_every_viewport
from tests.browser.mishaps import Mishaps

pytestmark = in_every_look


def fill_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_the_sign_in_page_is_for_everybody(page: Page) -> None:
    page.goto("/sign-in")

    expect(page.get_by_role("heading", level=1)).to_be_visible()
    check_looks(page, "sign-in")


def test_a_wrong_password_is_told_and_the_right_one_leads_on(page: Page, company: Company, mishaps: Mishaps) -> None:
    mishaps.expect("status of 401")
    page.goto("/sign-in")

    fill_in(page, company.email, "not the password")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    expect(page.get_by_label("Email")).to_have_value(company.email)
    check_looks(page, "sign-in-wrong")
    fill_in(page, company.email, PASSWORD)

    expect(page).to_have_url(re.compile("/settings/integrations$"))
    expect(page.get_by_text(company.email)).to_be_attached()


def test_who_signs_out_is_shown_the_door_and_stays_out(page: Page, company: Company) -> None:
    company.enter(page.context)
    page.goto("/settings/integrations")

    page.get_by_text(company.email).click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in"))
    page.goto("/settings/integrations")

    expect(page).to_have_url(re.compile("/sign-in"))


def test_the_reference_is_for_everybody(page: Page) -> None:
    page.goto("/docs")

    expect(page.get_by_role("heading", name="Errors")).to_be_attached()
    check_accessibility(page)
    # All routes are drawn alike: a few of them stand for all in the other looks.
    page.evaluate("() => [...document.querySelectorAll('article')].slice(4).forEach((route) => route.remove())")
    check_looks(page, "docs")


@on_every_viewport
def test_a_route_of_the_reference_is_found_by_keyboard_and_its_command_copied(page: Page, viewport: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/docs")
    contents = page.get_by_role("navigation", name="Contents")

    page.keyboard.press("/")
    page.keyboard.type("syncs/ cancel")
    expect(contents.get_by_role("link")).to_have_count(1)
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/docs#cancelSync$"))
    if viewport == "desktop":
        expect(contents.get_by_role("link", name="Cancel sync")).to_have_attribute("aria-current", "true")
    route = page.get_by_role("article", name="Cancel sync")
    expect(route.get_by_role("heading", level=3)).to_be_in_viewport()
    route.get_by_role("button", name="Copy").first.click()
    assert page.evaluate("() => navigator.clipboard.readText()").startswith("curl -X POST ")


@pytest.mark.parametrize("path", ["/settings/integrations?company=987654321"])
def test_a_page_that_is_not_there_says_so_and_leads_back(
    page: Page, company: Company, mishaps: Mishaps, path: str
) -> None:
    mishaps.expect("status of 404")
    company.enter(page.context)

    page.goto(path)

    expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")
    check_looks(page, "problem")
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_text(company.email)).to_be_visible()
