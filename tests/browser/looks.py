"""Checks of accessibility and layout: light and dark, desktop and phone. Screenshots of them for whoever asks."""

import os
import zlib
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.support.paths import ROOT
from tests.support.promises import is_proving

Viewport = Literal["desktop", "phone"]
Scheme = Literal["light", "dark"]

SIZES: dict[Viewport, ViewportSize] = {
    "desktop": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844},
}
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
on_every_viewport = pytest.mark.parametrize("viewport", SIZES)
# Every page is checked in all sizes anyway: what a phone adds to a whole story shows when proving.
on_a_phone_when_proving = pytest.mark.parametrize(
    "viewport",
    [
        "desktop",
        pytest.param("phone", marks=pytest.mark.promise("Pages: whole stories succeed on a phone", trials=(0, 1))),
    ],
)
in_every_scheme = pytest.mark.parametrize("color_scheme", SCHEMES)

AXE = Path(__file__).parent / "vendor/axe-core-4.14.1/axe.min.js"
_TALLEST_PIXELS = 3_000
SCREENSHOTS = ROOT / "var/screenshots"
# Only people look at them, and drawing them takes as long as all checks.
_SAVES_SCREENSHOTS = "REVMAP_SCREENSHOTS" in os.environ
_LOOKS: dict[str, tuple[Viewport, Scheme]] = {
    f"{viewport}-{scheme}": (viewport, scheme)
    for viewport in SIZES
    for scheme in SCHEMES
    # Dark differs from light only in colours, which are the same in every size.
    if _SAVES_SCREENSHOTS or (viewport, scheme) != ("phone", "dark")
}
_ALL_IS_CHECKED_IN = "desktop-light"
_FURTHER = ("phone-light", "desktop-dark")
_WIDTHS = ("desktop-light", "phone-light")
in_every_look = pytest.mark.promise(
    "Pages: for everybody, and no wider than the window, in every look", takes_long=True
)

# The impacts that fail a test: https://github.com/dequelabs/axe-core/blob/develop/doc/API.md. The others are advice.
_GRAVE = ("serious", "critical")
_RUN = """([within, except, rules]) => axe.run({include: within || document, ...(except && {exclude: except})},
    {preload: false, resultTypes: ["violations"], ...(rules.length && {runOnly: rules})})
  .then((found) => found.violations)"""
# All rows of a table are drawn alike: once all of them are checked, a few stand for all in the other looks.
_MORE_ROWS = "tbody tr:nth-child(n + 7)"
_OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def check_accessibility(page: Page, *rules: str, within: str | None = None, without: str | None = None) -> None:
    """Check the page as it looks now against axe's rules, or those named; fail on serious or critical violations.

    `within` selects a part of the page: only that is checked. `without` selects parts that are not.
    """
    if page.evaluate("() => typeof axe") == "undefined":
        # Through the debugger, which the page's Content-Security-Policy does not restrict.
        session = page.context.new_cdp_session(page)
        session.send("Runtime.evaluate", {"expression": AXE.read_text()})
        session.detach()
    violations = [
        f"{found['impact']} {found['id']}: {found['help']}: {node['html']} {node['failureSummary']}"
        for found in page.evaluate(_RUN, [within, without, list(rules)])
        if found["impact"] in _GRAVE
        for node in found["nodes"]
    ]
    assert not violations, f"{page.url} is not accessible:\n" + "\n".join(violations)


def looks(page: Page, names: Container[str] = _LOOKS) -> Iterator[str]:
    """Yield the name of each look while the page is in it: each size and colour scheme. Restore the page at the end."""
    size = page.viewport_size
    assert size is not None
    was_dark = page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches")
    for look, (viewport, scheme) in _LOOKS.items():
        if look in names:
            page.set_viewport_size(SIZES[viewport])
            page.emulate_media(color_scheme=scheme)
            yield look
    page.emulate_media(color_scheme="dark" if was_dark else "light")
    page.set_viewport_size(size)


def check_looks(page: Page, name: str, *, within: str | None = None) -> None:
    """Check accessibility in every look and that the page is not wider than its window.

    Pages share their styles. So in the suite, accessibility is checked at a desktop in light and in one of the other
    looks, which the name chooses; in all of them when proving, with LONG=1. `within` selects what is new in a page that
    was checked before: only that is checked for accessibility. If REVMAP_SCREENSHOTS is set, save screenshots to
    var/screenshots, as `name-phone-dark.png`.
    """
    everywhere = is_proving() or _SAVES_SCREENSHOTS
    chosen = _FURTHER if everywhere else {_FURTHER[zlib.crc32(name.encode()) % len(_FURTHER)]}
    for look in looks(page, _LOOKS if everywhere else {_ALL_IS_CHECKED_IN, *_WIDTHS, *chosen}):
        screenshot_here(page, f"{name}-{look}")
        if look in _WIDTHS:
            assert overflow(page) <= 0, f"{page.url} is wider than its window ({look})"
        if look == _ALL_IS_CHECKED_IN:
            check_accessibility(page, within=within)
        elif look in chosen:
            rules = ("color-contrast",) if look == "desktop-dark" else ()
            check_accessibility(page, *rules, within=within, without=_MORE_ROWS)


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    return int(page.evaluate(_OVERFLOW))


def screenshot_here(page: Page, name: str) -> None:
    """Save a screenshot of the page as it looks now, if REVMAP_SCREENSHOTS is set."""
    if not _SAVES_SCREENSHOTS:
        return
    size = page.viewport_size
    assert size is not None
    height = min(page.evaluate("() => document.documentElement.scrollHeight"), _TALLEST_PIXELS)
    page.screenshot(
        path=SCREENSHOTS / f"{name}.png",
        full_page=True,
        clip={"x": 0, "y": 0, "width": size["width"], "height": height},
        animations="disabled",
    )
