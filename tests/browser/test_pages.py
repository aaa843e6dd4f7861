"""Every page of a company in every look: accessible and no wider than its window."""

import re
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from tests.browser.deployment import Company, Deployment
from tests.browser.looks import SIZES, check_looks, in_every_look, overflow, screenshot_here
from tests.browser.mishaps import Mishaps

pytestmark = in_every_look
PAPER_AND_WALL: dict[str, ViewportSize] = {
    "wide": {"width": 2560, "height": 1300},
    "paper": {"width": 1040, "height": 720},  # A4 on its side
}
# Cells of a table that are laid out as something else, and so leave their row.
_STRAY_CELLS = """() => [...document.querySelectorAll("main tr > *")]
  .filter((cell) => !["table-cell", "none"].includes(getComputedStyle(cell).display)).map((cell) => cell.outerHTML)"""
# Cells that stay in sight while others are scrolled under them, and let those show through.
_CLEAR_CELLS = """() => [...document.querySelectorAll("main tr > *")].map((cell) => [cell, getComputedStyle(cell)])
  .filter(([cell, style]) => style.position === "sticky" && style.backgroundColor === "rgba(0, 0, 0, 0)")
  .map(([cell]) => cell.outerHTML)"""
# Stops of the Tab key that nobody sees.
_UNSEEN_STOPS = """() => [...document.querySelectorAll("a.unseen, button.unseen, input.unseen, select.unseen")]
  .filter((one) => one.tabIndex >= 0).map((one) => one.outerHTML)"""
# By how many pixels the longest option of a select is wider than its room.
_CUT_BY = """(one) => {
  const style = getComputedStyle(one), pen = document.createElement("canvas").getContext("2d");
  pen.font = style.font;
  const widest = Math.max(...[...one.options].map((option) => pen.measureText(option.text).width));
  return widest + parseFloat(style.paddingLeft) + parseFloat(style.paddingRight) - one.clientWidth;
}"""
SCRIPT = "<img src=x onerror=alert(1)>"
# A page's name in screenshots, its path below the company, and its heading.
PLACES = (
    ("table-filtered", "revenue-mapping?cadence=monthly&type=recurring", "Revenue Mapping"),
    ("table-then", "revenue-mapping?as_of=2", "Revenue Mapping"),
    ("table-without-a-match", "revenue-mapping?q=nowhere", "Revenue Mapping"),
    ("quarantine", "revenue-mapping/quarantine", "Invoices and credit notes we couldn't read"),
    ("recognized", "recognition", "Recognition"),
    ("deferred", "recognition?report=deferred", "Recognition"),
    ("waterfall", "recognition?report=waterfall", "Recognition"),
    ("recognition-without-a-match", "recognition?from=2001-01&to=2001-02", "Recognition"),
    ("credit-notes", "credit-notes", "Credit notes"),
    ("syncs", "syncs", "Sync history"),
    ("notices", "notices", "Notices"),
    ("notifications", "settings/notifications", "Notifications"),
)


@pytest.fixture(scope="module")
def filled(deployment: Deployment) -> Company:
    """Return a company with lines in its table, which no test changes."""
    return deployment.company(invoices=40)


@pytest.fixture
def inside(filled: Company, context: BrowserContext) -> Company:
    filled.enter(context)
    return filled


def test_every_page_is_for_everybody_in_every_look(page: Page, inside: Company) -> None:
    for name, below, heading in PLACES:
        page.goto(f"/companies/{inside.id}/{below}")
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        expect(page.locator("[aria-busy]")).to_have_count(0)
        assert page.evaluate(_STRAY_CELLS) == []
        assert page.evaluate(_CLEAR_CELLS) == []
        assert page.evaluate(_UNSEEN_STOPS) == []
        check_looks(page, name)


def test_a_notice_stands_beside_its_icon_on_a_phone(page: Page, inside: Company) -> None:
    page.set_viewport_size(SIZES["phone"])
    page.goto(f"/companies/{inside.id}/revenue-mapping?as_of=2")
    notice = page.get_by_role("status").filter(has_text="Anything recorded later is left out")

    icon, said = notice.locator("svg").bounding_box(), notice.locator("span").first.bounding_box()
    assert icon is not None
    assert said is not None
    assert icon["x"] + icon["width"] <= said["x"]


