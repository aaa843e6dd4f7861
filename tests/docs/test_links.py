"""Links lead somewhere, and every page can be found."""

from pathlib import Path

import pytest

from tests.docs.markdown import DOCS, PAGES, README, anchors, links
from tests.support.paths import ROOT


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page

        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_index_names_every_page_once() -> None:
    pages = sorted(page.name for page in DOCS.glob("*.md") if page.name != "README.md")

    assert sorted(links(DOCS / "README.md")) == sorted(["adr/", *pages])


def test_readme_leads_to_the_index() -> None:
    assert {"docs/README.md", "CHANGELOG.md"} <= set(links(README))
