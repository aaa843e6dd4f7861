"""The way of a company that signs up by itself, in one piece: from its first page to the day Stripe's access ends."""

import csv
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Page, expect
from standardwebhooks import Webhook

from events.stripe.money import exponent_of
from sandbox.stripe.generate.generate import generate
from stripe_gateway.restricted_keys import NEEDED_PERMISSIONS
from tests.browser.deployment import PASSWORD, Deployment
from tests.browser.looks import check_looks, in_every_look
from tests.support.receiver import Receiver, receiver
from tests.support.web.webhooks import until

pytestmark = in_every_look
_DAY_SECONDS = 86_400
LOST = "Stripe has to be connected again"


@pytest.fixture
def listener() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def bob(browser: Browser, deployment: Deployment) -> Iterator[Page]:
    """Yield a page of a second person, whose browser runs no scripts: what they do here works without."""
    context = browser.new_context(base_url=deployment.origin, java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_a_company_forms_connects_loses_stripe_and_is_told_in_every_way(
    page: Page, bob: Page, deployment: Deployment, listener: Receiver
) -> None:
    stripe = deployment.stripe.stripe
    account = stripe.create_account("Walk", connected=False)
    generate(account, invoices=40, seed=5, until=int(time.time()) - _DAY_SECONDS)
    key = stripe.restricted_key(account.id, livemode=True, permissions=NEEDED_PERMISSIONS)

    sign_up(page)
    invite(page, "bob@walk.test")
    join(bob, link_in(mail_to(deployment, "bob@walk.test", "Join Walk Ltd on revmap")))
    secret = listen(page, f"{listener.url}/walk")
    connect(page, key)
    assert "sync.succeeded" in verified(listener, secret, 1)
    page.get_by_role("link", name="Open Revenue Mapping").click()
    expect(page.get_by_role("region", name="Revenue lines").get_by_role("rowheader").first).to_be_visible()

    stripe.key_expiries[key] = int(time.time())
    sync_in_vain(page)
    for address in ("zoe@walk.test", "bob@walk.test"):
        assert "Connect Stripe again." in mail_to(deployment, address, f"{LOST} (Walk Ltd)")
    assert {"sync.failed", "connection.action_required"} <= verified(listener, secret, 3)
    look_at_deliveries(page, f"{listener.url}/walk")

    expected = totals(bob)
    assert expected
    assert csv_sums(download(bob, "Export CSV")) == expected
    assert workbook_sums(download(bob, "Export Excel")) == expected


def sign_up(page: Page) -> None:
    page.goto("/sign-in")
    page.get_by_role("link", name="Create a company").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Create a company")
    check_looks(page, "sign-up")
    page.get_by_label("Company").fill("Walk Ltd")
    page.get_by_label("Your name").fill("Zoe Walk")
    page.get_by_label("Email").fill("zoe@walk.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create company").click()
    expect(page.get_by_role("heading", name="Integrations")).to_be_visible()


def invite(page: Page, email: str) -> None:
    page.get_by_role("link", name="People").click()
    expect(page.get_by_text("No open invitations.")).to_be_visible()
    page.get_by_label("Email").fill(email)
    page.get_by_role("combobox", name="Role", exact=True).select_option("editor")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_text("We've mailed it to them.")).to_be_visible()
    check_looks(page, "settings-people-invited")


def join(page: Page, link: str) -> None:
    """Accept an invitation, whose link works this once."""
    page.goto(link)
    expect(page.get_by_role("heading", name="Join Walk Ltd")).to_be_visible()
    page.get_by_label("Your name").fill("Bob")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    expect(page).to_have_url(re.compile("/revenue-mapping$"))
    page.goto(link)
    expect(page.get_by_role("heading", name="This link no longer works")).to_be_visible()


def listen(page: Page, url: str) -> str:
    """Add a webhook endpoint, and return its secret."""
    page.get_by_role("link", name="Webhooks").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Webhooks")
    check_looks(page, "webhooks-none")
    page.get_by_label("URL").fill(url)
    page.get_by_role("button", name="Add endpoint").click()
    expect(page.get_by_text("Copy the signing secret now.")).to_be_visible()
    return page.get_by_text(re.compile("^whsec_")).inner_text()


