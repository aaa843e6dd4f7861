"""Secrets at rest: they can be opened for their own company and name only, and keys rotate under traffic."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select, update

from runtime.environ import Environment
from tenants.companies import add_company
from tenants.data_keys import data_keys_from, key_id
from tenants.secrets import (
    DamagedSecretError,
    SecretBox,
    UnknownDataKeyError,
    find_secret,
    forget_secrets,
    keep_secret,
    key_ids_in_use,
    reseal_some,
)
from tenants.tables import secret

OLD, NEW = b"o" * 32, b"n" * 32
NAMES = ("restricted_key", "webhook_secret", "access_token", "refresh_token")


def create_companies(engine: Engine, count: int) -> list[int]:
    with engine.begin() as connection:
        return [add_company(connection, f"Company {number}").id for number in range(count)]


def store(engine: Engine, keys: Sequence[bytes], company_id: int, value: str = "rk_live_planted") -> None:
    with engine.begin() as connection:
        keep_secret(connection, SecretBox(keys), company_id, "restricted_key", value)


def found(engine: Engine, keys: Sequence[bytes], company_id: int) -> str | None:
    with engine.connect() as connection:
        return find_secret(connection, SecretBox(keys), company_id, "restricted_key")


@given(st.binary(max_size=200), st.integers(1, 2**62), st.sampled_from(NAMES))
def test_what_was_sealed_opens_for_its_company_and_name_alone(plain: bytes, company_id: int, name: str) -> None:
    box = SecretBox([NEW, OLD])
    sealed = box.seal(plain, company_id=company_id, name=name)

    assert box.open(sealed, box.newest, company_id=company_id, name=name) == plain
    for other_company, other_name in ((company_id + 1, name), (company_id, f"{name}s")):
        with pytest.raises(DamagedSecretError):
            box.open(sealed, box.newest, company_id=other_company, name=other_name)


@given(st.binary(min_size=1, max_size=50), st.data())
def test_a_secret_that_was_changed_by_a_bit_does_not_open(plain: bytes, data: st.DataObject) -> None:
    box = SecretBox([NEW])
    sealed = bytearray(box.seal(plain, company_id=1, name="access_token"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(DamagedSecretError):
        box.open(bytes(sealed), box.newest, company_id=1, name="access_token")


def test_the_same_secret_is_never_sealed_to_the_same_bytes() -> None:
    box = SecretBox([NEW])

    assert len({box.seal(b"same", company_id=1, name="access_token") for _ in range(100)}) == 100


def test_the_newest_key_seals_and_any_opens(engine: Engine) -> None:
    (company_id,) = create_companies(engine, 1)
    store(engine, [OLD], company_id)

    assert found(engine, [NEW, OLD], company_id) == "rk_live_planted"
    store(engine, [NEW, OLD], company_id, "another")
    assert found(engine, [NEW], company_id) == "another"


def test_a_row_that_was_moved_to_another_company_does_not_open(engine: Engine) -> None:
    first, second = create_companies(engine, 2)
    store(engine, [OLD], first)
    with engine.begin() as connection:
        connection.execute(update(secret).values(company_id=second))

    with pytest.raises(DamagedSecretError):
        found(engine, [OLD], second)


def test_a_secret_under_a_key_that_is_gone_names_the_key(engine: Engine) -> None:
    (company_id,) = create_companies(engine, 1)
    store(engine, [OLD], company_id)

    with pytest.raises(UnknownDataKeyError, match=key_id(OLD)):
        found(engine, [NEW], company_id)


@pytest.mark.promise("Keys change under traffic: no error, no secret in the clear")
def test_the_database_holds_no_byte_of_a_secret(engine: Engine) -> None:
    (company_id,) = create_companies(engine, 1)
    store(engine, [OLD], company_id)

    with engine.connect() as connection:
        row = connection.execute(select(secret)).one()

    assert b"planted" not in row.sealed
    assert OLD.hex() not in repr(row)


def test_what_is_forgotten_is_gone(engine: Engine) -> None:
    mine, theirs = create_companies(engine, 2)
    for company_id in (mine, theirs):
        store(engine, [OLD], company_id)

    with engine.begin() as connection:
        assert forget_secrets(connection, mine) == 1

    assert (found(engine, [OLD], mine), found(engine, [OLD], theirs)) == (None, "rk_live_planted")


def use(engine: Engine, ids: Sequence[int], stop: Event) -> list[str | None]:
    """Read and write secrets until `stop` is set, and return the wrong values that were read."""
    box, wrong = SecretBox([NEW, OLD]), []
    while not stop.is_set():
        for company_id in ids[::7]:
            with engine.begin() as connection:
                value = find_secret(connection, box, company_id, "restricted_key")
                keep_secret(connection, box, company_id, "restricted_key", value or "lost")
            if value != f"value of {company_id}":
                wrong.append(value)
    return wrong


@pytest.mark.promise("Keys change under traffic: no error, no secret in the clear")
def test_keys_change_under_traffic_without_one_error(engine: Engine) -> None:
    ids = create_companies(engine, 250)
    for company_id in ids:
        store(engine, [OLD], company_id, f"value of {company_id}")

    stop, rotated = Event(), 0
    with ThreadPoolExecutor(2) as threads:
        users = [threads.submit(use, engine, ids, stop) for _ in range(2)]
        while rotated < 10:
            with engine.begin() as connection:
                reseal_some(connection, SecretBox([NEW, OLD]))
            rotated += 1
        stop.set()
        wrong = [user.result() for user in users]

    assert wrong == [[], []]
    with engine.begin() as connection:
        reseal_some(connection, SecretBox([NEW, OLD]))
    assert all(found(engine, [NEW], company_id) == f"value of {company_id}" for company_id in ids)


def test_an_interrupted_rotation_goes_on_where_it_was(engine: Engine) -> None:
    for company_id in create_companies(engine, 150):
        store(engine, [OLD], company_id)
    box = SecretBox([NEW, OLD])

    with engine.begin() as connection:
        assert reseal_some(connection, box) == 100
    with engine.connect() as interrupted:
        assert reseal_some(interrupted, box) == 50
        interrupted.rollback()
    with engine.begin() as connection:
        assert key_ids_in_use(connection) == sorted([key_id(OLD), key_id(NEW)])
        assert reseal_some(connection, box) == 50
        assert reseal_some(connection, box) == 0
        assert key_ids_in_use(connection) == [key_id(NEW)]


def test_data_keys_are_read_with_and_without_padding() -> None:
    text = urlsafe_b64encode(OLD).decode()

    assert data_keys_from(Environment({}), [text, text.rstrip("=")]) == (OLD, OLD)
