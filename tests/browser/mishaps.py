"""Errors in a browser that no page shows: console errors, script errors, failed requests, policy violations."""

import re
from dataclasses import dataclass, field
from typing import Self

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, WebError

# Runs in every page before the page's own scripts, whatever its Content-Security-Policy.
_TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`broke ${event.effectiveDirective} with ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`))
"""


@dataclass
class Mishaps:
    """The errors in the pages of a context, and those that the test expects."""

    told: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, context: BrowserContext) -> Self:
        """Return the mishaps of a context, watched from now on."""
        mishaps = cls()
        context.add_init_script(_TELL_VIOLATIONS)
        context.on("console", mishaps.hear_console)
        context.on("weberror", mishaps.hear_error)
        context.on("requestfailed", mishaps.hear_failure)
        return mishaps

    def expect(self, pattern: str) -> None:
        """Expect one mishap. A document or fetch with a status of 400 or above is a mishap, too.

        The pattern is a regular expression, for example `status of 404`.
        """
        self.expected.append(pattern)

    def unforeseen(self) -> list[str]:
        """Return the mishaps that were not expected, and the expectations that were not met."""
        left = list(self.told)
        missed = []
        for pattern in self.expected:
            found = next((one for one in left if re.search(pattern, one)), None)
            if found is None:
                missed.append(f"expected, and did not happen: {pattern}")
            else:
                left.remove(found)
        return left + missed

    def forget(self) -> None:
        """Forget what happened and what was expected."""
        self.told.clear()
        self.expected.clear()

    def hear_console(self, message: ConsoleMessage) -> None:
        # Browsers request /favicon.ico by themselves when a page names no icon.
        if message.type == "error" and not message.location["url"].endswith("/favicon.ico"):
            self.told.append(f"console: {message.text} ({message.location['url']})")

    def hear_error(self, error: WebError) -> None:
        self.told.append(f"script: {error.error}")

    def hear_failure(self, request: Request) -> None:
        # Requests that are unfinished when a page is left are aborted, and so are downloads when they are handed over.
        if request.failure != "net::ERR_ABORTED":
            self.told.append(f"request: {request.method} {request.url}: {request.failure}")
