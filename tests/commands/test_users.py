"""An operator adds and removes members and revokes keys; the company's log records each change."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from commands import register
from events.log.read import stream_events
from notices.mail import claim_letters
from runtime.clock import utc_now
from tenants.secrets import SecretBox
from tests.commands.conftest import Run
from tests.support.clock import SetClock
from tests.support.commands import error_of, json_of
from tests.support.web.people import Browser, signed_in
from tests.support.web.second_factors import turn_on

PASSWORD = "correct horse battery"
RunWithInput = Callable[..., Result]


@pytest.fixture
def run_with_input(run: Run) -> RunWithInput:
    """Return a function that runs a command with this text on its standard input."""
    app = Flask("revmap")
    register(app)
    runner = app.test_cli_runner()
    return lambda text, *words: runner.invoke(args=[str(word) for word in words], input=text)


@pytest.fixture
def company_id(run: Run) -> int:
    company_id: int = json_of(run("companies", "create", "Zed Inc"))["id"]
    return company_id


def access_facts(engine: Engine, company_id: int) -> list[tuple[str, str | None, str | None]]:
    with engine.connect() as connection:
        return [(fact.type, fact.entity, fact.actor) for fact in stream_events(connection, company_id)]


def create(
    run_with_input: RunWithInput,
    company_id: int,
    role: str,
    *,
    password: str = PASSWORD,
    email: str = "Ada@Example.org",
) -> dict:
    words = ("users", "create", email, "--company", company_id, "--role", role, "--password-stdin", "--json")
    return json_of(run_with_input(password + "\n", *words))


def test_somebody_who_was_created_signs_in(run_with_input: RunWithInput, company_id: int, app: Flask) -> None:
    created = create(run_with_input, company_id, "viewer")

    assert {name: created[name] for name in ("email", "company_id", "role", "is_new")} == {
        "email": "ada@example.org",
        "company_id": company_id,
        "role": "viewer",
        "is_new": True,
    }
    browser = Browser(app)
    assert browser.sign_in(password=PASSWORD).status_code == 303
    assert browser.get(f"/v1/companies/{company_id}/connection").status_code == 200


def test_a_password_is_asked_for_twice_and_not_shown(run_with_input: RunWithInput, company_id: int, app: Flask) -> None:
    words = ("users", "create", "ada@example.org", "--company", company_id, "--role", "admin")

    created = run_with_input(f"{PASSWORD}\n{PASSWORD}\n", *words)

    assert created.exit_code == 0, created.output
    assert PASSWORD not in created.output
    assert Browser(app).sign_in(password=PASSWORD).status_code == 303


def test_creating_somebody_again_changes_the_role_and_not_the_password(
    run_with_input: RunWithInput, company_id: int, app: Flask, engine: Engine
) -> None:
    create(run_with_input, company_id, "viewer")

    again = create(run_with_input, company_id, "admin", password="another password entirely")
    once_more = create(run_with_input, company_id, "admin")

    assert (again["is_new"], again["is_changed"], once_more["is_changed"]) == (False, True, False)
    assert Browser(app).sign_in(password=PASSWORD).status_code == 303
    about = f"user:{again['id']}"
    assert access_facts(engine, company_id) == [
        ("access.member_added", about, "operator"),
        ("access.member_role_changed", about, "operator"),
    ]


def test_somebody_who_was_removed_is_out_with_the_next_request(
    run_with_input: RunWithInput, run: Run, company_id: int, app: Flask, engine: Engine
) -> None:
    create(run_with_input, company_id, "admin")
    browser = Browser(app)
    browser.sign_in()

    gone = [json_of(run("users", "remove", "ADA@example.org", "--company", company_id, "--json")) for _ in range(2)]

    assert [one["removed"] for one in gone] == [True, False]
    assert browser.get(f"/v1/companies/{company_id}/connection").status_code == 404
    assert access_facts(engine, company_id)[-1][0] == "access.member_removed"
    assert json_of(run("users", "list", "--company", company_id, "--json")) == {"users": []}


def test_a_new_password_ends_all_sessions(run_with_input: RunWithInput, run: Run, company_id: int, app: Flask) -> None:
    create(run_with_input, company_id, "admin")
    browser = Browser(app)
    browser.sign_in()

    words = ("users", "set-password", "ada@example.org", "--password-stdin", "--json")
    changed = json_of(run_with_input("a new long password\n", *words))

    assert changed["sessions_ended"] == 1
    assert browser.get(f"/v1/companies/{company_id}/connection").status_code == 401
    assert browser.sign_in(password="a new long password").status_code == 303


def test_whoever_lost_phone_and_recovery_codes_is_let_in_by_the_operator(
    run: Run, company_id: int, app: Flask, engine: Engine, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = signed_in(app, engine, company_id)
    turn_on(browser, clock)
    monkeypatch.setenv("SMTP_URL", "smtp://mail.test")
    assert "ENCRYPTION_KEYS" in run("users", "reset-second-factor", "ada@example.org").stderr
    monkeypatch.setenv("ENCRYPTION_KEYS", urlsafe_b64encode(b"k" * 32).decode())
    words = ("users", "reset-second-factor", "Ada@example.org")

    reset = json_of(run(*words, "--json"))

    assert (reset["was_on"], reset["sessions_ended"]) == (True, 1)
    assert browser.sign_in().headers["Location"] == "/"
    assert access_facts(engine, company_id)[-1] == (
        "access.second_factor_turned_off",
        f"user:{reset['id']}",
        "operator",
    )
    (letter,) = claim_letters(engine, now=utc_now())
    assert (letter.recipient, letter.open(SecretBox([b"k" * 32]))[0]) == (
        "ada@example.org",
        "Your second factor was reset",
    )
    assert "There was no second factor of ada@example.org" in run(*words).stdout
    assert "no user" in error_of(run("users", "reset-second-factor", "nobody@example.org"))


@pytest.mark.parametrize(
    ("email", "password"), [("no address", PASSWORD), ("a@b", "short"), ("a@b", "x" * 300), ("a@b", "")]
)
def test_what_cannot_be_used_is_refused_in_a_sentence(
    run_with_input: RunWithInput, company_id: int, email: str, password: str
) -> None:
    words = ("users", "create", email, "--company", company_id, "--role", "viewer", "--password-stdin")

    message = error_of(run_with_input(password + "\n", *words))

    assert "characters" in message or "looks like" in message
    assert not password or password not in message


def test_nobody_is_added_to_a_company_that_does_not_exist(run_with_input: RunWithInput) -> None:
    words = ("users", "create", "a@b", "--company", 999, "--role", "viewer", "--password-stdin")

    assert "flask companies list" in error_of(run_with_input(PASSWORD + "\n", *words))


def test_people_are_listed_with_their_roles(run_with_input: RunWithInput, run: Run, company_id: int) -> None:
    create(run_with_input, company_id, "viewer")
    create(run_with_input, company_id, "admin", email="zoe@example.org")

    listed = json_of(run("users", "list", "--company", company_id, "--json"))["users"]

    assert [(one["email"], one["role"]) for one in listed] == [
        ("ada@example.org", "viewer"),
        ("zoe@example.org", "admin"),
    ]
    assert "zoe@example.org" in run("users", "list", "--company", company_id).stdout


def test_a_key_that_was_revoked_opens_nothing_and_stays_on_the_list(
    run: Run, company_id: int, client: FlaskClient, engine: Engine
) -> None:
    created = json_of(run("api-keys", "create", "--company", company_id, "--role", "viewer", "--json"))
    path, headers = f"/v1/companies/{company_id}/connection", {"Authorization": f"Bearer {created['key']}"}
    assert client.get(path, headers=headers).status_code == 200

    words = ("api-keys", "revoke", created["id"], "--company", company_id, "--json")
    revoked = [json_of(run(*words))["revoked"] for _ in range(2)]

    assert revoked == [True, False]
    assert client.get(path, headers=headers).status_code == 401
    (listed,) = json_of(run("api-keys", "list", "--company", company_id, "--json"))["api_keys"]
    assert (listed["prefix"], listed["role"]) == (created["prefix"], "viewer")
    assert listed["last_used_at"] is not None
    assert listed["revoked_at"] is not None
    assert created["key"] not in json.dumps(listed)
    about = f"api_key:{created['id']}"
    assert access_facts(engine, company_id) == [
        ("access.api_key_created", about, "operator"),
        ("access.api_key_revoked", about, "operator"),
    ]


def test_a_key_is_revoked_by_its_own_company_alone(run: Run, company_id: int) -> None:
    other = json_of(run("companies", "create", "Another"))["id"]
    created = json_of(run("api-keys", "create", "--company", company_id, "--role", "viewer", "--json"))

    assert "flask api-keys list" in error_of(run("api-keys", "revoke", created["id"], "--company", other))
    assert "flask api-keys list" in error_of(run("api-keys", "revoke", 999, "--company", company_id))


def test_somebody_without_a_password_cannot_sign_in_with_one(run: Run, company_id: int, app: Flask) -> None:
    words = (
        "users",
        "create",
        "ada@example.org",
        "--company",
        company_id,
        "--role",
        "viewer",
        "--no-password",
        "--json",
    )

    assert json_of(run(*words))["is_new"] is True
    assert Browser(app).sign_in(password=PASSWORD).status_code == 401
    assert Browser(app).sign_in(password="nobody has this password").status_code == 401
