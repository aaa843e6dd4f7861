"""How a page looks and reads: for everybody, in light and dark, on a desk and on a phone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.support.paths import ROOT

Viewport = Literal["desktop", "phone"]
Scheme = Literal["light", "dark"]

SIZES: dict[Viewport, ViewportSize] = {
    "desktop": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844},
}
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
on_every_viewport = pytest.mark.parametrize("viewport", SIZES)
in_every_scheme = pytest.mark.parametrize("color_scheme", SCHEMES)

AXE = Path(__file__).parent / "vendor/axe-core-4.14.1/axe.min.js"
_TALLEST_PIXELS = 3_000
SCREENSHOTS = ROOT / "var/screenshots"

# https://github.com/dequelabs/axe-core/blob/develop/doc/API.md: moderate and minor are advice.
_GRAVE = ("serious", "critical")
_RUN = """(rules) => axe.run(document, {preload: false, resultTypes: ["violations"], ...(rules && {runOnly: rules})})
  .then((found) => found.violations)"""
_OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def check_accessibility(page: Page, *rules: str) -> None:
    """Hold the page, as it looks now, to axe's rules, or to those named; fail with what is serious or critical."""
    if page.evaluate("() => typeof axe") == "undefined":
        # By the debugger's door: the page's Content-Security-Policy stays in force, and does not bind us.
        session = page.context.new_cdp_session(page)
        session.send("Runtime.evaluate", {"expression": AXE.read_text()})
        session.detach()
    told = [
        f"{found['impact']} {found['id']}: {found['help']}: {node['html']} {node['failureSummary']}"
        for found in page.evaluate(_RUN, list(rules) or None)
        if found["impact"] in _GRAVE
        for node in found["nodes"]
    ]
    assert not told, f"{page.url} is not for everybody:\n" + "\n".join(told)


def looks(page: Page) -> Iterator[str]:
    """Show the page in each size and colour in turn, give the look's name, and leave it as it was."""
    size = page.viewport_size
    assert size is not None
    was_dark = page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches")
    for viewport, wanted in SIZES.items():
        page.set_viewport_size(wanted)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            yield f"{viewport}-{scheme}"
    page.emulate_media(color_scheme="dark" if was_dark else "light")
    page.set_viewport_size(size)


def screenshot(page: Page, name: str) -> None:
    """Draw the page in every look into var/screenshots, as `name-phone-dark.png`."""
    for look in looks(page):
        _draw(page, name, look)


def check_looks(page: Page, name: str) -> None:
    """Check and draw the page in every look: axe has nothing against it, and it is never wider than its window."""
    for look in looks(page):
        _draw(page, name, look)
        assert page.evaluate(_OVERFLOW) <= 0, f"{page.url} is wider than its window ({look})"
        # Between light and dark nothing changes but the colours.
        check_accessibility(page, *(["color-contrast"] if look.endswith("dark") else []))


def _draw(page: Page, name: str, look: str) -> None:
    size = page.viewport_size
    assert size is not None
    height = min(page.evaluate("() => document.documentElement.scrollHeight"), _TALLEST_PIXELS)
    page.screenshot(
        path=SCREENSHOTS / f"{name}-{look}.png",
        full_page=True,
        clip={"x": 0, "y": 0, "width": size["width"], "height": height},
        animations="disabled",
    )
