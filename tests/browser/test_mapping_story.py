"""The story of mapping, from a new company to rules that are published, changed and brought back, exact to the cent."""

import re
import time
from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.generate.generate import generate
from tests.browser.deployment import PASSWORD, Deployment
from tests.browser.looks import Viewport, on_a_phone_when_proving, overflow, screenshot_here
from tests.support.web.webhooks import until

pytestmark = pytest.mark.timeout(180)
_DAY_SECONDS = 86_400
Nets = dict[str, Counter[str | None]]


@on_a_phone_when_proving
def test_a_new_company_maps_what_it_sells_and_reads_its_report(
    page: Page, deployment: Deployment, viewport: Viewport
) -> None:
    account = deployment.stripe.stripe.create_account(
        f"Mapping {viewport}", account_id=f"acct_1mapping{viewport}", connected=False
    )
    generate(account, invoices=10, seed=4, until=int(time.time()) - _DAY_SECONDS)
    base = sign_up(page, viewport)
    connect(page, account)
    assert streams_in(settled(deployment, page, base)) == {None}

    first = map_all(page, base)
    wordless = {one["currency"] for one in answer(page, base, "/unmapped") if is_wordless(one)}
    publish(page, "First rules", 1)
    before = settled(deployment, page, base)
    assert streams_in(before) <= {first, None}
    assert {currency for currency, of in before.items() if None in of} <= wordless
    read_report(page, base, "Subscriptions", first)

    second = change_a_rule(page, base)
    preview(page)
    currency, expected = shown_after(page)
    publish_as_shown(page, "One product is a service", 2)
    changed = settled(deployment, page, base)
    names = {first: "Subscriptions", second: "Services", None: "Unmapped"}
    assert {names[stream]: amount for stream, amount in changed[currency].items()} == expected
    assert "Services" in expected
    assert {one: sum(of.values()) for one, of in changed.items()} == {
        one: sum(of.values()) for one, of in before.items()
    }
    read_report(page, base, "Services", second)

    revert(page, base)
    assert settled(deployment, page, base) == before


def revert(page: Page, base: str) -> None:
    """Bring the rules before the last ones back."""
    page.goto(f"{base}/rules/versions")
    look(page, "mapping-story-versions")
    page.get_by_role("button", name="Revert").click()
    publish_as_shown(page, "", 3)


def sign_up(page: Page, viewport: Viewport) -> str:
    """Form a company, and return the address of its pages."""
    page.goto("/sign-up")
    page.get_by_label("Company").fill(f"Zed {viewport} Inc")
    page.get_by_label("Your name").fill("Zoe Zed")
    page.get_by_label("Email").fill(f"zoe@{viewport}.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create company").click()
    expect(page.get_by_role("heading", name="Integrations")).to_be_visible()
    company = re.search(r"company=(\d+)", page.content())
    assert company is not None
    return f"/companies/{company[1]}"


def connect(page: Page, account: Account) -> None:
    """Connect the account as the first step says, and wait until its invoices are read."""
    page.get_by_role("link", name="Connect Stripe").click()
    page.get_by_role("radio", name=account.name).check()
    page.get_by_role("button", name="Connect this account").click()
    card = page.get_by_role("group", name="Stripe", exact=True)
    expect(card).to_contain_text("Last sync: succeeded", timeout=40_000)
    look(page, "mapping-story-connected")


def settled(deployment: Deployment, page: Page, base: str) -> Nets:
    """Wait until the company's tables have every event of its log, and return what each stream recognizes."""
    is_behind = text("SELECT EXISTS (SELECT FROM company_head WHERE company_id = :id AND behind_since IS NOT NULL)")

    def is_whole() -> bool:
        with deployment.engine.connect() as connection:
            return not connection.execute(is_behind, {"id": int(base.rsplit("/", 1)[1])}).scalar_one()

    assert until(is_whole)
    return nets(page, base)


def map_all(page: Page, base: str) -> str:
    """Map each group to one stream, made with the first, and return the stream's id."""
    page.goto(f"{base}/unmapped")
    look(page, "mapping-story-unmapped")
    page.get_by_text("New stream").first.click()
    page.get_by_label("Name of the new stream").first.fill("Subscriptions")
    page.get_by_role("button", name="Make and map").first.click()
    expect(page.get_by_role("status")).to_contain_text("is added to the draft: Subscriptions.")
    look(page, "mapping-story-drafted")
    while page.get_by_label(re.compile("^Stream of ")).count():
        page.get_by_label(re.compile("^Stream of ")).first.select_option(label="Subscriptions")
        with page.expect_navigation():
            page.get_by_role("button", name=re.compile("^Map ")).first.click()
    page.get_by_role("link", name="Publish the rules").click()
    look(page, "mapping-story-rules")
    return stream_id_of(page, base, "Subscriptions")


