"""The story of a finance team in a browser, from signing in to disconnecting, exact to the cent."""

import csv
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.truth import revenue_table
from sandbox.stripe.generate.generate import generate
from tests.browser.deployment import PASSWORD, Company, Deployment
from tests.browser.looks import Viewport, check_looks, in_every_look, on_a_phone_when_proving

pytestmark = [pytest.mark.timeout(180), in_every_look]
_DAY_SECONDS = 86_400
# As in app/static/freshness.js.
_BETWEEN_LOOKS = 10_000
_MOST_LOOKS = 500
NEW_NAME = "Renamed Samples Ltd"
COLUMNS = (
    "invoice_line_item_id",
    "subscription_id",
    "customer_name",
    "customer_id",
    "description",
    "date",
    "amount",
    "currency",
)


@pytest.fixture
def shares_context() -> bool:
    return False  # its clock is set


@on_a_phone_when_proving
def test_the_whole_story_from_signing_in_to_disconnecting(
    page: Page, deployment: Deployment, viewport: Viewport
) -> None:
    company = deployment.company()
    _, account, _ = (
        account_with_invoices(deployment, f"{company.name} {place}") for place in ("North", "South", "East")
    )

    sign_in(page, company)
    connect(page, account)
    expect(page.get_by_role("group", name="Stripe", exact=True)).to_contain_text(account.id)
    expect_synced(page)
    page.get_by_text("Options", exact=True).click()
    page.get_by_role("button", name="Initiate Sync").click()
    expect_synced(page)
    if viewport == "desktop":  # looks are looked at in every size
        check_looks(page, "settings")

    open_place(page, "Revenue Mapping", viewport)
    assert exported(page) == truth_of(account)
    if viewport == "desktop":
        check_looks(page, "table")
    narrow_down(page, account)
    see_a_rename(page, account)
    go_back_in_time(page)

    open_place(page, "Integrations", viewport)
    page.get_by_text("Options", exact=True).click()
    page.get_by_role("link", name="Disconnect").click()
    page.get_by_role("dialog").get_by_role("button", name="Disconnect").click()
    expect(page.get_by_role("group", name="Stripe", exact=True)).to_contain_text("Disconnected")
    open_place(page, "Revenue Mapping", viewport)
    assert exported(page) == truth_of(account)


def account_with_invoices(deployment: Deployment, name: str) -> Account:
    account = deployment.stripe.stripe.create_account(name, connected=False)
    generate(account, invoices=40, seed=3, until=int(time.time()) - _DAY_SECONDS)
    return account


