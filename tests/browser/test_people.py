"""A finance team manages its people, keys and accounts without a command line."""

import re
from base64 import b32decode
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from runtime.clock import utc_now
from tenants.people.invitations import invite as invite_address
from tenants.people.totp import code_at, step_at
from tests.browser.deployment import PASSWORD, Company, Deployment
from tests.browser.looks import check_looks, in_every_look
from tests.browser.mishaps import Mishaps

pytestmark = in_every_look


@pytest.fixture
def bob(browser: Browser, deployment: Deployment) -> Iterator[Page]:
    """Yield a page of a second person, whose browser runs no scripts: everything here works without."""
    context = browser.new_context(base_url=deployment.origin, java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_a_role_is_changed_and_somebody_leaves(page: Page, bob: Page, company: Company) -> None:
    company.enter(page.context)
    company.joined_by("bob@example.org", "viewer").enter(bob.context)
    page.goto(f"/companies/{company.id}/people")
    page.get_by_label("Role of bob@example.org", exact=True).select_option("editor")
    page.get_by_role("button", name="Change the role of bob@example.org").click()
    expect(page.get_by_role("status")).to_contain_text("The role is changed.")
    bob.goto(page.url.partition("?")[0].replace("/people", "/audit"))
    expect(bob.get_by_text("Role changed: bob@example.org")).to_be_visible()

    page.get_by_label("More about bob@example.org").click()
    page.get_by_role("link", name="Remove").click()
    check_looks(page, "settings-people-remove")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("status")).to_contain_text("Removed.")
    bob.reload()
    expect(bob).to_have_url(re.compile("/sign-in"))


def test_an_invitation_and_its_end_look_as_all_pages_do(
    page: Page, company: Company, deployment: Deployment, mishaps: Mishaps
) -> None:
    mishaps.expect("status of 410")
    with deployment.engine.begin() as connection:
        _, token = invite_address(
            connection, company.id, email="new@example.org", role="editor", actor="tests", now=utc_now()
        )

    page.goto(f"/invitations/{token}")
    check_looks(page, "invitation")
    page.goto("/invitations/none")
    check_looks(page, "link-over")


def test_keys_are_made_and_revoked(page: Page, company: Company) -> None:
    company.enter(page.context)
    page.goto(f"/companies/{company.id}/api-keys")
    expect(page.get_by_text("No keys yet")).to_be_visible()
    check_looks(page, "settings-no-keys")
    page.get_by_label("Name").fill("Warehouse")
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_label("API key", exact=True)).to_have_value(re.compile("^rmk_"))
    check_looks(page, "settings-keys")
    page.get_by_role("link", name="Revoke Warehouse").click()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The key is revoked.")).to_be_visible()


def test_the_company_the_audit_and_ones_account_look_as_all_pages_do(page: Page, company: Company) -> None:
    company.enter(page.context)
    page.goto(f"/companies/{company.id}/company")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    check_looks(page, "settings-company")

    page.get_by_role("link", name="Audit log").click()
    expect(page.get_by_text("Accounting policy changed")).to_be_visible()
    check_looks(page, "settings-audit")

    page.get_by_title("Profile").click()
    page.get_by_role("link", name="Your account").click()
    check_looks(page, "account")
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page).to_have_url(re.compile("/sign-in"))
    page.get_by_role("link", name="Forgot your password?").click()
    expect(page.get_by_role("button", name="Send link")).to_be_visible()
    check_looks(page, "forgotten-password")


def turn_on_second_factor(page: Page, company: Company) -> tuple[bytes, list[str]]:
    """Turn it on from one's account, and return the app's secret and the recovery codes."""
    page.goto(f"/companies/{company.id}/account")
    page.get_by_role("link", name="Turn on").click()
    check_looks(page, "second-factor-off")
    secret = b32decode("".join(page.get_by_label("Add this key").input_value().split()))
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_label("Enter the code that it shows").fill(code_at(secret, step_at(utc_now())))
    page.get_by_role("button", name="Turn on").click()
    codes = page.get_by_label("Recovery codes").input_value().split()
    check_looks(page, "recovery-codes")
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("Turned on")).to_be_visible()
    return secret, codes


def test_a_second_factor_is_turned_on_asked_for_and_turned_off(page: Page, company: Company, mishaps: Mishaps) -> None:
    company.enter(page.context)
    secret, codes = turn_on_second_factor(page, company)
    page.get_by_role("button", name="Sign out everywhere").click()
    page.get_by_label("Email").fill(company.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    mishaps.expect("status of 401")
    page.get_by_label("Code", exact=True).fill("000000")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("wrong or was used")
    page.get_by_text("Use a recovery code instead").click()
    check_looks(page, "sign-in-code")
    page.get_by_label("Recovery code", exact=True).fill(codes[0])
    page.get_by_role("button", name="Use recovery code").click()
    expect(page.get_by_text("9 of 10 recovery codes are left")).to_be_visible()
    check_looks(page, "second-factor-on")

    page.get_by_label("Your password").fill(PASSWORD)
    # Of the step after the one that turned it on, which is in the window already.
    page.get_by_label("Code", exact=True).fill(code_at(secret, step_at(utc_now()) + 1))
    page.get_by_role("button", name="Turn off").click()
    expect(page).not_to_have_url(re.compile("second-factor"))


def test_who_may_not_manage_people_sees_whom_to_ask(page: Page, deployment: Deployment) -> None:
    company = deployment.company(role="viewer")
    company.enter(page.context)
    page.goto(f"/companies/{company.id}/people")

    expect(page.get_by_text("Ask an admin of your company")).to_be_visible()
    check_looks(page, "settings-people-viewer")
