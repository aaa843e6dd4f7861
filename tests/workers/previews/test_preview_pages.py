"""Previews on pages: asked for, followed, read in money, published, and brought back."""

import pytest
from flask import Flask
from sqlalchemy import Engine

from tests.support.company import catch_up
from tests.support.web.lines import line_of
from tests.support.web.mapping_page import text_of
from tests.support.web.people import signed_in
from tests.support.web.rule_pages import Writer
from workers.previews.jobs import preview_with
from workers.wiring.tools import Tools


@pytest.fixture
def writer(app: Flask, engine: Engine) -> Writer:
    """Return a writer whose draft maps both lines of a company, by two rules of which the first takes all."""
    writer = Writer(app, engine)
    writer.mapper.add_lines(line_of("il_1", 3100), line_of("il_2", 500))
    writer.draft(writer.to_saas("rule_a", name="All of it"), writer.to_saas("rule_b", name="Never"))
    return writer


def asked(writer: Writer, below: str = "/previews") -> str:
    """Ask for a preview, and return where its page is."""
    answer = writer.send(below)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"].partition("/rules")[2])


def test_a_preview_is_followed_and_read_in_money(writer: Writer, tools: Tools, app: Flask, engine: Engine) -> None:
    preview = asked(writer)
    assert "Waiting for a worker" in writer.page(preview)
    assert "HX-Trigger" not in writer.get(f"{preview}/progress").headers
    assert "Follow the preview" in writer.page()
    preview_with(tools)
    assert writer.get(f"{preview}/progress").headers["HX-Trigger"] == "finished"

    shown = text_of(writer.page(preview))
    assert "Newly mapped 2" in shown
    assert "SaaS $0.00 $36.00 +$36.00" in shown
    assert "Unmapped $36.00 $0.00 −$36.00" in shown
    assert "Jan 2026 SaaS $0.00" in shown
    assert "1 All of it 2 2 2 Never 2 0 Shadowed by All of it" in shown
    assert "/revenue-mapping/lines/il_1" in writer.page(preview)
    listed = text_of(writer.page())
    assert "Look at the preview" in listed
    assert "All of it New Every line SaaS 2" in listed
    assert "Never New Every line SaaS Shadowed" in listed
    editor = signed_in(app, engine, writer.company_id, "editor", email="ed@zed.test")
    assert "An admin can publish these rules" in writer.get(preview, browser=editor).text
    assert writer.send(f"{preview}/publish", {"note": "x" * 501}).status_code == 422


def test_a6_what_came_since_a_preview_is_named_when_it_is_published(
    writer: Writer, tools: Tools, engine: Engine
) -> None:
    preview = asked(writer)
    preview_with(tools)
    writer.mapper.add_lines(line_of("il_3", 700), invoice_id="in_3")

    assert writer.send(f"{preview}/publish", {"note": "Begin"}).status_code == 303
    assert "Publishing" in writer.page(preview)
    preview_with(tools)
    catch_up(engine)

    shown = text_of(writer.page(preview))
    assert "Published as version 1 by ada@example.org" in shown
    assert "What came since the preview" in shown
    assert "SaaS $0.00 $7.00 +$7.00" in shown
    assert "Version 1 is in force Published by ada@example.org" in text_of(writer.page())


def test_a_version_is_looked_at_and_brought_back(writer: Writer, tools: Tools, engine: Engine) -> None:
    writer.mapper.publish([writer.to_saas("rule_a", name="All of it")], 1, "Begin")
    writer.mapper.publish([], 2, "Nothing")
    catch_up(engine)
    versions = text_of(writer.page("/versions"))
    assert "Version 2 In force" in versions
    assert "Begin" in versions
    assert "All of it Every line SaaS" in text_of(writer.page("/versions/1"))

    preview = asked(writer, "/versions/1/revert")
    preview_with(tools)
    shown = text_of(writer.page(preview))
    assert "Preview: back to version 1" in shown
    assert "Newly mapped 2" in shown
    writer.mapper.publish([], 3)
    assert writer.send(f"{preview}/publish").status_code == 409
    assert "Other rules were published since" in text_of(writer.page(preview))
    canceled = asked(writer)
    assert writer.send(f"{canceled}/cancel").status_code == 303
    assert "It was canceled" in text_of(writer.page(canceled))


def test_a_preview_opens_in_the_currency_of_most_lines_as_other_pages_do(writer: Writer, tools: Tools) -> None:
    writer.mapper.add_lines(line_of("il_3", 9_000_000, currency="jpy"), invoice_id="in_3")
    preview = asked(writer)
    preview_with(tools)

    shown = text_of(writer.page(preview))

    assert "SaaS $0.00 $36.00 +$36.00" in shown
