"""What went wrong in a browser without anybody seeing it: errors in its console, failed requests, broken rules."""

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
    """All that went wrong in the pages of a context, and what the test said would."""

    told: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, context: BrowserContext) -> Self:
        """Watch a context from now on."""
        mishaps = cls()
        context.add_init_script(_TELL_VIOLATIONS)
        context.on("console", mishaps.hear_console)
        context.on("weberror", mishaps.hear_error)
        context.on("requestfailed", mishaps.hear_failure)
        return mishaps

    def expect(self, pattern: str) -> None:
        """Say that this one will happen, once. A document or a fetch with a status from 400 on is an error, too.

        The pattern is a regular expression, such as `status of 404`.
        """
        self.expected.append(pattern)

    def unforeseen(self) -> list[str]:
        """Give what happened and was not expected, and what was expected and did not happen."""
        left = list(self.told)
        missed = []
        for pattern in self.expected:
            found = next((one for one in left if re.search(pattern, one)), None)
            if found is None:
                missed.append(f"expected, and did not happen: {pattern}")
            else:
                left.remove(found)
        return left + missed

    def hear_console(self, message: ConsoleMessage) -> None:
        # For /favicon.ico a browser asks by itself, when a page names no icon.
        if message.type == "error" and not message.location["url"].endswith("/favicon.ico"):
            self.told.append(f"console: {message.text} ({message.location['url']})")

    def hear_error(self, error: WebError) -> None:
        self.told.append(f"script: {error.error}")

    def hear_failure(self, request: Request) -> None:
        # Aborted is what a page had not finished when it was left, and a download when it is handed over.
        if request.failure != "net::ERR_ABORTED":
            self.told.append(f"request: {request.method} {request.url}: {request.failure}")