def test_pages_fit_a_wide_screen_and_paper_which_is_light_and_has_no_controls(page: Page, inside: Company) -> None:
    page.emulate_media(color_scheme="dark")
    for below in ("revenue-mapping", "syncs", "people"):
        page.goto(f"/companies/{inside.id}/{below}")
        for name, size in PAPER_AND_WALL.items():
            page.emulate_media(media="print" if name == "paper" else "screen")
            page.set_viewport_size(size)
            screenshot_here(page, f"{below}-{name}")
            assert overflow(page) <= 0, (below, name)
        page.emulate_media(media="print")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
        expect(page.get_by_role("navigation")).to_have_count(0)
        expect(page.get_by_role("button")).to_have_count(0)
        page.emulate_media(media="screen")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_a_sync_is_told_for_everybody_in_every_look(page: Page, inside: Company) -> None:
    page.goto(f"/companies/{inside.id}/syncs")
    page.get_by_role("main").get_by_role("row").nth(1).get_by_role("link").first.click()

    expect(page.get_by_text("match Stripe")).to_be_visible()
    check_looks(page, "sync")


def test_a_line_opens_at_the_side_with_its_history_and_closes_by_key(page: Page, inside: Company) -> None:
    page.goto(f"/companies/{inside.id}/revenue-mapping")
    line = page.get_by_role("region", name="Revenue lines").get_by_role("rowheader").first.get_by_role("link")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    line.hover()
    page.get_by_role("button", name="Copy").click()
    assert page.evaluate("() => navigator.clipboard.readText()") == line.get_attribute("title")
    line.click()

    expect(page.get_by_role("dialog").get_by_role("heading", name="History")).to_be_visible()
    check_looks(page, "line", within="#drawer")
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(line).to_be_focused()


def test_a_figure_opens_at_the_side_with_its_lines_and_closes_by_key(page: Page, inside: Company) -> None:
    page.goto(f"/companies/{inside.id}/recognition")
    figure = page.get_by_role("region", name="Recognized by month").get_by_role("cell").first.get_by_role("link")
    figure.click()

    expect(page.get_by_role("dialog").get_by_text("Adds up")).to_be_visible()
    expect(page).to_have_url(re.compile("/recognition/explanation"))
    check_looks(page, "figure", within="#drawer")
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(figure).to_be_focused()
    expect(page).to_have_url(re.compile("/recognition$"))
    page.goto(f"/companies/{inside.id}/recognition?report=waterfall")
    page.get_by_role("region", name="Booked months").get_by_role("link").first.click()
    page.get_by_role("dialog").get_by_role("list").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="History")).to_be_visible()


@pytest.mark.parametrize(
    ("below", "parts", "role"),
    [("revenue-mapping", "Revenue lines", "rowheader"), ("recognition", "Recognized by month", "cell")],
)
def test_what_does_not_arrive_beside_a_table_opens_alone(
    page: Page, inside: Company, mishaps: Mishaps, below: str, parts: str, role: Literal["rowheader", "cell"]
) -> None:
    page.goto(f"/companies/{inside.id}/{below}")
    links = page.get_by_role("region", name=parts, exact=True).get_by_role(role).get_by_role("link")
    links.nth(0).click()
    expect(page.get_by_role("dialog").get_by_role("heading").first).to_be_visible()
    address = links.nth(1).get_attribute("href")
    assert address is not None
    page.route(
        f"**{address}", lambda route: route.abort() if "hx-request" in route.request.headers else route.continue_()
    )
    links.nth(1).evaluate("(link) => link.click()")

    expect(page.get_by_role("heading", level=1)).not_to_have_text(re.compile("^(Revenue Mapping|Recognition)$"))
    expect(page).to_have_url(re.compile(f"{re.escape(address)}$"))
    expect(page.get_by_role("dialog")).to_have_count(0)
    for mishap in ("request: .*ERR_FAILED", "console: .*ERR_FAILED", "Failed to fetch"):
        mishaps.expect(mishap)


