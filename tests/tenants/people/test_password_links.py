"""A link for a new password works once, for an hour, and opens nothing that whoever made it may not open."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import Engine

from events.log.read import stream_events
from tenants.people.identities import user_of_identity
from tenants.people.joining import add_person
from tenants.people.link_tokens import LinkOverError
from tenants.people.own_sessions import list_sessions
from tenants.people.password_links import (
    MemberElsewhereError,
    change_password,
    link_to_be_mailed,
    link_to_be_shown,
    use_password_link,
)
from tenants.people.sessions import open_session, session_of
from tenants.people.users import find_user, set_member
from tests.support.clock import NOON
from tests.support.company import company_with
from tests.support.web.people import add_member

HOUR = timedelta(hours=1)


@pytest.fixture
def company_id(engine: Engine) -> int:
    return company_with(engine, "acct_tests")


def password_of(engine: Engine, email: str) -> str | None:
    with engine.connect() as connection:
        user = find_user(connection, email)
    assert user is not None
    return user.password_hash


def test_a_link_sets_the_password_once_and_ends_every_session(engine: Engine, company_id: int) -> None:
    bob = add_member(engine, company_id, email="bob@example.org")
    eve = add_member(engine, company_id, email="eve@example.org")
    with engine.begin() as connection:
        sessions = [open_session(connection, user, now=NOON) for user in (bob, bob, eve)]
        token, older = (link_to_be_mailed(connection, bob, now=NOON) for _ in range(2))

    with engine.begin() as connection:
        assert use_password_link(connection, token, "new", now=NOON + HOUR - timedelta(seconds=1)) == bob

    assert (password_of(engine, "bob@example.org"), password_of(engine, "eve@example.org") != "new") == ("new", True)
    with engine.connect() as connection:
        assert [bool(session_of(connection, one, now=NOON)) for one in sessions] == [False, False, True]
        last = list(stream_events(connection, company_id))[-1]
        stored = connection.exec_driver_sql("SELECT count(*) FROM password_link").scalar_one()
    assert (last.type, last.entity, last.actor) == ("access.password_changed", f"user:{bob}", f"user:{bob}")
    assert stored == 0
    for over in (token, older, "none"):
        with pytest.raises(LinkOverError), engine.begin() as connection:
            use_password_link(connection, over, "newer", now=NOON)


def test_a_link_ends_after_an_hour_and_is_kept_as_a_hash(engine: Engine, company_id: int) -> None:
    bob = add_member(engine, company_id, email="bob@example.org")
    with engine.begin() as connection:
        token = link_to_be_mailed(connection, bob, now=NOON)
        stored = str(connection.exec_driver_sql("SELECT password_link, token_sha256 FROM password_link").all())

    assert token not in stored
    with pytest.raises(LinkOverError), engine.begin() as connection:
        use_password_link(connection, token, "new", now=NOON + HOUR)


def test_of_two_who_use_a_link_at_once_one_sets_the_password(engine: Engine, company_id: int) -> None:
    bob = add_member(engine, company_id, email="bob@example.org")
    for _ in range(5):
        both = Barrier(2)
        with engine.begin() as connection:
            token = link_to_be_mailed(connection, bob, now=NOON)

        def use(password: str, token: str = token, both: Barrier = both) -> str | None:
            with engine.begin() as connection:
                both.wait(30)
                try:
                    use_password_link(connection, token, password, now=NOON)
                except LinkOverError:
                    return None
            return password

        with ThreadPoolExecutor(2) as threads:
            used = list(threads.map(use, ("first", "second")))

        assert used.count(None) == 1
        assert password_of(engine, "bob@example.org") in used


def test_a_link_that_an_admin_is_shown_opens_no_other_company(engine: Engine, company_id: int) -> None:
    bob = add_member(engine, company_id, email="bob@example.org")
    with engine.begin() as connection:
        token = link_to_be_shown(connection, company_id, bob, actor="user:7", now=NOON)
    elsewhere = company_with(engine, "acct_elsewhere")
    with engine.begin() as connection:
        set_member(connection, elsewhere, bob, "viewer", actor="tests", now=NOON)

    with pytest.raises(LinkOverError), engine.begin() as connection:
        use_password_link(connection, token, "new", now=NOON)
    with pytest.raises(MemberElsewhereError), engine.begin() as connection:
        link_to_be_shown(connection, company_id, bob, actor="user:7", now=NOON)
    with engine.begin() as connection:
        use_password_link(connection, link_to_be_mailed(connection, bob, now=NOON), "new", now=NOON)
    assert password_of(engine, "bob@example.org") == "new"


def test_changing_a_password_keeps_the_session_it_was_changed_in(engine: Engine, company_id: int) -> None:
    bob = add_member(engine, company_id, email="bob@example.org")
    with engine.begin() as connection:
        here, there = (open_session(connection, bob, now=NOON, device=name) for name in ("here", "there"))
        mine = session_of(connection, here, now=NOON)
        assert mine is not None
        change_password(connection, bob, "new", now=NOON, keeps=mine.id)

        assert [one.device for one in list_sessions(connection, bob, now=NOON)] == ["here"]
        assert session_of(connection, there, now=NOON) is None


@pytest.mark.parametrize("is_proven", [True, False])
def test_an_identity_provider_takes_an_address_from_whoever_only_claimed_it(engine: Engine, *, is_proven: bool) -> None:
    with engine.begin() as connection:
        claimed = add_person(connection, "bob@example.org", name="Mallory", password_hash="known to Mallory")
        token = open_session(connection, claimed, now=NOON)
        if is_proven:
            use_password_link(connection, link_to_be_mailed(connection, claimed, now=NOON), "Bob's", now=NOON)
            token = open_session(connection, claimed, now=NOON)

        user_id = user_of_identity(connection, "https://issuer", "bob", verified_email="bob@example.org")

        assert user_id == claimed
        assert (session_of(connection, token, now=NOON) is not None) == is_proven
        user = find_user(connection, "bob@example.org")
        assert user is not None
        assert (user.password_hash, user.is_address_proven) == ("Bob's" if is_proven else None, True)
