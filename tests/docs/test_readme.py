"""The README says what is: its tables are held against the code they describe."""

import ast
import re
import tomllib

import click
import pytest
from flask import Flask

from app.factory import create_app
from backlog.queues import open_redis
from commands import register
from events.intake.group_append import GroupAppender
from runtime.clock import utc_now
from runtime.database import open_engine
from tests.support.paths import ROOT
from tests.support.web.tools import tools_on

README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()

_READERS = {
    "required",
    "required_list",
    "required_url",
    "optional",
    "optional_url",
    "whole_number",
    "_whole_number",
    "get",
}
_LINK = re.compile(r"\]\((?!https?://)([^)#]+)")


def section(title: str) -> str:
    """Give what stands under a heading of the README, up to the next one of its rank."""
    return re.split(r"^## ", README.partition(f"\n## {title}\n")[2], flags=re.MULTILINE)[0]


def named_in(text: str) -> set[str]:
    """Give everything that a text sets in code."""
    return set(re.findall(r"`([^`]+)`", text))


def first_cells(title: str) -> str:
    """Give the first column of the tables under a heading."""
    rows = (line for line in section(title).splitlines() if line.startswith("|"))
    return "\n".join(re.split(r"(?<!\\)\|", row)[1] for row in rows)


def name_of(called: ast.expr) -> str:
    """Give the last name of what is called."""
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def variables_read_by(path: str) -> set[str]:
    """Give the names of the environment variables that a module asks for."""
    calls = [node for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.Call)]
    asked = [call.args[0] for call in calls if name_of(call.func) in _READERS]
    names = {one.value for one in asked if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return {name for name in names if re.fullmatch(r"[A-Z][A-Z0-9_]+", name)}


def with_named_parameters(rule: str) -> str:
    """Give a route as the README and the OpenAPI document write it: `/v1/companies/{company_id}`."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def recipe_of(target: str) -> str:
    """Give the commands that make runs for a target."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, flags=re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.fixture
def idle_app() -> Flask:
    """An app whose tools are never used: nothing is connected before its first use."""
    engine = open_engine("postgresql://nobody@nowhere.test/none", name="readme", pool_size=1)
    redis = open_redis("redis://nowhere.test")
    appender = GroupAppender(engine, after_commit=lambda: None)
    return create_app(tools_on(engine, redis, appender=appender, clock=utc_now))


def test_settings_table_names_the_variables_that_are_read_and_no_other() -> None:
    modules = ("app/wiring/settings.py", "workers/wiring/settings.py", "gunicorn.conf.py", "sandbox/run.py")

    read = set().union(*map(variables_read_by, modules))

    assert read >= {"DATABASE_URL", "STRIPE_API_BASE", "STRIPE_WEBHOOK_SECRETS", "PORT"}
    assert named_in(first_cells("Settings")) == read


def test_http_table_names_the_routes_that_are_served_and_no_other(idle_app: Flask) -> None:
    served = {
        f"{method} {with_named_parameters(rule.rule)}"
        for rule in idle_app.url_map.iter_rules()
        if rule.endpoint != "static"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert {"POST /webhooks/stripe", "GET /readyz", "GET /docs"} <= served
    assert {one for one in named_in(first_cells("HTTP")) if re.match(r"[A-Z]+ /", one)} == served


def test_commands_table_names_every_flask_command_and_no_other() -> None:
    app = Flask("readme")
    register(app)
    alone = {f"flask {name}" for name, command in app.cli.commands.items() if not isinstance(command, click.Group)}
    grouped = {
        f"flask {group_name} {name}"
        for group_name, group in app.cli.commands.items()
        if isinstance(group, click.Group)
        for name in group.commands
    }

    named = [one.split() for one in named_in(first_cells("Commands")) if one.startswith("flask ")]
    told = {" ".join(words[: 2 if " ".join(words[:2]) in alone else 3]) for words in named}

    assert "flask db upgrade" in grouped
    assert "flask sync" in alone
    assert told == alone | grouped


def test_ci_runs_the_test_command_that_the_readme_names() -> None:
    named = re.search(r"\| `make test` \|[^\n]*?`\.venv/bin/(python -m pytest[^`]*)`", README)
    assert named is not None

    assert named[1].replace("python", "$(python)", 1) in recipe_of("test")
    assert re.search(r"\$\(MAKE\)[^\n]* test\n", recipe_of("check"))
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("make check")


def test_processes_to_deploy_are_those_of_the_procfile() -> None:
    processes = re.findall(r"^(\w+):", (ROOT / "Procfile").read_text(), flags=re.MULTILINE)

    order = re.search(r"Start in this order:(.*?)\. Any", section("Deploy"), flags=re.DOTALL)

    assert order is not None
    assert re.findall(r"\*\*(\w+)\*\*", order[1]) == processes


def test_layout_names_every_package() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]

    assert {f"{package}/" for package in packages} <= named_in(first_cells("Layout"))


@pytest.mark.parametrize("path", ["README.md", "CHANGELOG.md", "docs/style.md"])
def test_links_lead_somewhere(path: str) -> None:
    document = ROOT / path

    assert [link for link in _LINK.findall(document.read_text()) if not (document.parent / link).exists()] == []


def test_every_decision_has_its_number_and_all_its_parts() -> None:
    records = sorted((ROOT / "docs/adr").glob("*.md"))

    for number, record in enumerate(records, start=1):
        text = record.read_text()
        assert record.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
            "What would change our mind",
        ]
