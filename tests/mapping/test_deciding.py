"""Who decides has seen what was decided before, also when several decide at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, Engine

from events.log.append import append
from events.log.read import head_of
from mapping.recorded import STREAMS, BusyError, Desk, decided
from mapping.streams import NameTakenError, create_stream, streams_at
from projections.mapping.decisions.payloads import StreamCreated
from tests.support.clock import NOON
from tests.support.company import company_with
from tests.support.log import fact


@pytest.fixture
def company_id(engine: Engine) -> int:
    return company_with(engine, "acct_tests")


def add(engine: Engine, company_id: int, name: str) -> str:
    return decided(
        engine,
        company_id,
        lambda connection: create_stream(Desk(connection, company_id, "user:1", NOON), name, None, None),
    )


def test_of_those_who_take_a_name_at_once_one_gets_it(engine: Engine, company_id: int) -> None:
    def try_it(_: int) -> str | None:
        try:
            return add(engine, company_id, "SaaS")
        except NameTakenError:
            return None

    with ThreadPoolExecutor(4) as pool:
        made = [one for one in pool.map(try_it, range(4)) if one]

    with engine.begin() as connection:
        assert list(streams_at(connection, company_id)) == made
    assert len(made) == 1


def test_whoever_was_overtaken_decides_again(engine: Engine, company_id: int) -> None:
    seen: list[int] = []

    def decide(connection: Connection) -> None:
        head = head_of(connection, company_id)
        if not seen:
            add(engine, company_id, "First")
            with engine.begin() as other:
                append(other, company_id, [fact("evt_1")])
        seen.append(head)
        desk = Desk(connection, company_id, "user:1", NOON)
        desk.record(STREAMS, [StreamCreated("str_a", "Second")], after=head)

    decided(engine, company_id, decide)

    assert seen == [1, 3]
    with engine.begin() as connection:
        assert [stream.name for stream in streams_at(connection, company_id).values()] == ["First", "Second"]


def test_whoever_is_overtaken_again_and_again_is_told(engine: Engine, company_id: int) -> None:
    def decide(connection: Connection) -> None:
        head = head_of(connection, company_id)
        add(engine, company_id, f"Stream {head}")
        Desk(connection, company_id, "user:1", NOON).record(STREAMS, [StreamCreated("str_a", "Mine")], after=head)

    with pytest.raises(BusyError):
        decided(engine, company_id, decide)
