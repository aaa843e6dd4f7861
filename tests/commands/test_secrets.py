"""An operator rotates the data keys."""

from base64 import urlsafe_b64encode

import pytest
from sqlalchemy import Engine

from tenants.companies import add_company
from tenants.data_keys import key_id
from tenants.people.second_factors import new_secret, spend_code, turn_on
from tenants.people.totp import code_at, step_at
from tenants.people.users import add_user
from tenants.secrets import SecretBox, find_secret, keep_secret
from tests.commands.conftest import Run
from tests.support.clock import NOON
from tests.support.commands import error_of, json_of

OLD, NEW = b"o" * 32, b"n" * 32


def test_the_command_rotates_and_says_which_key_is_lacking(
    run: Run, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def set_keys(*keys: bytes) -> None:
        monkeypatch.setenv("ENCRYPTION_KEYS", ",".join(urlsafe_b64encode(key).decode() for key in keys))

    with engine.begin() as connection:
        company_id = add_company(connection, "Zed Inc").id
        keep_secret(connection, SecretBox([OLD]), company_id, "restricted_key", "rk_live_planted")
        user_id, secret = add_user(connection, "ada@example.org", password_hash=None).id, new_secret()
        turn_on(connection, SecretBox([OLD]), user_id, secret, code_at(secret, step_at(NOON)), now=NOON, keeps=0)

    set_keys(NEW)
    assert key_id(OLD) in error_of(run("secrets", "rotate"))
    set_keys(NEW, OLD)
    assert json_of(run("secrets", "status", "--json"))["keys"] == [
        {"key_id": key_id(OLD), "secrets": 2, "is_known": True, "is_newest": False}
    ]
    assert json_of(run("secrets", "rotate", "--json"))["resealed"] == 2
    assert json_of(run("secrets", "rotate", "--json"))["resealed"] == 0
    with engine.begin() as connection:
        assert find_secret(connection, SecretBox([NEW]), company_id, "restricted_key") == "rk_live_planted"
        spend_code(connection, SecretBox([NEW]), user_id, code_at(secret, step_at(NOON) + 1), now=NOON)
    monkeypatch.delenv("ENCRYPTION_KEYS")
    assert "ENCRYPTION_KEYS" in run("secrets", "status").stderr
