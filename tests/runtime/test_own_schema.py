"""A deployment may be in a schema that the database's address names, with sessions and without."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, make_url
from sqlalchemy.event import listen, remove

from runtime.database import driver_of, open_engine, within_company
from runtime.own_schema import as_options, settings_of

GIVEN = "-csearch_path=revmap_1 --revmap.note=it's\\ so -c work_mem=8MB"


def with_options(url: str, options: str) -> str:
    return make_url(url).update_query_dict({"options": options}).render_as_string(hide_password=False)


@pytest.fixture(params=[False, True], ids=["sessions", "transactions"])
def own(database_url: str, request: pytest.FixtureRequest) -> Iterator[Engine]:
    engine = open_engine(with_options(database_url, GIVEN), name="own", pool_size=1, is_pooled=request.param)
    yield engine
    engine.dispose()


def shown(engine: Engine, *names: str) -> list[str]:
    with engine.begin() as connection:
        return [str(connection.exec_driver_sql(f"SHOW {name}").scalar_one()) for name in names]


def test_what_an_address_gives_its_connections_holds_beside_our_limits(own: Engine) -> None:
    names = ("search_path", "work_mem", "revmap.note", "timezone", "statement_timeout")

    assert shown(own, *names) == ["revmap_1", "8MB", "it's so", "UTC", "30s"]
    # Others that are opened by this engine's address are in the schema, too.
    assert settings_of(own.url)["search_path"] == "revmap_1"


def test_a_pooler_is_sent_no_options(database_url: str) -> None:
    """It would refuse the connection: https://www.pgbouncer.org/config.html#ignore_startup_parameters."""
    engine = open_engine(with_options(database_url, GIVEN), name="own", pool_size=1, is_pooled=True)
    with engine.connect() as connection:
        assert driver_of(connection).info.get_parameters().get("options") is None
    engine.dispose()


def test_options_are_read_as_they_are_written() -> None:
    settings = {"search_path": "'a \\b'", "application_name": "it's"}

    url = make_url(with_options("postgresql://host/name", as_options(settings)))

    assert settings_of(url) == settings | {"citus.propagate_set_commands": "local"}
    assert settings_of(make_url("postgresql://host/name")) == {}


def test_limits_of_ours_are_not_given_away_by_an_address(database_url: str) -> None:
    engine = open_engine(with_options(database_url, "-cstatement_timeout=0"), name="own", pool_size=1)

    assert shown(engine, "statement_timeout") == ["30s"]
    engine.dispose()


def test_in_a_schema_of_its_own_other_nodes_are_told_the_company(own: Engine, engine: Engine) -> None:
    """Only a SET LOCAL that stands alone reaches them: see https://docs.citusdata.com/en/stable/develop/api_guc.html."""
    for one, told in ((own, ["SET LOCAL revmap.company_id = '7'"]), (engine, [])):
        assert [text for text in sent_by(one, 7) if text.startswith("SET LOCAL revmap")] == told
    assert shown(own, "citus.propagate_set_commands") == ["local"]


def sent_by(engine: Engine, company_id: int) -> list[str]:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    listen(engine, "before_cursor_execute", note)
    try:
        with within_company(engine, company_id) as connection:
            assert connection.exec_driver_sql("SHOW revmap.company_id").scalar() == str(company_id)
    finally:
        remove(engine, "before_cursor_execute", note)
    return statements
