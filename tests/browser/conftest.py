"""A real browser in front of the whole product. This is how a page is tested:

    from playwright.sync_api import Page, expect
    from tests.browser.deployment import Deployment
    from tests.browser.looks import check_looks

    def test_an_editor_asks_for_a_sync_and_sees_it_end(page: Page, deployment: Deployment) -> None:
        company = deployment.company(role="editor", invoices=30)  # connected, its table filled
        company.enter(page.context)  # signed in, without the form

        page.goto("/settings/integrations")
        page.get_by_role("button", name="Sync now").click()

        expect(page.get_by_text("Complete")).to_be_visible()  # waits by itself; nothing sleeps
        check_looks(page, "settings-synced")  # axe, no overflow, and screenshots, in all four looks

| fixture | is |
|---|---|
| `page` | an empty page of `context`; paths are relative to the deployment |
| `context` | a browser context of the test's own; **the test fails** for any mishap in it |
| `mishaps` | what went wrong: `mishaps.expect("status of 404")` names beforehand what belongs to the test |
| `company` | a fresh company: an admin, and a Stripe account without invoices that is not connected |
| `deployment` | all processes; `deployment.company(role=, invoices=, is_connected=)` makes more companies |
| `viewport`, `color_scheme` | `desktop` and `light`, unless `@on_every_viewport` or `@in_every_scheme` asks for all |

Companies are never shared between tests, so that any order and any number of tests may go by. Select by role and
label, not by class. What happens at Stripe is made with `company.account.live`, whose moves are told by webhook:
see sandbox/stripe/account/invoicing.py.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from runtime.database import open_engine
from sandbox.postgres import PostgresServer
from sandbox.valkey import ValkeyServer
from tests.browser.deployment import Company, Deployment
from tests.browser.looks import SIZES, Scheme, Viewport
from tests.browser.mishaps import Mishaps
from tests.support.chromium import MISSING, chromium, launch_arguments
from tests.support.databases import new_database

_PATIENCE_MS = 15_000
# The first test waits for all processes to start.
_TEST_SECONDS = 150


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(_TEST_SECONDS))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Give the one browser of these tests. It ends with them: Playwright lets nobody else run an event loop."""
    path = chromium()
    if path is None:
        pytest.skip(MISSING)
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=launch_arguments())
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def deployment(
    browser: Browser, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Give the one deployment of these tests. Its queues are its own: other tests empty theirs."""
    with (
        new_database(postgres) as database_url,
        ValkeyServer.start(Path(tmp_path_factory.mktemp("queues")), durable=False) as valkey,
    ):
        engine = open_engine(database_url, name="tests", pool_size=2)
        with Deployment.started(engine, database_url, valkey.url) as running:
            yield running
        engine.dispose()


@pytest.fixture
def viewport() -> Viewport:
    return "desktop"


@pytest.fixture
def color_scheme() -> Scheme:
    return "light"


@pytest.fixture
def watched(
    browser: Browser, deployment: Deployment, viewport: Viewport, color_scheme: Scheme
) -> Iterator[tuple[BrowserContext, Mishaps]]:
    deployment.forget_attempts()
    is_phone = viewport == "phone"
    context = browser.new_context(
        base_url=deployment.origin,
        viewport=SIZES[viewport],
        is_mobile=is_phone,
        has_touch=is_phone,
        color_scheme=color_scheme,
        reduced_motion="reduce",
        # Far from UTC, so that a page that shows the browser's own time is found out.
        locale="en-GB",
        timezone_id="Pacific/Auckland",
    )
    context.set_default_timeout(_PATIENCE_MS)
    mishaps = Mishaps.of(context)
    yield context, mishaps
    context.close()
    unforeseen = mishaps.unforeseen()
    assert not unforeseen, "in the browser:\n" + "\n".join(unforeseen)


@pytest.fixture
def context(watched: tuple[BrowserContext, Mishaps]) -> BrowserContext:
    return watched[0]


@pytest.fixture
def mishaps(watched: tuple[BrowserContext, Mishaps]) -> Mishaps:
    return watched[1]


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def company(deployment: Deployment) -> Company:
    return deployment.company()
