"""What all commands have in common: an unknown company is reported, and instants in JSON are RFC 3339."""

import json
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.commands.conftest import Run
from tests.support.commands import error_of, json_of
from tests.support.company import company_with, record_events
from tests.support.payloads import ACCOUNT, event, new_invoice

OF_A_COMPANY = (
    ("api-keys", "create", "--role", "viewer"),
    ("api-keys", "list"),
    ("users", "create", "ada@example.org", "--role", "viewer", "--no-password"),
    ("users", "list"),
    ("users", "remove", "ada@example.org"),
    ("connections", "authorize", "--account", "acct_1"),
    ("events", "export"),
    ("projections", "resume"),
    ("projections", "skip", "--position", "1", "--reason", "none"),
    ("projections", "skip", "--position", "1", "--reason", "none", "--forged"),
    ("projections", "rebuild"),
    ("projections", "verify"),
    ("projections", "rollback"),
    ("projections", "cancel"),
)


@pytest.mark.parametrize("words", OF_A_COMPANY, ids=" ".join)
@pytest.mark.parametrize("shape", [(), ("--json",)])
def test_a_company_that_does_not_exist_is_reported_and_not_taken_for_an_empty_one(
    run: Run, words: tuple[str, ...], shape: tuple[str, ...]
) -> None:
    result = run(*words, "--company", 99, *shape)

    assert result.exit_code == 1
    assert "there is no company 99" in error_of(result)


def instants_in(value: Any) -> list[str]:
    """Return all strings in a JSON value whose names end in `_at`."""
    if isinstance(value, dict):
        instants = [instant for name, instant in value.items() if name.endswith("_at") and instant is not None]
        return instants + [one for below in value.values() for one in instants_in(below)]
    return [one for below in value for one in instants_in(below)] if isinstance(value, list) else []


def test_instants_in_json_are_rfc_3339_in_utc(run: Run, engine: Engine) -> None:
    company_id = company_with(engine, ACCOUNT)
    record_events(engine, event(new_invoice("in_1")))
    json_of(run("api-keys", "create", "--company", company_id, "--role", "viewer", "--json"))

    answers = [
        json_of(run("companies", "list", "--json")),
        json_of(run("api-keys", "list", "--company", company_id, "--json")),
        json_of(run("events", "status", "--json")),
        *map(json.loads, run("events", "export", "--company", company_id).stdout.splitlines()),
    ]

    for answer in answers:
        assert instants_in(answer)
        for instant in instants_in(answer):
            assert (instant[10], instant[-1]) == ("T", "Z"), instant
            assert datetime.fromisoformat(instant).tzinfo is not None
