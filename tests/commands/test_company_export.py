"""A company gets all that is kept about it, nothing of another one, and no secret."""

import json
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, text

from tenants.api_keys import create_api_key
from tenants.secrets import SecretBox, keep_secret
from tests.commands.conftest import Run
from tests.support.commands import error_of, json_of
from tests.support.every_table import companies_with_everything, rows_of

KEY = "rk_live_planted"


def plant(connection: Connection, company_id: int) -> list[bytes]:
    """Give a company secrets, and return all in which one would recognize them."""
    keep_secret(connection, SecretBox([bytes(32)]), company_id, "restricted_key", KEY)
    token = create_api_key(connection, company_id, "admin").key
    connection.exec_driver_sql("UPDATE user_account SET password_hash = 'planted hash'")
    connection.exec_driver_sql("SET LOCAL revmap.maintenance = 'on'")
    connection.exec_driver_sql(
        "UPDATE event_conflict SET payload_zstd = (SELECT payload_zstd FROM event ORDER BY 1 LIMIT 1)"
    )
    sealed = connection.scalars(text("SELECT sealed FROM secret UNION ALL SELECT key_sha256 FROM api_key")).all()
    texts = [KEY, token, "planted hash", *(bytes(one).hex() for one in sealed if len(one) > 1)]
    return [one.encode() for one in texts]


def table_of(connection: Connection, table: str, company_id: int) -> list[dict[str, Any]]:
    """Return a company's rows of a table without bytes, as PostgreSQL writes them in JSON."""
    rows = connection.scalars(
        text(f"SELECT CAST(to_jsonb(t) AS text) FROM {table} t WHERE company_id = :company_id"),  # noqa: S608
        {"company_id": company_id},
    )
    bytes_of = set(
        connection.scalars(
            text(
                "SELECT column_name FROM information_schema.columns WHERE table_name = :table AND data_type = 'bytea'"
            ),
            {"table": table},
        )
    )
    return [{name: value for name, value in json.loads(row).items() if name not in bytes_of} for row in rows]


def counted(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().splitlines()]


def test_all_of_a_company_is_exported_and_neither_a_neighbours_row_nor_a_secret(
    run: Run, engine: Engine, tmp_path: Path
) -> None:
    ours, _ = companies_with_everything(engine)
    with engine.begin() as connection:
        secrets = plant(connection, ours)
    target = tmp_path / "ours"
    target.mkdir()

    manifest = json_of(run("companies", "export", ours, target, "--json"))

    files = {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*.json*")}
    assert json.loads(files.pop("manifest.json")) == manifest
    assert {one["name"]: (one["rows"], one["bytes"], one["sha256"]) for one in manifest["files"]} == {
        name: (body.count(b"\n"), len(body), sha256(body).hexdigest()) for name, body in files.items()
    }
    with engine.connect() as connection:
        connection.exec_driver_sql("SET timezone = 'UTC'")
        for table in rows_of(connection, ours).keys() - {"event", "event_conflict"}:
            kept = table_of(connection, table, ours)
            assert counted(lines_of(target / f"tables/{table}.jsonl")) == counted(kept), table
            assert kept or table == "account_owner", table
    assert [one["email"] for one in lines_of(target / "tables/user_account.jsonl")] == ["both@zed.test", "one@zed.test"]
    assert len(lines_of(target / "tables/company.jsonl")) == 1
    assert (manifest["events"], len(lines_of(target / "event_conflicts.jsonl"))) == (
        len(files["events.jsonl"].splitlines()),
        1,
    )
    assert files["events.jsonl"] == run("events", "export", "--company", ours).stdout_bytes
    assert manifest["head"] in run("events", "status").stdout
    assert manifest["left_out"]["secret"] == ["sealed"]
    assert [one for one in secrets if any(one in body for body in files.values())] == []


def test_an_export_that_cannot_be_whole_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    company_id = json_of(run("companies", "create", "Zed Inc"))["id"]
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes").touch()

    assert "is not empty" in error_of(run("companies", "export", company_id, tmp_path / "full"))
    assert "there is no company 99" in error_of(run("companies", "export", 99, tmp_path / "none"))
    assert "No such file or directory" in error_of(run("companies", "export", company_id, tmp_path / "not" / "there"))
    assert [path.name for path in tmp_path.iterdir()] == ["full"]
