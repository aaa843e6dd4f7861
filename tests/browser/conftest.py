"""Fixtures for testing pages in a real browser against the whole product. An example:

    from playwright.sync_api import Page, expect
    from tests.browser.deployment import Deployment
    from tests.browser.looks import check_looks

    def test_an_editor_asks_for_a_sync_and_sees_it_end(page: Page, deployment: Deployment) -> None:
        company = deployment.company(role="editor", invoices=30)  # connected and synced
        company.enter(page.context)  # signed in without the form

        page.goto("/settings/integrations")
        page.get_by_text("Options", exact=True).click()
        page.get_by_role("button", name="Initiate Sync").click()

        expect(page.get_by_text("Last sync: succeeded")).to_be_visible()  # waits by itself, so never sleep
        check_looks(page, "settings-synced")  # axe and overflow, in all looks

| fixture | is |
|---|---|
| `page` | an empty page of `context`; paths are relative to the deployment |
| `context` | a browser context without pages, cookies or permissions; **the test fails** on any mishap in it |
| `mishaps` | what went wrong; `mishaps.expect("status of 404")` announces a mishap that belongs to the test |
| `company` | a new company with an admin and a Stripe account that is not connected and has no invoices |
| `deployment` | all processes; `deployment.company(role=, invoices=, is_connected=)` adds more companies |
| `viewport`, `color_scheme` | `desktop` and `light`, unless `@on_every_viewport` or `@in_every_scheme` asks for all |
| `shares_context` | whether tests may use the context one after the other; where one sets its clock, they may not |

Companies are never shared between tests, so tests can run in any order and number. Select by role and label, not by
class. To change something at Stripe, use `company.account.live`, which sends webhooks: see
sandbox/stripe/account/invoicing.py.
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

Contexts = dict[tuple[Viewport, Scheme], tuple[BrowserContext, Mishaps]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith("tests/browser/"):
            item.add_marker(pytest.mark.timeout(_TEST_SECONDS))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Yield the browser that all these tests share.

    It is closed after the last of them: while it is open, Playwright lets nothing else run an event loop.
    """
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
    """Yield the deployment that all these tests share. It has its own queues, because other tests empty theirs."""
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
def shares_context() -> bool:
    return True


@pytest.fixture(scope="package")
def contexts(browser: Browser) -> Iterator[Contexts]:
    """Yield the contexts that wait for a test. A new one costs a second: it has no scripts and styles yet."""
    waiting: Contexts = {}
    yield waiting
    for context, _ in waiting.values():
        context.close()


@pytest.fixture
def watched(
    contexts: Contexts,
    browser: Browser,
    deployment: Deployment,
    viewport: Viewport,
    color_scheme: Scheme,
    *,
    shares_context: bool,
) -> Iterator[tuple[BrowserContext, Mishaps]]:
    deployment.forget_attempts()
    look = viewport, color_scheme
    waiting = contexts.pop(look, None) if shares_context else None
    context, mishaps = waiting or new_context(browser, deployment.origin, look)
    yield context, mishaps
    for page in context.pages:
        page.close()
    unforeseen = mishaps.unforeseen()
    if shares_context:
        context.clear_cookies()
        context.clear_permissions()
        mishaps.forget()
        contexts[look] = context, mishaps
    else:
        context.close()
    assert not unforeseen, "in the browser:\n" + "\n".join(unforeseen)


def new_context(browser: Browser, origin: str, look: tuple[Viewport, Scheme]) -> tuple[BrowserContext, Mishaps]:
    viewport, color_scheme = look
    is_phone = viewport == "phone"
    context = browser.new_context(
        base_url=origin,
        viewport=SIZES[viewport],
        is_mobile=is_phone,
        has_touch=is_phone,
        color_scheme=color_scheme,
        reduced_motion="reduce",
        # Far from UTC, so that a page that shows the browser's local time fails its test.
        locale="en-GB",
        timezone_id="Pacific/Auckland",
    )
    context.set_default_timeout(_PATIENCE_MS)
    return context, Mishaps.of(context)


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