def connect(page: Page, key: str) -> None:
    """Connect by a restricted key, and wait for the first sync."""
    open_settings(page)
    page.get_by_text("Connect with a restricted key instead").click()
    page.get_by_label("Restricted key").fill(key)
    page.get_by_role("button", name="Connect with this key").click()
    card = page.get_by_role("group", name="Stripe", exact=True)
    expect(card).to_contain_text("Last sync: succeeded", timeout=40_000)


def open_settings(page: Page) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Settings", exact=True).click()


def mail_to(deployment: Deployment, address: str, subject: str) -> str:
    """Wait for an e-mail, and return its text."""

    def found() -> list[str]:
        return [text for to, about, text in deployment.inbox.texts() if (to, about) == (address, subject)]

    assert until(lambda: bool(found())), deployment.inbox.texts()
    return found()[0]


def link_in(text: str) -> str:
    link = re.search(r"^http\S+$", text, re.MULTILINE)
    assert link is not None
    return link[0]


def verified(listener: Receiver, secret: str, number: int) -> set[str]:
    """Wait for so many webhooks about syncs and the connection, verify all, and return their types."""

    def types() -> list[str]:
        bodies = [Webhook(secret).verify(one.body, one.headers) for one in listener.to("/walk")]
        return [body["type"] for body in bodies if body["type"] != "revenue_lines.changed"]

    assert until(lambda: len(types()) >= number), types()
    return set(types())


def sync_in_vain(page: Page) -> None:
    """Ask for a sync that fails, and see the notice of it."""
    open_settings(page)
    page.get_by_text("Options", exact=True).click()
    page.get_by_role("button", name="Initiate Sync").click()
    expect(page.get_by_role("group", name="Stripe", exact=True)).to_contain_text("Last sync: failed")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Notices").click()
    expect(page.get_by_role("heading", name=LOST)).to_be_visible()


def look_at_deliveries(page: Page, url: str) -> None:
    open_settings(page)
    page.get_by_role("link", name="Webhooks").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Webhooks")
    check_looks(page, "webhooks")
    page.get_by_role("link", name=url).click()
    page.locator("summary", has_text="sync.failed").first.click()
    expect(page.get_by_role("heading", name="Body")).to_be_visible()
    check_looks(page, "webhook")


def download(page: Page, name: str) -> Path:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Revenue Mapping").click()
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as started:
        page.get_by_role("link", name=name).click()
    return started.value.path()


def totals(page: Page) -> dict[str, tuple[int, Decimal]]:
    """Return the number of lines and the sum of amounts for each currency, as the API tells them."""
    page.goto("/")
    company = re.search(r"company=(\d+)", page.content())
    assert company is not None
    answer = page.request.get(f"/v1/companies/{company[1]}/revenue-lines?include=totals&limit=500").json()
    return {
        one["currency"]: (one["count"], Decimal(one["amount"]).scaleb(-exponent_of(one["currency"])))
        for one in answer["totals"]
    }


def csv_sums(path: Path) -> dict[str, tuple[int, Decimal]]:
    with path.open(newline="", encoding="utf-8") as file:
        return sums((row["currency"], row["amount"]) for row in csv.DictReader(file))


def workbook_sums(path: Path) -> dict[str, tuple[int, Decimal]]:
    with path.open("rb") as file:
        head, *rows = load_workbook(file).worksheets[0].iter_rows(values_only=True)
    currency, amount = head.index("currency"), head.index("amount")
    return sums((row[currency], row[amount]) for row in rows)


def sums(lines: Iterable[tuple[Any, Any]]) -> dict[str, tuple[int, Decimal]]:
    """Return the number and the exact sum of amounts for each currency."""
    numbers: Counter[str] = Counter()
    amounts: dict[str, Decimal] = {}
    for currency, amount in lines:
        numbers[currency] += 1
        amounts[currency] = amounts.get(currency, Decimal()) + Decimal(str(amount))
    return {currency: (number, amounts[currency]) for currency, number in numbers.items()}
