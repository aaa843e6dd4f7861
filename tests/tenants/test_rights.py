"""What each process may do in the database, as its user there: the log is appended to, and changed by nobody."""

from collections.abc import Iterator, Mapping

import pytest
from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import DBAPIError

from events.log.append import append
from migrations.rights import held_rights, listed_rights, listed_tables_of
from migrations.run import upgrade
from runtime import roles
from runtime.database import across_companies, acting_as, open_engine, within_company
from runtime.role_check import refuse_missing_roles
from tests.support.company import company_with, record_events
from tests.support.databases import as_web_login, as_worker_login
from tests.support.log import fact
from tests.support.payloads import event, new_invoice

_LOG = ("event", "company_head", "event_conflict")
_NOT_PERMITTED, _IMMUTABLE = "42501", "EV403"
# What somebody who can run statements of their own may try first.
_WAYS_OUT = ("RESET ROLE", "SET ROLE NONE", "SET SESSION AUTHORIZATION DEFAULT", "SET revmap.maintenance = 'on'")
_CHANGES = (
    "UPDATE event SET payload_zstd = '', payload_sha256 = ''",
    "UPDATE company_head SET position = 1",
    "UPDATE event_conflict SET received_at = now()",
    *(f"DELETE FROM {table}" for table in _LOG),  # noqa: S608 - names of ours
    *(f"TRUNCATE {table} CASCADE" for table in _LOG),
    *(f"DROP TABLE {table}" for table in _LOG),
    "ALTER TABLE event DISABLE TRIGGER ALL",
    "ALTER TABLE event DISABLE ROW LEVEL SECURITY",
    "DROP FUNCTION refuse_change_of_event() CASCADE",
    "INSERT INTO event SELECT (e).* FROM (SELECT e FROM event e LIMIT 1) x",
    "INSERT INTO company_head (company_id) VALUES (77)",
    "CREATE TABLE own_table (id int)",
)


@pytest.fixture
def logins(database_url: str) -> Iterator[Mapping[str, Engine]]:
    """Yield engines of the users that production's processes have, in each of their roles."""
    urls = {as_web_login(database_url): roles.OF_WEB, as_worker_login(database_url): roles.OF_WORKERS}
    engines = {
        f"{make_url(url).username} as {role}": acting_as(open_engine(url, name="rights", pool_size=1), role)
        for url, allowed in urls.items()
        for role in allowed
    }
    yield engines
    for each in engines.values():
        each.dispose()


def refusal(connection: Connection, statement: str) -> str | None:
    """Return the SQLSTATE with which a statement is refused; None if it is not. Undoes what it did."""
    savepoint = connection.begin_nested()
    try:
        connection.execute(text(statement))
    except DBAPIError as error:
        savepoint.rollback()
        return getattr(error.orig, "sqlstate", None)
    savepoint.rollback()
    return None


def test_nobody_but_the_owner_can_change_the_log_whatever_they_do_about_their_role(
    logins: Mapping[str, Engine], engine: Engine
) -> None:
    company_with(engine, "acct_a")
    record_events(engine, event(new_invoice("in_1"), account="acct_a"))

    for who, login in logins.items():
        for way_out in ("SELECT 1", *_WAYS_OUT):
            with login.connect() as connection:
                connection.execute(text(way_out))
                refused = {change: refusal(connection, change) for change in _CHANGES}
            # Some of the ways out end in a role that may read the log, and none in one that may change it.
            assert {change for change, code in refused.items() if code != _NOT_PERMITTED} == set(), (who, way_out)


def test_the_owner_changes_the_log_only_when_it_says_so(engine: Engine) -> None:
    company_with(engine, "acct_a")

    with engine.connect() as connection:
        refused = {
            refusal(connection, f"{verb} {table}") for table in _LOG[:2] for verb in ("DELETE FROM", "TRUNCATE TABLE")
        }
        connection.execute(text("SET LOCAL revmap.maintenance = 'on'"))
        allowed = {refusal(connection, change) for change in _CHANGES if change.startswith("DELETE")}

    assert (refused, allowed) == ({_IMMUTABLE}, {None})