def test_totals_that_do_not_arrive_can_be_asked_for_again(page: Page, inside: Company, mishaps: Mishaps) -> None:
    figures = page.get_by_role("region", name="Totals and chart")
    page.route("**/revenue-mapping/figures*", lambda route: route.abort())
    page.goto(f"/companies/{inside.id}/revenue-mapping")

    expect(figures.get_by_role("alert")).to_contain_text("The totals didn't load.")
    expect(figures.get_by_text("Calculating…")).to_have_count(0)
    page.unroute("**/revenue-mapping/figures*")
    figures.get_by_role("link", name="Try again").click()
    expect(figures.get_by_role("heading", name="Billed by month")).to_be_visible()
    for mishap in ("request: .*ERR_FAILED", "console: .*ERR_FAILED", "Failed to fetch"):
        mishaps.expect(mishap)


def test_totals_are_a_page_of_their_own_without_scripts(
    browser: Browser, deployment: Deployment, filled: Company
) -> None:
    context = browser.new_context(base_url=deployment.origin, java_script_enabled=False)
    filled.enter(context)
    page = context.new_page()
    page.goto(f"/companies/{filled.id}/revenue-mapping")

    expect(page.get_by_text("Calculating…")).to_be_hidden()
    page.get_by_role("link", name="Show totals and chart").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Totals and chart")
    expect(page.get_by_text("Billed", exact=True).first).to_be_visible()
    context.close()


def test_date_and_amount_are_in_sight_on_a_small_laptop(page: Page, inside: Company) -> None:
    page.set_viewport_size({"width": 1024, "height": 768})
    page.goto(f"/companies/{inside.id}/revenue-mapping")

    for name in ("Date", "Amount"):
        expect(page.get_by_role("columnheader", name=name)).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Menu").click()
    expect(page.get_by_role("link", name="Sync history")).to_be_visible()
    assert overflow(page) <= 0
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")


def test_the_treatments_of_a_stream_are_read_whole(page: Page, inside: Company) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"/companies/{inside.id}/streams")

    assert page.get_by_label("Earned").first.evaluate(_CUT_BY) <= 0


def test_the_focus_returns_to_the_menu_that_a_dialog_was_opened_from(page: Page, inside: Company) -> None:
    page.goto(f"/settings/integrations?company={inside.id}")
    options = page.locator("summary", has_text="Options")
    options.press("Enter")
    page.get_by_role("link", name="Disconnect").press("Enter")
    expect(page.get_by_role("dialog").get_by_role("heading", name="Disconnect Stripe?")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(options).to_be_focused()


def test_what_others_wrote_is_shown_as_text_and_never_run(page: Page, inside: Company) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    page.goto(f"/companies/{inside.id}/revenue-mapping?q=onerror")

    shown = page.get_by_role("region", name="Revenue lines").get_by_text(SCRIPT)

    expect(shown.first).to_be_visible()
    expect(page.locator("img")).to_have_count(0)


def test_a_mistake_in_a_filter_is_told_at_its_field_and_nothing_is_lost(
    page: Page, inside: Company, mishaps: Mishaps
) -> None:
    mishaps.expect("status of 422")
    page.goto(f"/companies/{inside.id}/revenue-mapping?amount_from=twelve&currency=usd&q=Team")

    expect(page.get_by_label("Minimum amount")).to_have_value("twelve")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_have_value("Team")
    check_looks(page, "table-mistaken")


def test_every_menu_of_the_table_is_for_everybody_in_every_look(page: Page, inside: Company) -> None:
    wanted = "invoice_status=paid&invoice_status=open&cadence=monthly&sort=customer_name"
    page.goto(f"/companies/{inside.id}/revenue-mapping?{wanted}")
    for name in ("Views", "Sort", "Columns", "Filters"):
        page.get_by_role("group", name="Table controls").locator("summary", has_text=name).click()
        check_looks(page, f"table-{name.lower()}", within="[aria-label='Table controls']")


def test_a_column_is_made_wider_by_pointer_and_by_keys_and_stays_so(page: Page, inside: Company) -> None:
    page.goto(f"/companies/{inside.id}/revenue-mapping?cadence=monthly")
    name, description = (page.get_by_role("columnheader", name=one) for one in ("Customer name", "Description"))
    usual = width_of(name), width_of(description)
    press(page, "Width of Customer name", "ArrowRight")
    assert width_of(name) == usual[0] + 16
    drag(page, "Width of Description", -80)
    chosen = usual[0] + 16, usual[1] - 96
    assert (width_of(name), width_of(description)) == chosen
    shown = page.get_by_role("region", name="Revenue lines").locator(".clip:visible")
    clipped = shown.filter(has_text=re.compile(".{30}")).first
    clipped.hover()
    expect(clipped).to_have_attribute("title", clipped.inner_text())
    check_looks(page, "table-widths")

    page.reload()
    assert (width_of(name), width_of(description)) == chosen
    for edge in ("Width of Description", "Width of Customer name"):
        press(page, edge, "Home")
    assert (width_of(name), width_of(description)) == usual


def press(page: Page, edge: str, key: str) -> None:
    page.get_by_role("separator", name=edge).focus()
    with page.expect_response("**/preference/widths"):
        page.keyboard.press(key)


def drag(page: Page, edge: str, by: int) -> None:
    box = page.get_by_role("separator", name=edge).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by, y)
    with page.expect_response("**/preference/widths"):
        page.mouse.up()


