"""`flask db distribute`: what it asks for, does, and leaves alone when it fails.

Citus is simulated: see tests/support/citus.sql.
"""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import Engine, make_url, text

from commands import register
from migrations.rights import held_rights, listed_rights
from migrations.run import upgrade
from runtime.database import open_engine
from runtime.roles import ALL
from sandbox.postgres import PostgresServer
from tests.support.citus import calls, in_schema, install
from tests.support.commands import error_of, json_of
from tests.support.databases import new_database

SCHEMA = "revmap_1"
Distribute = Callable[..., Result]


@pytest.fixture
def database_url(postgres: PostgresServer) -> Iterator[str]:
    """Yield the address of a migrated database that no other test has."""
    with new_database(postgres) as url:
        yield url
        # Roles are shared by all databases of the server.
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            for role in ALL:
                connection.execute(f"ALTER ROLE {role} NOLOGIN")


@pytest.fixture
def admin(database_url: str) -> Iterator[Engine]:
    """Yield an engine of the server's administrator, which names no schema."""
    engine = open_engine(database_url, name="admin", pool_size=2)
    yield engine
    engine.dispose()


@pytest.fixture
def cluster(admin: Engine) -> None:
    with admin.begin() as connection:
        install(connection)


@pytest.fixture
def distribute(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Distribute:
    monkeypatch.setenv("DATABASE_URL", in_schema(database_url, SCHEMA))
    app = Flask("revmap")
    register(app)
    return lambda *words: app.test_cli_runner().invoke(args=["db", *(words or ("distribute", "--json"))])


def catalogue(engine: Engine) -> list[str]:
    """Return where everything is and how it is set, to see that nothing was changed."""
    with engine.connect() as connection:
        return list(
            connection.scalars(
                text("""
                SELECT 'table ' || relname || relnamespace::regnamespace || relforcerowsecurity FROM pg_class
                WHERE relnamespace <> ALL (ARRAY['pg_catalog', 'information_schema']::regnamespace[])
                UNION ALL SELECT 'function ' || p.oid::regprocedure || coalesce(proconfig::text, '') FROM pg_proc p
                WHERE pronamespace <> 'pg_catalog'::regnamespace
                UNION ALL SELECT 'role ' || rolname || rolcanlogin FROM pg_roles
                UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp' ORDER BY 1
                """)
            )
        )


@pytest.mark.usefixtures("cluster")
def test_tables_are_moved_and_distributed_and_their_functions_brought_to_the_nodes_once(
    distribute: Distribute, admin: Engine, database_url: str
) -> None:
    with admin.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE theirs (); CREATE FUNCTION theirs() RETURNS void LANGUAGE sql AS ''")
    first, again = json_of(distribute()), json_of(distribute())

    with admin.connect() as connection:
        called = calls(connection)
        left = connection.scalars(
            text("""
                SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')
                UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            """)
        ).all()
        forced = connection.scalar(text("SELECT count(*) FROM pg_class WHERE relforcerowsecurity"))
        paths = set(
            connection.scalars(
                text("SELECT proconfig[1] FROM pg_proc WHERE prosecdef AND pronamespace = CAST(:name AS regnamespace)"),
                {"name": SCHEMA},
            )
        )
    assert [one.split()[0] for one in first["done"]] == ["moved", "took", "fixed", "distributed", "brought", "let"]
    assert called[0] == f"citus_schema_distribute({SCHEMA})"
    assert len(called) > 4
    assert all(one.startswith("create_distributed_function(") for one in called[1:])
    assert (left, forced, paths) == (["theirs", "theirs"], 0, {f"search_path={SCHEMA}, pg_temp"})
    assert again == {"schema": SCHEMA, "done": []}
    assert f"The schema {SCHEMA} is distributed." in distribute("distribute").stdout
    # Each role has what it had, there.
    own = open_engine(in_schema(database_url, SCHEMA), name="own", pool_size=1)
    with own.connect() as connection:
        assert held_rights(connection) == listed_rights()
    own.dispose()


@pytest.mark.usefixtures("cluster")
def test_a_deployment_that_began_in_its_schema_is_distributed_there(
    distribute: Distribute, admin: Engine, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE begun")
    try:
        url = make_url(postgres.url).set(database="begun").render_as_string(hide_password=False)
        monkeypatch.setenv("DATABASE_URL", in_schema(url, "revmap_2"))
        engine = open_engine(url, name="begun", pool_size=1)
        with engine.begin() as connection:
            install(connection)
        engine.dispose()

        steps = [json_of(distribute("upgrade", "--json")) for _ in range(2)]
        done = json_of(distribute())["done"]
        again = [json_of(distribute("upgrade", "--json")), json_of(distribute())]

        assert steps[0] == steps[1]
        assert [one.split()[0] for one in done] == ["took", "fixed", "distributed", "brought", "let"]
        assert again == [steps[0], {"schema": "revmap_2", "done": []}]
    finally:
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute("DROP DATABASE begun WITH (FORCE)")


MISSING = {
    "DELETE FROM pg_extension WHERE extname = 'citus'": "the extension citus is not installed",
    "UPDATE pg_extension SET extversion = '12.1-1' WHERE extname = 'citus'": "13.1 or newer is needed",
    "UPDATE pg_dist_local_group SET groupid = 1": "not the coordinator",
    "UPDATE pg_dist_node SET shouldhaveshards = false": "citus_add_node",
    "UPDATE alembic_version SET version_num = '0036'": "first, with an address that names no schema",
    "INSERT INTO company_head (company_id, position) VALUES (1, 1)": "flask events chain",
    f"CREATE SCHEMA {SCHEMA}; CREATE TABLE {SCHEMA}.theirs ()": "not of revmap: theirs",
    f"CREATE SCHEMA {SCHEMA}; CREATE TABLE {SCHEMA}.company_head ()": "both public and revmap_1",
}


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("missing", MISSING)
def test_what_is_missing_is_said_and_nothing_is_changed(distribute: Distribute, admin: Engine, missing: str) -> None:
    with admin.begin() as connection:
        connection.exec_driver_sql("SET allow_system_table_mods = on")
        connection.exec_driver_sql(missing)
        before = catalogue(admin) if missing.startswith(("UPDATE", "INSERT", "DELETE")) else []

    message = error_of(distribute())

    assert "nothing was changed" in message
    assert MISSING[missing] in message
    with admin.connect() as connection:
        assert calls(connection) == []
    assert before in ([], catalogue(admin))


def test_public_and_lists_are_no_schema_to_distribute(
    distribute: Distribute, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in (database_url, in_schema(database_url, "public"), in_schema(database_url, "revmap_1,public")):
        monkeypatch.setenv("DATABASE_URL", url)

        assert "name another one" in error_of(distribute())


@pytest.mark.usefixtures("cluster")
def test_who_does_not_own_the_tables_is_told(
    distribute: Distribute, admin: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with admin.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE passing LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO passing")
        connection.exec_driver_sql("GRANT SELECT ON pg_dist_local_group, pg_dist_node, pg_dist_schema TO passing")
    try:
        theirs = make_url(in_schema(database_url, SCHEMA)).set(username="passing").render_as_string()
        monkeypatch.setenv("DATABASE_URL", theirs)

        message = error_of(distribute())

        assert "the user does not own: account_owner," in message
        assert "ALTER ROLE revmap_app LOGIN;" in message
    finally:
        with admin.begin() as connection:
            connection.exec_driver_sql("DROP OWNED BY passing; DROP ROLE passing")


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("failing", ["citus_schema_distribute", "create_distributed_function"])
def test_a_node_that_fails_half_way_leaves_what_can_be_repeated(
    distribute: Distribute, admin: Engine, failing: str
) -> None:
    before = catalogue(admin)
    with admin.begin() as connection:
        connection.execute(text("INSERT INTO standin.failing VALUES (:what)"), {"what": failing})
    failed = error_of(distribute())
    with admin.begin() as connection:
        half = calls(connection)
        connection.exec_driver_sql("DELETE FROM standin.failing")
    unchanged = catalogue(admin) == before

    done = json_of(distribute())["done"]

    assert "connection to the remote node node-1:5432 failed; it may be repeated" in failed
    assert unchanged is (failing == "citus_schema_distribute")
    assert half == ([] if unchanged else [f"citus_schema_distribute({SCHEMA})"])
    assert [one.split()[0] for one in done][-2:] == ["brought", "let"]
    assert json_of(distribute())["done"] == []


@pytest.mark.usefixtures("cluster")
def test_an_upgrade_takes_new_tables_and_functions_along_and_does_not_go_astray(
    distribute: Distribute, admin: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = in_schema(database_url, SCHEMA)
    assert "still in public" in error_of(distribute("upgrade"))
    distribute()
    engine = open_engine(own, name="own", pool_size=1)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE event FORCE ROW LEVEL SECURITY")
        connection.exec_driver_sql("CREATE FUNCTION of_a_later_step() RETURNS integer LANGUAGE sql AS 'SELECT 1'")

    upgrade(engine)

    with admin.connect() as connection:
        assert calls(connection)[-1] == "create_distributed_function(of_a_later_step())"
        assert connection.scalar(text("SELECT count(*) FROM pg_class WHERE relforcerowsecurity")) == 0
    assert json_of(distribute())["done"] == []
    engine.dispose()
    # An address without the schema would begin an empty deployment.
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert f"are in the schema {SCHEMA}" in error_of(distribute("upgrade"))
