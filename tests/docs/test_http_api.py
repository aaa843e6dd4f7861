"""docs/http-api.md names the routes that are served, with the roles they need."""

import re

from app.webhooks.door import MAX_BODY_BYTES
from tenants.roles import ROLES
from tests.docs.markdown import DOCS, named_in, rows, section
from tests.docs.served import Served, served

PAGE = DOCS / "http-api.md"
_ROUTE = re.compile(r"[A-Z]+ /\S*")


def routes_in(cell: str) -> list[str]:
    return [name for name in named_in(cell) if _ROUTE.fullmatch(name)]


def test_tables_name_the_routes_that_are_served_and_no_other() -> None:
    documented = [route for row in rows(PAGE.read_text()) for route in routes_in(row[0])]

    assert {"POST /webhooks/stripe", "GET /readyz", "GET /docs"} <= set(documented)
    assert sorted(documented) == sorted(one.route for one in served())


def test_tables_give_the_roles_that_routes_need() -> None:
    tables = section(PAGE, "Routes for programs") + section(PAGE, "Routes for people")
    told = {Served(route, None if role == "–" else role) for cell, role, _ in rows(tables) for route in routes_in(cell)}

    assert {one.role for one in told} == {None, *ROLES}
    assert told == {one for one in served() if not one.route.startswith("POST /webhooks/")}


def test_roles_are_all_explained() -> None:
    assert [row[0] for row in rows(section(PAGE, "Authentication and roles"))] == list(ROLES)


def test_webhooks_are_refused_above_the_size_that_is_told() -> None:
    assert f"larger than {MAX_BODY_BYTES:,} bytes" in section(PAGE, "The webhook endpoint")
