"""The log: facts are appended once, in order, and never changed."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from events.log.append import AppendConditionFailedError, Appended, Condition, append
from events.log.payloads import decompressed
from events.log.read import read_events, stream_events
from tests.support.log import ACME, ZED, commit, fact, ids


def contradictions(engine: Engine) -> list[tuple[int, bytes]]:
    """Return the bodies set aside, with the positions of the events they contradict."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT position, payload_zstd FROM event_conflict ORDER BY 1, payload_sha256"))
        return [(row.position, decompressed(row.payload_zstd)) for row in rows]


def test_each_company_counts_its_own_events_from_one(engine: Engine) -> None:
    commit(engine, ACME, fact("a"), fact("b"))
    commit(engine, ZED, fact("a"))
    last = commit(engine, ACME, fact("c"))

    assert last == [Appended(3, is_new=True)]
    assert (ids(engine, ACME), ids(engine, ZED)) == (["a", "b", "c"], ["a"])


def test_event_is_read_back_as_it_was_written(engine: Engine) -> None:
    payloads = [b"", b"\x00\xff", rb'{"a":"\u0000\ud800"}', "é".encode(), b"x" * 1_000_000]
    written = [
        fact(f"e{n}", payload, entity="invoice:in_1", api_version="2020-08-27") for n, payload in enumerate(payloads)
    ]

    commit(engine, ACME, *written)

    with engine.connect() as connection:
        read = read_events(connection, ACME, after=0, limit=10)
    assert [event.payload for event in read] == payloads
    for name in (
        "type",
        "source",
        "external_id",
        "livemode",
        "occurred_at",
        "entity",
        "api_version",
        "actor",
        "version",
    ):
        assert [getattr(event, name) for event in read] == [getattr(new, name) for new in written]


def test_log_is_read_in_pages_without_a_seam(engine: Engine) -> None:
    commit(engine, ACME, *(fact(f"e{n}") for n in range(7)))

    with engine.connect() as connection:
        assert [event.position for event in read_events(connection, ACME, after=2, limit=3)] == [3, 4, 5]
        assert [event.position for event in stream_events(connection, ACME, page_size=3)] == [1, 2, 3, 4, 5, 6, 7]


def test_event_that_is_held_keeps_its_place(engine: Engine) -> None:
    commit(engine, ACME, fact("a"), fact("b"))

    again = commit(engine, ACME, fact("b"), fact("c"), fact("a"), fact("c"))

    assert again == [Appended(2, False), Appended(3, True), Appended(1, False), Appended(3, False)]  # noqa: FBT003
    assert ids(engine, ACME) == ["a", "b", "c"]
    assert contradictions(engine) == []


def test_same_id_from_another_source_is_another_event(engine: Engine) -> None:
    commit(engine, ACME, fact("a"), fact("a", source="revmap"))

    assert ids(engine, ACME) == ["a", "a"]


def test_event_of_stripe_is_one_event_whichever_way_it_came_and_no_other_rendering_contradicts_it(
    engine: Engine,
) -> None:
    commit(engine, ACME, fact("a", b"old"), fact("b", b"new", source="stripe.events"), fact("c", source="stripe.api"))

    again = commit(
        engine,
        ACME,
        fact("a", b"new", source="stripe.events"),
        fact("b", b"old"),
        fact("c"),
        fact("d", b"old"),
        fact("d", b"new", source="stripe.events"),
    )

    assert [one.position for one in again] == [1, 2, 4, 5, 5]
    assert [one.is_new for one in again] == [False, False, True, True, False]
    assert contradictions(engine) == []
    commit(engine, ACME, fact("a", b"another"), fact("b", b"another", source="stripe.events"))
    assert contradictions(engine) == [(1, b"another"), (2, b"another")]
    assert commit(engine, ZED, fact("a", source="stripe.events")) == [Appended(1, is_new=True)]


def test_second_body_under_an_id_is_set_aside_and_the_first_stands(engine: Engine) -> None:
    commit(engine, ACME, fact("a", b"first"))
    for body in (b"second", b"third", b"second", b"first"):
        commit(engine, ACME, fact("a", body))
    commit(engine, ACME, fact("b", b"one"), fact("b", b"other"))

    with engine.connect() as connection:
        assert [event.payload for event in stream_events(connection, ACME)] == [b"first", b"one"]
    assert sorted(contradictions(engine)) == [(1, b"second"), (1, b"third"), (2, b"other")]


def test_append_that_is_rolled_back_leaves_neither_event_nor_gap(engine: Engine) -> None:
    commit(engine, ACME, fact("a"))
    with engine.connect() as connection:
        append(connection, ACME, [fact("b"), fact("c")])
        connection.rollback()

    assert commit(engine, ACME, fact("d")) == [Appended(2, is_new=True)]
    assert ids(engine, ACME) == ["a", "d"]


CHANGES = [
    "UPDATE event SET payload_zstd = ''",
    "UPDATE event SET position = position",
    "DELETE FROM event",
    "TRUNCATE event",
    "TRUNCATE company_head, event CASCADE",
]


def test_event_is_never_changed(engine: Engine) -> None:
    commit(engine, ACME, fact("a"))

    for change in CHANGES:
        with pytest.raises(DBAPIError, match="events are never") as caught, engine.begin() as connection:
            connection.execute(text(change))
        assert getattr(caught.value.orig, "sqlstate", None) == "EV403"

    assert ids(engine, ACME) == ["a"]


def test_conditional_append_fails_if_the_log_has_moved_on_in_what_it_names(engine: Engine) -> None:
    cases = [
        (Condition(after=2), True),
        (Condition(after=1), False),
        (Condition(after=0, types=("invoice.voided",)), True),
        (Condition(after=0, types=("invoice.voided", "price.created")), False),
        (Condition(after=0, entity="invoice:in_2"), True),
        (Condition(after=0, entity="price:p"), False),
        (Condition(after=1, types=("invoice.paid",), entity="invoice:in_1"), True),
        (Condition(after=0, types=("invoice.paid",), entity="invoice:in_1"), False),
        (Condition(after=0, types=("invoice.paid",), entity="price:p"), True),
    ]
    commit(engine, len(cases), *(fact(f"e{n}", entity="invoice:in_2") for n in range(5)))  # another company's

    for company_id, (condition, holds) in enumerate(cases):
        commit(engine, company_id, fact("a", entity="invoice:in_1"), fact("b", type="price.created", entity="price:p"))
        if holds:
            assert commit(engine, company_id, fact("c"), condition=condition) == [Appended(3, is_new=True)]
        else:
            with pytest.raises(AppendConditionFailedError):
                commit(engine, company_id, fact("c"), condition=condition)
        assert ids(engine, company_id) == (["a", "b", "c"] if holds else ["a", "b"]), condition
