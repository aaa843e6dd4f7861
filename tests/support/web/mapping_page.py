"""Look at the revenue mapping table in a browser, and read its pages."""

import re
from dataclasses import dataclass
from html import unescape

from flask import Flask
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from tenants.roles import Role
from tests.support.web.lines import Reader
from tests.support.web.people import Browser, signed_in


@dataclass(frozen=True, slots=True)
class Visitor:
    """A member of a company in a browser, and a reader that fills the company's table."""

    browser: Browser
    reader: Reader

    @classmethod
    def of_new_company(cls, app: Flask, engine: Engine, role: Role = "viewer") -> "Visitor":
        reader = Reader.of_new_company(app.test_client(), engine)
        return cls(signed_in(app, engine, reader.company_id, role), reader)

    def path(self, below: str = "") -> str:
        return f"/companies/{self.reader.company_id}/revenue-mapping{below}"

    def get(self, below: str = "", /, **query: object) -> TestResponse:
        return self.browser.get(self.path(below), query_string=query)

    def fragment(self, below: str) -> TestResponse:
        """Request a fragment as the page's script does."""
        return self.browser.get(self.path(below), headers={"HX-Request": "true"})

    def page(self, below: str = "", /, **query: object) -> str:
        """Return the HTML of a page, having checked that the status is 200."""
        response = self.get(below, **query)
        assert response.status_code == 200, response.text
        return response.text

    def follow(self, address: str) -> str:
        """Return the HTML behind a link of a page, having checked that the status is 200."""
        response = self.browser.get(unescape(address))
        assert response.status_code == 200, response.text
        return response.text


def ids_in(page: str) -> list[str]:
    """Return the ids of the lines that a page or fragment shows, in order."""
    return re.findall(r'<a class="line" href="[^"]*" title="([^"]*)">', page)


def headings_in(page: str) -> list[str]:
    """Return the headings of the table's columns, in order."""
    head = page[page.index('<tr role="row" aria-rowindex="1">') : page.index("</thead>")]
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<th [^>]*>(.*?)</th>", head, re.DOTALL)]


def row_of(page: str, line_id: str) -> str:
    """Return the HTML of a line's row in a page."""
    rows: list[str] = re.findall(r"<tr.*?</tr>", page, re.DOTALL)
    return next(row for row in rows if f'title="{line_id}">' in row)


def attribute(page: str, name: str) -> str:
    """Return the first value of an attribute in a page."""
    found = re.search(rf'{name}="([^"]*)"', page)
    assert found, name
    return unescape(str(found[1]))


def text_of(page: str) -> str:
    """Return the text of a page without its markup, on one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