def publish(page: Page, note: str, version: int) -> None:
    preview(page)
    publish_as_shown(page, note, version)


def preview(page: Page) -> None:
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Lines that change", exact=True)).to_be_visible()


def publish_as_shown(page: Page, note: str, version: int) -> None:
    """Publish what a preview shows, as soon as it does."""
    page.get_by_label("What changed and why").fill(note)
    look(page, f"mapping-story-preview-{version}")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text(f"Published as version {version}")).to_be_visible()
    look(page, f"mapping-story-published-{version}")


def read_report(page: Page, base: str, name: str, stream_id: str) -> None:
    """See that the report's total of a stream is what the API tells of the same months."""
    currency = next(one for one, of in nets(page, base).items() if stream_id in of)
    page.goto(f"{base}/recognition?currency={currency}")
    look(page, f"mapping-story-report-{name}")
    table = page.get_by_role("region", name="Recognized by month").get_by_role("table")
    heads = table.locator("thead th").all_inner_texts()
    shown = table.locator("tfoot > tr").locator("th, td").all_inner_texts()
    months = page.get_by_label("From").input_value(), page.get_by_label("To").input_value()
    place = [head.strip().lower() for head in heads].index(name.lower())
    assert minor(shown[place]) == nets(page, base, months)[currency][stream_id]


def change_a_rule(page: Page, base: str) -> str:
    """Have the first rule lead to another stream, and return the stream's id."""
    page.goto(f"{base}/streams")
    page.get_by_role("textbox", name="Name", exact=True).first.fill("Services")
    page.get_by_role("button", name="Add stream").click()
    expect(page.get_by_role("status")).to_contain_text("The stream is added.")
    look(page, "mapping-story-streams")
    page.goto(f"{base}/rules")
    page.locator("#rules .name a").first.click()
    page.get_by_label("Stream").first.select_option(label="Services")
    look(page, "mapping-story-editor")
    page.get_by_role("button", name="Save to draft").click()
    expect(page.get_by_role("button", name="Preview")).to_be_visible()
    look(page, "mapping-story-draft-changed")
    return stream_id_of(page, base, "Services")


def shown_after(page: Page) -> tuple[str, dict[str, int]]:
    """Return the currency that the preview shows, and what each stream will have recognized, in minor units."""
    expect(page.locator("#money tbody tr")).not_to_have_count(0)
    rows = page.locator("#money tbody tr").all()
    after = {row.locator("th").inner_text(): minor(row.locator("td").nth(1).inner_text()) for row in rows}
    currency = page.locator("#money a[aria-current]").inner_text().lower()
    return currency, {name: amount for name, amount in after.items() if amount}


def nets(page: Page, base: str, months: tuple[str, str] = ("2000-01", "2099-12")) -> Nets:
    """Return what each stream recognizes in these months by currency, as the API tells it, in minor units."""
    found: Nets = {}
    for cell in answer(page, base, f"/reports/recognition?by=stream&from={months[0]}&to={months[1]}"):
        found.setdefault(cell["currency"], Counter())[cell["stream_id"]] += cell["net"]
    return {
        currency: Counter({stream_id: net for stream_id, net in each.items() if net})
        for currency, each in found.items()
    }


def streams_in(found: Nets) -> set[str | None]:
    return {stream_id for of in found.values() for stream_id in of}


def is_wordless(group: dict[str, Any]) -> bool:
    """Return whether a group has numbers alone for a description, and so can't be mapped by a rule."""
    return group["product_id"] is None and group["description"] == "\N{HORIZONTAL ELLIPSIS}"


def stream_id_of(page: Page, base: str, name: str) -> str:
    return next(str(one["id"]) for one in answer(page, base, "/streams") if one["name"] == name)


def answer(page: Page, base: str, path: str) -> list[Any]:
    got = page.request.get(f"/v1{base}{path}")
    assert got.ok, got.text()
    found: list[Any] = got.json()["data"]
    return found


def minor(shown: str) -> int:
    """Return an amount as shown in minor units."""
    return int(re.sub(r"[^0-9-]", "", shown.replace("\N{MINUS SIGN}", "-")))


def look(page: Page, name: str) -> None:
    """Check that nothing is wider than the window."""
    size = page.viewport_size
    assert size is not None
    screenshot_here(page, f"{name}-{size['width']}")
    assert overflow(page) <= 0, page.url
