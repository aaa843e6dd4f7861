"""Somebody who looks at the revenue mapping table in a browser."""

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
    """A member of a company, and what the company's table is made of."""

    browser: Browser
    reader: Reader

    @classmethod
    def of_new_company(cls, app: Flask, engine: Engine, role: Role = "viewer") -> "Looker":
        reader = Reader.of_new_company(app.test_client(), engine)
        return cls(signed_in(app, engine, reader.company_id, role), reader)

    def path(self, below: str = "") -> str:
        return f"/companies/{self.reader.company_id}/revenue-mapping{below}"

    def get(self, below: str = "", /, **query: object) -> TestResponse:
        return self.browser.get(self.path(below), query_string=query)

    def fragment(self, below: str) -> TestResponse:
        """Ask as the page's script does."""
        return self.browser.get(self.path(below), headers={"HX-Request": "true"})

    def page(self, below: str = "", /, **query: object) -> str:
        """Give the text of a page that is there."""
        response = self.get(below, **query)
        assert response.status_code == 200, response.text
        return response.text

    def follow(self, address: str) -> str:
        """Give the text behind a link of a page."""
        response = self.browser.get(unescape(address))
        assert response.status_code == 200, response.text
        return response.text


def ids_in(page: str) -> list[str]:
    """Give the ids of the lines that a page or a part shows, in order."""
    return re.findall(r'<a class="line" href="[^"]*">([^<]*)</a>', page)


def headings_in(page: str) -> list[str]:
    """Give the headings of the table's columns, in order."""
    head = page[page.index('<tr aria-rowindex="1">') : page.index("</thead>")]
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<th [^>]*>(.*?)</th>", head, re.DOTALL)]


def row_of(page: str, line_id: str) -> str:
    """Give the row of a line as it stands in a page."""
    rows: list[str] = re.findall(r"<tr.*?</tr>", page, re.DOTALL)
    return next(row for row in rows if f">{line_id}</a>" in row)


def attribute(page: str, name: str) -> str:
    """Give the first value of an attribute."""
    found = re.search(rf'{name}="([^"]*)"', page)
    assert found, name
    return unescape(str(found[1]))


def text_of(page: str) -> str:
    """Give what a reader of a page reads."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
