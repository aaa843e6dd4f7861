"""Paging of any records, with any page size and in either direction."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.stripe.records.collection import Collection, PageRequest
from sandbox.stripe.records.ids import IdSource


@dataclass(frozen=True)
class Thing:
    id: str
    created: int
    sequence: int


# Few seconds for many things, so that many share a second; in any order.
SECONDS = st.lists(st.integers(min_value=1, max_value=5), max_size=40)
LIMITS = st.integers(min_value=1, max_value=7)


def collected(seconds: list[int]) -> tuple[Collection[Thing], list[Thing]]:
    """Return a collection and its records, newest first."""
    collection: Collection[Thing] = Collection()
    things = [Thing(f"thing_{place}", second, place) for place, second in enumerate(seconds)]
    for thing in things:
        collection.add(thing)
    return collection, sorted(things, key=lambda thing: (-thing.created, -thing.sequence))


@given(SECONDS, LIMITS)
def test_pages_forward_hold_everything_once_newest_first(seconds: list[int], limit: int) -> None:
    collection, newest_first = collected(seconds)

    seen: list[Thing] = []
    page = collection.page(PageRequest(limit=limit))
    seen += page.records
    while page.has_more and len(seen) <= len(seconds):
        page = collection.page(PageRequest(limit=limit, starting_after=seen[-1]))
        assert page.records
        seen += page.records

    assert seen == newest_first


@given(SECONDS.filter(bool), LIMITS)
def test_pages_backward_hold_everything_above_the_cursor(seconds: list[int], limit: int) -> None:
    collection, newest_first = collected(seconds)

    seen = [newest_first[-1]]
    page = collection.page(PageRequest(limit=limit, ending_before=seen[0]))
    seen = page.records + seen
    while page.has_more and len(seen) <= len(seconds):
        page = collection.page(PageRequest(limit=limit, ending_before=seen[0]))
        seen = page.records + seen

    assert seen == newest_first


@given(SECONDS, LIMITS, st.integers(0, 6), st.integers(0, 6))
def test_bounds_and_filters_hold_for_any_page(seconds: list[int], limit: int, low: int, high: int) -> None:
    collection, newest_first = collected(seconds)
    wanted = [thing for thing in newest_first if low <= thing.created <= high and thing.sequence % 2]

    page = collection.page(
        PageRequest(limit=limit, created_from=low, created_to=high), lambda thing: bool(thing.sequence % 2)
    )

    assert page.records == wanted[:limit]
    assert page.has_more == (len(wanted) > limit)


@given(SECONDS.filter(bool), st.data())
def test_what_is_removed_is_gone_and_nothing_else_is(seconds: list[int], data: st.DataObject) -> None:
    collection, newest_first = collected(seconds)
    gone = data.draw(st.sampled_from(newest_first))

    collection.remove(gone)

    assert gone.id not in collection
    assert [thing for thing in newest_first if thing is not gone] == list(collection)[::-1]


def test_an_id_is_taken_only_once() -> None:
    collection, _ = collected([1])

    with pytest.raises(ValueError, match="thing_0 exists already"):
        collection.add(Thing("thing_0", 2, 2))


def test_ids_are_unique_and_in_no_order() -> None:
    source = IdSource("A" * 16)
    issued = [source.issue("in") for _ in range(5_000)]

    assert len(set(issued)) == 5_000
    assert {len(identifier) for identifier in issued} == {27}
    assert issued != sorted(issued)
