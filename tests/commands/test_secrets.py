"""An operator rotates the data keys."""

from base64 import urlsafe_b64encode

import pytest
from sqlalchemy import Engine

from notices.endpoint_secrets import new_secret
from notices.mail import queue_mail
from tenants.companies import add_company
from tenants.data_keys import key_id
from tenants.lost_secrets import forget_sealed_under
from tenants.people.second_factors import new_secret as new_factor
from tenants.people.second_factors import spend_code, turn_on
from tenants.people.totp import code_at, step_at
from tenants.people.users import add_user
from tenants.secrets import SecretBox, find_secret, keep_secret
from tests.commands.conftest import Run
from tests.support.clock import NOON
from tests.support.commands import error_of, json_of
from tests.support.company import company_with
from tests.support.endpoints import new_endpoint

OLDER, OLD, NEW = b"e" * 32, b"o" * 32, b"n" * 32


def test_the_command_rotates_and_says_which_key_is_lacking(
    run: Run, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def set_keys(*keys: bytes) -> None:
        monkeypatch.setenv("ENCRYPTION_KEYS", ",".join(urlsafe_b64encode(key).decode() for key in keys))

    with engine.begin() as connection:
        company_id = add_company(connection, "Zed Inc").id
        keep_secret(connection, SecretBox([OLD]), company_id, "restricted_key", "rk_live_planted")
        keep_secret(connection, SecretBox([OLDER]), company_id, "webhook_secret", "whsec_planted")
        user_id, secret = add_user(connection, "ada@example.org", password_hash=None).id, new_factor()
        turn_on(connection, SecretBox([OLD]), user_id, secret, code_at(secret, step_at(NOON)), now=NOON, keeps=0)

    set_keys(NEW, OLDER)
    assert f"all else is resealed, but ENCRYPTION_KEYS lacks {key_id(OLD)}" in error_of(run("secrets", "rotate"))
    with engine.begin() as connection:
        assert find_secret(connection, SecretBox([NEW]), company_id, "webhook_secret") == "whsec_planted"
        forget_sealed_under(connection, key_id(NEW))
    set_keys(NEW, OLD)
    assert json_of(run("secrets", "status", "--json")) == {
        "keys": [{"key_id": key_id(OLD), "secrets": 2, "is_known": True, "is_newest": False}],
        "lost": [],
    }
    assert json_of(run("secrets", "rotate", "--json"))["resealed"] == 2
    assert json_of(run("secrets", "rotate", "--json"))["resealed"] == 0
    with engine.begin() as connection:
        assert find_secret(connection, SecretBox([NEW]), company_id, "restricted_key") == "rk_live_planted"
        spend_code(connection, SecretBox([NEW]), user_id, code_at(secret, step_at(NOON) + 1), now=NOON)
    assert "nothing under it is lost" in error_of(run("secrets", "forget", key_id(NEW), "--yes"))
    monkeypatch.delenv("ENCRYPTION_KEYS")
    assert "ENCRYPTION_KEYS" in run("secrets", "status").stderr


def test_what_is_lost_with_a_key_is_named_with_what_to_do_and_forgotten_at_last(
    run: Run, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, kept = SecretBox([OLD]), SecretBox([b"k" * 32])
    company_id = company_with(engine, "acct_zed")
    endpoint_id, _ = new_endpoint(engine, company_id, "https://zed.test")
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM webhook_secret")
        keep_secret(connection, lost, company_id, "restricted_key", "rk_live_planted")
        keep_secret(connection, kept, company_id, "webhook_secret", "whsec_planted")
        new_secret(connection, lost, company_id, endpoint_id, now=NOON)
        user_id, secret = add_user(connection, "ada@example.org", password_hash=None).id, new_factor()
        turn_on(connection, lost, user_id, secret, code_at(secret, step_at(NOON)), now=NOON, keeps=0)
        queue_mail(connection, lost, company_id=None, to="a@zed.test", subject="x", text="y", now=NOON)
        keep_secret(connection, kept, add_company(connection, "Zed Sons").id, "access_token", "planted")
        connection.exec_driver_sql("UPDATE secret SET sealed = sealed || 'x' WHERE name = 'access_token'")
    monkeypatch.setenv("ENCRYPTION_KEYS", urlsafe_b64encode(b"k" * 32).decode())

    told = json_of(run("secrets", "status", "--json"))["lost"]
    shown = run("secrets", "status").stdout

    assert [(one["company_id"], one["kind"], one["endpoint_id"]) for one in told] == [
        (company_id, "restricted_key", None),
        (company_id + 1, "access_token", None),
        (None, "second_factor", None),
        (company_id, "endpoint_secret", endpoint_id),
        (None, "mail", None),
    ]
    assert told[2]["user_id"] == user_id
    assert {one["key_id"] for one in told} == {key_id(OLD), key_id(b"k" * 32)}
    assert "enter the account's restricted key again" in shown
    assert "planted" not in shown
    assert json_of(run("secrets", "forget", key_id(OLD), "--yes", "--json"))["forgotten"] == 4
    assert [one["kind"] for one in json_of(run("secrets", "status", "--json"))["lost"]] == ["access_token"]
