"""Read the documentation as tests compare it with the code."""

import re
from pathlib import Path

from tests.support.paths import ROOT

README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = (README, ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md")))

_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def section(page: Path, title: str) -> str:
    """Return the text below a heading, up to the next heading of the same rank or a higher one."""
    found = re.search(rf"^(#+) {re.escape(title)}$", page.read_text(), flags=re.MULTILINE)
    assert found is not None, f"{page.name} has no heading {title!r}"
    below = page.read_text()[found.end() :]
    return re.split(rf"^#{{1,{len(found[1])}}} ", below, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of all table rows in a text, without heads and rulers."""
    tables = re.findall(r"(?:^\|.*\n?)+", text, flags=re.MULTILINE)
    lines = [line for table in tables for line in table.splitlines()[2:]]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def named_in(text: str) -> list[str]:
    """Return everything that a text sets in code."""
    return re.findall(r"`([^`]+)`", text)


def links(page: Path) -> list[str]:
    """Return the targets of a page's links that lead to files of ours or to headings."""
    found = _LINK.findall(_FENCED.sub("", page.read_text()))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings have, as GitHub makes them."""
    return {_anchor(title) for title in _HEADING.findall(_FENCED.sub("", page.read_text()))}


def _anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
