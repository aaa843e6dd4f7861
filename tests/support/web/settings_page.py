"""Read the settings and sync pages of a company in a browser."""

import re
from dataclasses import dataclass
from html import unescape

from flask import Flask
from sqlalchemy import Engine

from tenants.roles import Role
from tests.support.company import company_with
from tests.support.web.people import Browser, signed_in


def text_of(html: str) -> str:
    """Return the text of a page's main part without its markup, on one line."""
    main = html.partition('<main id="main"')[2] or html
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())


@dataclass
class Reader:
    """A member of a company in a browser."""

    browser: Browser
    company_id: int

    @classmethod
    def of_new_company(
        cls, app: Flask, engine: Engine, role: Role = "admin", *, account: str = "acct_page"
    ) -> "Reader":
        company_id = company_with(engine, account)
        return cls(signed_in(app, engine, company_id, role), company_id)

    def settings(self) -> str:
        """Return the HTML of the settings page."""
        return self.page("/settings/integrations")

    def page(self, path: str) -> str:
        answer = self.browser.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def syncs(self, below: str = "") -> str:
        return self.page(self.path(f"/syncs{below}"))

    def path(self, below: str) -> str:
        return f"/companies/{self.company_id}{below}"

    def offers(self, html: str) -> set[str]:
        """Return the form actions below the company's path, and the link to Stripe, that a page offers."""
        forms = set(re.findall(r'action="(/companies/[^"]+)"', html))
        return {form.removeprefix(self.path("")) for form in forms} | set(re.findall(r'href="(/connect/stripe)', html))
