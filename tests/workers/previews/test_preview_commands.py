"""`flask mapping preview` and `publish`: what the draft would change, and making it so."""

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import Engine

from commands import register
from tests.support.commands import error_of, json_of
from tests.support.company import catch_up
from tests.support.web.lines import line_of
from tests.support.web.rule_pages import Writer
from workers.previews.jobs import preview_with
from workers.wiring.tools import Tools


def test_a_draft_is_previewed_and_published(
    app: Flask, engine: Engine, tools: Tools, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    writer, operator = Writer(app, engine), Flask("revmap")
    register(operator)
    company = ("--company", str(writer.company_id))

    def run(*words: str) -> Result:
        return operator.test_cli_runner().invoke(args=["mapping", *words, *company])

    writer.mapper.add_lines(line_of("il_1", 3100))
    writer.draft(writer.to_saas("rule_a"), writer.to_saas("rule_b"))

    asked = json_of(run("preview", "--json"))
    assert asked["status"] == "queued"
    preview_id = str(asked["id"])
    assert "the preview is not ready" in error_of(run("publish", preview_id))
    preview_with(tools)
    publishing = json_of(run("publish", preview_id, "--note", "Begin", "--json"))
    assert (publishing["status"], publishing["note"]) == ("publishing", "Begin")
    assert publishing["lines"]["newly_mapped"] == 1
    preview_with(tools)
    catch_up(engine)
    assert run("publish", preview_id, "--wait").stdout == "Published as version 1.\n"
    assert writer.mapper.get("/rule-sets")["data"][0]["published_by"] == "operator"

    writer.draft(writer.to_saas("rule_b"), writer.to_saas("rule_a"))
    later = str(json_of(run("preview", "--json"))["id"])
    preview_with(tools)
    writer.mapper.publish([], 2)
    assert "other rules were published since" in error_of(run("publish", later))
    assert "has no preview 999" in error_of(run("publish", "999"))
