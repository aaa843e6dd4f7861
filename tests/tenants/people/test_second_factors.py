"""A code counts once however many enter it, and no session opens beside a second factor that is being turned on."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from tenants.companies import add_company
from tenants.people.identities import user_of_identity
from tenants.people.joining import add_person
from tenants.people.second_factors import (
    SecondFactorOnError,
    companies_that_require_it,
    find_second_factor,
    new_secret,
    spend_code,
    turn_off,
    turn_on,
)
from tenants.people.sessions import CodeNeededError, open_session
from tenants.people.totp import WrongCodeError, code_at, step_at
from tenants.people.users import add_user, set_member
from tenants.secrets import SecretBox
from tests.support.clock import NOON

BOX = SecretBox([b"k" * 32])
SECRET = new_secret()


@pytest.fixture
def user_id(engine: Engine) -> int:
    with engine.begin() as connection:
        return add_user(connection, "ada@example.org", password_hash="kept").id


def turned_on(connection: Connection, user_id: int) -> list[str]:
    """Turn the person's second factor on, and return the recovery codes."""
    return turn_on(connection, BOX, user_id, SECRET, code_at(SECRET, step_at(NOON)), now=NOON, keeps=0)


def test_of_several_who_enter_one_code_at_once_one_is_let_in(engine: Engine, user_id: int) -> None:
    with engine.begin() as connection:
        codes = turned_on(connection, user_id)
    for code in (code_at(SECRET, step_at(NOON) + 1), codes[0]):
        all_at_once = Barrier(4)

        def enter(_who: int, code: str = code, all_at_once: Barrier = all_at_once) -> bool:
            with engine.begin() as connection:
                all_at_once.wait(30)
                try:
                    spend_code(connection, BOX, user_id, code, now=NOON)
                except WrongCodeError:
                    return False
            return True

        with ThreadPoolExecutor(4) as threads:
            assert sum(threads.map(enter, range(4))) == 1


def test_sessions_open_before_it_is_turned_on_or_take_a_code_and_never_between(engine: Engine, user_id: int) -> None:
    waits = text("SET LOCAL lock_timeout = '50ms'")
    with engine.begin() as first, engine.connect() as second:
        open_session(first, user_id, now=NOON)
        second.execute(waits)
        with pytest.raises(OperationalError, match="lock timeout"):
            turned_on(second, user_id)
    with engine.begin() as first, engine.connect() as second:
        turned_on(first, user_id)
        second.execute(waits)
        with pytest.raises(OperationalError, match="lock timeout"):
            open_session(second, user_id, now=NOON)
    with engine.begin() as connection, pytest.raises(CodeNeededError):
        open_session(connection, user_id, now=NOON)


def test_what_one_has_and_must_have_is_their_own(engine: Engine, user_id: int) -> None:
    with engine.begin() as connection:
        strict, lax = (add_company(connection, name).id for name in ("Zed Inc", "Zed Sons"))
        other = add_person(connection, "bob@example.org", name="Bob", password_hash="kept")
        for company_id, member in ((strict, user_id), (lax, user_id), (lax, other)):
            set_member(connection, company_id, member, "viewer", actor="tests", now=NOON)
        connection.execute(text("UPDATE company SET requires_second_factor = true WHERE id = :id"), {"id": strict})
        turned_on(connection, user_id)

        required = [companies_that_require_it(connection, one) for one in (user_id, other)]
        with pytest.raises(WrongCodeError):
            spend_code(connection, BOX, other, code_at(SECRET, step_at(NOON) + 1), now=NOON)
        with pytest.raises(SecondFactorOnError):
            turned_on(connection, user_id)
        off = [turn_off(connection, one, now=NOON) for one in (other, user_id, user_id)]

    assert required == [{strict}, set()]
    assert off == [False, True, False]


def test_the_provider_takes_a_second_factor_away_whose_owner_never_proved_the_address(engine: Engine) -> None:
    with engine.begin() as connection:
        claimed = add_person(connection, "bob@example.org", name="Bob", password_hash="kept")
        turned_on(connection, claimed)

        user_of_identity(connection, "https://id.test", "bob", verified_email="bob@example.org")

        assert find_second_factor(connection, claimed) is None