def sign_in(page: Page, company: Company) -> None:
    page.goto("/")
    page.get_by_label("Email").fill(company.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(re.compile("/settings/integrations$"))


def connect(page: Page, account: Account) -> None:
    """Connect an account on the simulated Stripe's page and return to the settings."""
    page.get_by_role("link", name="Connect Stripe").click()
    page.get_by_role("radio", name=account.name).check()
    page.get_by_role("button", name="Connect this account").click()
    expect(page).to_have_url(re.compile("/settings/integrations"))


def expect_synced(page: Page) -> None:
    """Wait until the card shows no sync in progress and a last one that succeeded, and check that one's page."""
    card = page.get_by_role("group", name="Stripe", exact=True)
    expect(card.get_by_role("group", name="Sync in progress")).to_have_count(0, timeout=40_000)
    expect(card).to_contain_text("Last sync: succeeded")
    page.get_by_role("link", name="Last sync").click()
    expect(page.get_by_text("match Stripe")).to_be_visible()
    page.go_back()


def open_place(page: Page, name: str, viewport: Viewport) -> None:
    if viewport == "phone":
        page.get_by_role("button", name="Menu").click()
    place = "Settings" if name == "Integrations" else name  # the tab that settings open with
    page.get_by_role("navigation", name="Main").get_by_role("link", name=place, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def narrow_down(page: Page, account: Account) -> None:
    """Filter by cadence and currency, sort by amount, search for a customer; the CSV has exactly what is shown."""
    wanted = truth_of(account, cadence="monthly", currency="usd")
    page.get_by_text("Filters", exact=True).click()
    filters = page.get_by_role("form", name="Filters")
    filters.get_by_role("group", name="Cadence").get_by_label("Monthly").check()
    filters.get_by_role("group", name="Currency").get_by_label("USD").check()
    filters.get_by_role("button", name="Apply").click()
    page.get_by_text("Sort", exact=True).click()
    page.get_by_role("link", name="Amount, largest first").click()
    expect(page).to_have_url(re.compile("sort=-amount"))
    shown = [cents(row.locator(".amount").inner_text()) for row in lines(page)]

    assert exported(page) == wanted
    assert shown == sorted((int(row["amount"]) for row in wanted), reverse=True)

    name = next(row["customer_name"] for row in wanted if row["customer_name"])
    page.get_by_role("searchbox").fill(name)
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_role("list", name="Active filters")).to_contain_text(name)
    assert exported(page) == [row for row in wanted if name in row["customer_name"] or name in row["description"]]
    page.get_by_role("link", name="Clear all").click()


def see_a_rename(page: Page, account: Account) -> None:
    """Rename a customer at Stripe: the open page says that the table has changed, and refreshing shows the new name."""
    customer_id = truth_of(account)[0]["customer_id"]
    page.clock.install()
    page.goto(f"{page.url.partition('?')[0]}?customer_id={customer_id}")
    assert lines(page)
    account.live.rename_customer(customer_id, NEW_NAME)

    refresh = page.get_by_role("status").get_by_role("link", name="Refresh")
    for _ in range(_MOST_LOOKS):
        if refresh.is_visible():
            break
        with page.expect_response("**/freshness?*"):
            page.clock.fast_forward(_BETWEEN_LOOKS)
    refresh.click()

    for row in lines(page):
        expect(row).to_contain_text(NEW_NAME)


def go_back_in_time(page: Page) -> None:
    """View the table as of yesterday, when nothing was recorded, and go back to now."""
    page.get_by_text("As of: now").click()
    page.get_by_role("link", name="End of yesterday").click()
    expect(page.get_by_role("status")).to_contain_text("As of")
    expect(page.get_by_role("heading", name="No matching lines")).to_be_visible()
    page.get_by_role("link", name="Back to now").click()
    expect(lines(page)[0]).to_contain_text(NEW_NAME)


def lines(page: Page) -> list[Locator]:
    """Return the rows of the table, once there are any."""
    rows = page.get_by_role("region", name="Revenue lines").get_by_role("row").filter(has=page.get_by_role("rowheader"))
    expect(rows.first).to_be_visible()
    return rows.all()


def cents(shown: str) -> int:
    """Return an amount of dollars as shown, in cents."""
    return int(re.sub(r"[^0-9-]", "", shown.replace("\N{MINUS SIGN}", "-")))


def exported(page: Page) -> list[dict[str, str]]:
    """Return the rows of the CSV that the page exports."""
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as started:
        page.get_by_role("link", name="Export CSV").click()
    with started.value.path().open(newline="", encoding="utf-8") as file:
        # The books count in minor units.
        return in_order(row | {"amount": int(row["amount"].replace(".", ""))} for row in csv.DictReader(file))


def truth_of(account: Account, **wanted: object) -> list[dict[str, str]]:
    """Return the same rows according to the simulated Stripe's own books."""
    table = revenue_table(account, livemode=True)
    return in_order(row for row in table if all(row[name] == value for name, value in wanted.items()))


def in_order(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the shown columns as text, sorted, without the apostrophe that keeps a spreadsheet from running a text."""
    texts = [{name: "" if row[name] is None else str(row[name]).removeprefix("'") for name in COLUMNS} for row in rows]
    return sorted(texts, key=lambda row: (row["invoice_line_item_id"], row["date"]))