def test_roles_hold_the_rights_in_the_list_and_no_others(engine: Engine) -> None:
    with engine.connect() as connection:
        held = held_rights(connection)
        owned = set(
            connection.scalars(text("SELECT relname FROM pg_class WHERE relowner::regrole::text = 'revmap_worker'"))
        )
        tables = set(
            connection.scalars(
                text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
            )
        )
        others = connection.execute(
            text("""
                SELECT c.relname FROM pg_class c, aclexplode(c.relacl) x
                WHERE c.relnamespace = 'public'::regnamespace AND x.grantee = 0
                UNION ALL
                SELECT p.proname FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
                WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND x.grantee = 0
            """)
        ).all()
        unbound = connection.execute(
            text("""
                SELECT proname FROM pg_proc
                WHERE pronamespace = 'public'::regnamespace AND prosecdef AND proconfig IS NULL
            """)
        ).all()

    listed = listed_rights()
    # A table that is new needs a row in migrations/rights.txt, even if nobody may do anything with it.
    assert tables == {right.object for right in listed if not right.object.endswith("()")}
    assert held - listed == set()
    assert listed - held == set()
    assert {name for name in owned if name in tables} == listed_tables_of(roles.WORKER)
    assert (others, unbound) == ([], [])
    log = {(right.role, right.privilege, right.column) for right in listed if right.object in _LOG}
    assert {one for one in log if one[1] != "SELECT"} == {(roles.WORKER, "UPDATE", "behind_since")}


def test_rights_that_somebody_granted_or_took_are_put_right_by_an_upgrade(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("GRANT ALL ON event TO revmap_worker"))
        connection.execute(text("GRANT UPDATE (position) ON company_head TO revmap_web"))
        connection.execute(text("GRANT EXECUTE ON FUNCTION append_events TO PUBLIC"))
        connection.execute(text("REVOKE ALL ON user_session FROM revmap_web"))
        connection.execute(text("ALTER TABLE revenue_line OWNER TO CURRENT_USER"))

    upgrade(engine)

    with engine.connect() as connection:
        assert held_rights(connection) == listed_rights()
        owner = connection.scalar(text("SELECT relowner::regrole::text FROM pg_class WHERE relname = 'revenue_line'"))
    assert owner == roles.WORKER


def test_a_transaction_appends_to_the_log_of_the_company_it_names_alone(
    logins: Mapping[str, Engine], engine: Engine
) -> None:
    mine, theirs = company_with(engine, "acct_a"), company_with(engine, "acct_z")
    web, worker = logins["web_login as revmap_app"], logins["worker_login as revmap_worker"]

    for login in (web, worker):
        with within_company(login, mine) as connection:
            assert append(connection, mine, [fact(f"evt_{login.url.username}")])[0].is_new
        with pytest.raises(DBAPIError, match="another company"), within_company(login, mine) as connection:
            append(connection, theirs, [fact("evt_2")])
    # In the role of a company, but without one; and before a company is known.
    with pytest.raises(DBAPIError, match="another company"), web.begin() as connection:
        append(connection, mine, [fact("evt_3")])
    with across_companies(web) as connection:
        assert append(connection, theirs, [fact("evt_4")])[0].is_new


def test_a_process_whose_role_is_missing_neither_starts_nor_serves(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    web = as_web_login(database_url)
    astray = acting_as(open_engine(web, name="astray", pool_size=1), roles.WORKER)
    with pytest.raises(DBAPIError, match=r"revmap_worker|permission denied"), astray.connect():
        pass

    refuse_missing_roles(web, roles.OF_WEB, has_roles=True)
    with pytest.raises(SystemExit) as exited:
        refuse_missing_roles(web, roles.OF_WORKERS, has_roles=True)

    assert exited.value.code == 2
    assert "cannot act as revmap_worker. Run 'flask db upgrade'" in capsys.readouterr().err


def test_a_process_goes_on_without_roles_only_if_that_was_accepted_and_says_what_is_lost(
    database_url: str, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    company_with(engine, "acct_a")
    plain = acting_as(open_engine(database_url, name="plain", pool_size=1), roles.APP, has_roles=False)

    refuse_missing_roles(database_url, ("revmap_nobody",), has_roles=False)
    with within_company(plain, 1) as connection:
        user = connection.scalar(text("SELECT current_user"))
    plain.dispose()

    assert user == make_url(database_url).username
    assert [(record.levelname, record.message) for record in caplog.records] == [("ERROR", "acting without roles")]
