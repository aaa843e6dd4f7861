"""Creating and listing companies, and creating API keys."""

from hashlib import sha256

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, select

from tenants.roles import ROLES
from tenants.tables import api_key
from tests.commands.conftest import Run
from tests.support.commands import error_of, json_of
from tests.support.company import company_with
from tests.support.databases import as_worker_login


def test_a_company_is_printed_with_its_id(run: Run) -> None:
    created = run("companies", "create", "Zed Inc")
    as_json = run("companies", "create", "  Zed Sons  ", "--json")

    assert (list(json_of(created)), json_of(created)["name"]) == (["id", "name"], "Zed Inc")
    assert (list(json_of(as_json)), json_of(as_json)["name"]) == (["id", "name"], "Zed Sons")
    assert "Created company 1, Zed Inc" in created.stderr
    assert as_json.stderr == ""


def test_a_name_is_not_given_twice_by_mistake(run: Run) -> None:
    first = json_of(run("companies", "create", "Zed Inc"))["id"]

    assert f"company {first} has this name" in error_of(run("companies", "create", " Zed Inc"))
    assert json_of(run("companies", "create", "Zed Inc", "--again"))["id"] != first


def test_companies_are_listed_oldest_first(run: Run) -> None:
    created = [json_of(run("companies", "create", name, "--again")) for name in ("Zed", "Wool & Söhne", "Zed")]

    listed = json_of(run("companies", "list", "--json"))["companies"]

    assert [{"id": company["id"], "name": company["name"]} for company in listed] == created
    assert "Wool & Söhne" in run("companies", "list").stdout


def test_without_companies_the_list_says_how_to_make_one(run: Run) -> None:
    assert "flask companies create" in run("companies", "list").stdout
    assert json_of(run("companies", "list", "--json")) == {"companies": []}


def test_a_company_is_erased_once_its_name_is_given(engine: Engine, run: Run) -> None:
    company_id = json_of(run("companies", "create", "Zed Inc"))["id"]
    connected = company_with(engine, "acct_a")

    assert "disconnect it first" in error_of(run("companies", "erase", connected, "--yes"))
    assert "there is no company 999" in error_of(run("companies", "erase", 999, "--yes"))
    assert "Type the company's name" in error_of(run("companies", "erase", company_id))
    assert json_of(run("companies", "erase", company_id, "--yes", "--json"))["erasure"]["events"] == 0
    assert "is erased" in run("companies", "erase", company_id, "--yes").stdout
    assert [one["id"] for one in json_of(run("companies", "list", "--json"))["companies"]] == [connected]
    assert f"company {company_id}: 0 events, erased" in run("events", "verify").stdout


def test_only_the_owner_of_the_log_erases(run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    company_id = json_of(run("companies", "create", "Zed Inc"))["id"]
    monkeypatch.setenv("DATABASE_URL", as_worker_login(database_url))

    assert "DATABASE_OWNER_URL" in error_of(run("companies", "erase", company_id, "--yes"))


@pytest.mark.parametrize("name", ["", "   "])
def test_a_company_has_a_name(run: Run, name: str) -> None:
    assert "name" in error_of(run("companies", "create", name))
    assert json_of(run("companies", "list", "--json")) == {"companies": []}


def test_a_key_is_shown_once_and_kept_as_its_hash_alone(run: Run, engine: Engine) -> None:
    company_id = json_of(run("companies", "create", "Zed"))["id"]

    created = json_of(run("api-keys", "create", "--company", company_id, "--role", "viewer", "--json"))

    assert list(created) == ["id", "company_id", "role", "prefix", "key"]
    assert (created["company_id"], created["role"]) == (company_id, "viewer")
    assert created["key"].startswith(created["prefix"])
    assert len(created["key"]) > len(created["prefix"]) + 30
    with engine.connect() as connection:
        stored = connection.execute(select(api_key)).one()
    assert stored.key_sha256 == sha256(created["key"].encode()).digest()
    assert created["key"] not in repr(stored)


def test_a_key_opens_its_companys_table(run: Run, client: FlaskClient) -> None:
    company_id = json_of(run("companies", "create", "Zed"))["id"]
    for role in ROLES:
        created = run("api-keys", "create", "--company", company_id, "--role", role)
        assert created.stdout.count("\n") == 1
        assert "not be shown again" in created.stderr

        headers = {"Authorization": f"Bearer {created.stdout.strip()}"}

        assert client.get(f"/v1/companies/{company_id}/revenue-lines", headers=headers).status_code == 200
        assert client.get(f"/v1/companies/{company_id + 1}/revenue-lines", headers=headers).status_code == 404


def test_a_key_needs_a_company_that_exists_and_a_role_that_is_one(run: Run) -> None:
    company_id = json_of(run("companies", "create", "Zed"))["id"]

    assert "flask companies list" in error_of(run("api-keys", "create", "--company", 999, "--role", "viewer"))
    assert "owner" in error_of(run("api-keys", "create", "--company", company_id, "--role", "owner"))
    assert "0" in error_of(run("api-keys", "create", "--company", 0, "--role", "viewer"))
    assert "--role" in error_of(run("api-keys", "create", "--company", company_id))
    assert error_of(run("api-keys", "create", "--company", 2**63, "--role", "viewer"))