def width_of(heading: Locator) -> float:
    box = heading.bounding_box()
    assert box is not None
    return box["width"]


def test_a_customer_is_suggested_while_one_types_and_chosen_by_keys(page: Page, inside: Company) -> None:
    page.goto(f"/companies/{inside.id}/revenue-mapping")
    page.get_by_text("Filters", exact=True).click()
    field = page.get_by_role("form", name="Filters").get_by_label("Customer", exact=True)
    field.press_sequentially("a")
    expect(page.get_by_role("listbox").get_by_role("option").first).to_be_visible()
    check_looks(page, "table-suggestions", within="form[aria-label=Filters]")
    field.press("ArrowDown")
    chosen = page.get_by_role("listbox").get_by_role("option", selected=True).get_attribute("data-value") or ""
    field.press("Enter")

    expect(field).to_have_value(chosen)
    expect(page.get_by_role("listbox")).to_have_count(0)
    expect(page.get_by_label("Customer 2")).to_be_empty()
    field.press("Enter")
    expect(page.get_by_role("list", name="Active filters")).to_contain_text(chosen)


def test_a_view_is_saved_opened_and_renamed(page: Page, inside: Company) -> None:
    page.goto(f"/companies/{inside.id}/revenue-mapping?cadence=monthly&cadence=annual&density=compact")
    views = page.get_by_role("group", name="Table controls").get_by_text("Views", exact=True)
    views.click()
    page.get_by_label("Save this view as").fill("Recurring")
    page.get_by_label("Share with the company").check()
    page.get_by_role("button", name="Save", exact=True).click()
    views.click()
    page.get_by_label("Change Recurring").click()
    check_looks(page, "table-views-saved", within="[aria-label='Table controls']")
    page.get_by_label("New name").fill("All that recurs")
    page.get_by_role("button", name="Rename").click()
    page.goto(f"/companies/{inside.id}/revenue-mapping")
    views.click()
    page.get_by_role("link", name="All that recurs").click()

    expect(page.get_by_role("list", name="Active filters").get_by_role("listitem")).to_have_count(3)
    expect(page.get_by_role("region", name="Revenue lines")).to_have_class("lines compact")


def test_an_export_is_scheduled_from_the_table_paused_and_deleted(page: Page, inside: Company) -> None:
    page.goto(f"/companies/{inside.id}/revenue-mapping?cadence=monthly")
    page.get_by_text("Export", exact=True).click()
    page.get_by_role("link", name="Schedule…").click()
    page.get_by_label(inside.email).check()
    page.get_by_role("button", name="Schedule", exact=True).click()

    schedule = page.get_by_role("region", name="Excel, every month on day 1")
    expect(schedule).to_contain_text("Cadence: Monthly")
    page.get_by_text("Schedule an export").click()
    check_looks(page, "settings-exports")
    schedule.get_by_role("button", name="Pause").click()
    expect(schedule).to_contain_text("None while paused")
    schedule.get_by_role("link", name="Delete this schedule").click()
    check_looks(page, "settings-exports-delete")
    schedule.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Deleted.")).to_be_visible()
    expect(schedule).to_have_count(0)


def test_who_is_not_connected_is_told_what_to_do(page: Page, company: Company) -> None:
    company.enter(page.context)
    for name, path in (
        ("settings-not-connected", "/settings/integrations"),
        ("table-not-connected", f"/companies/{company.id}/revenue-mapping"),
    ):
        page.goto(path)
        expect(page.get_by_role("main").get_by_role("link", name="Connect Stripe")).to_be_visible()
        check_looks(page, name)
