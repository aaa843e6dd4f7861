"""A cursor leads back to its place in its own list, and nowhere else."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import NamedTuple

import pytest
from itsdangerous import URLSafeSerializer

from app.wiring.cursors import CursorSigner, InvalidCursorError, ListOf, LogRestoredError
from projections.reads.changes import ChangeMark
from projections.reads.credit_notes import CreditNoteMark
from projections.reads.mapping.unmapped import GroupMark
from projections.reads.recognition.explained_cells import LeafMark
from projections.reads.table.filters import LineFilter
from projections.reads.table.orders import After, Sort

KEY = "k" * 32
SIGNER = CursorSigner(KEY)
LINES = ListOf(1, LineFilter(livemode=True), "date")
AFTER = After((date(2026, 1, 31),), "il_1", "in_1")
NOTE = CreditNoteMark(date(2026, 1, 31), "cn_1", "in_1")
LEAF = LeafMark(900, "in_1", "il_1", 1, 2)
GROUP = GroupMark(900, "usd", "prod_1", "", "Plan")
CHANGE = ChangeMark(7, True, "il_1", "in_1", False)  # noqa: FBT003

Read = Callable[[str], object]


class Place(NamedTuple):
    """A place in a list, how its cursor is written and read, and how lists beside it read it."""

    mark: object
    write: Callable[[], str]
    read: Read
    beside: Sequence[Read]


PLACES = {
    "lines": Place(
        AFTER,
        partial(SIGNER.write, LINES, AFTER),
        partial(SIGNER.read, LINES),
        [
            partial(SIGNER.read, LINES._replace(company_id=2)),
            partial(SIGNER.read, LINES._replace(line_filter=LineFilter(livemode=False))),
            partial(SIGNER.read, LINES._replace(sort="-date")),
            partial(SIGNER.read, LINES._replace(as_of=7)),
        ],
    ),
    "syncs": Place(7, partial(SIGNER.write_run, 1, 7), partial(SIGNER.read_run, 1), [partial(SIGNER.read_run, 2)]),
    "items": Place(
        7,
        partial(SIGNER.write_item, "members", 1, 7),
        partial(SIGNER.read_item, "members", 1),
        [partial(SIGNER.read_item, "members", 2), partial(SIGNER.read_item, "invitations", 1)],
    ),
    "credit notes": Place(
        NOTE,
        partial(SIGNER.write_credit_note, "one", NOTE),
        partial(SIGNER.read_credit_note, "one"),
        [partial(SIGNER.read_credit_note, "two")],
    ),
    "leaves": Place(
        LEAF,
        partial(SIGNER.write_leaf, "one", LEAF),
        partial(SIGNER.read_leaf, "one"),
        [partial(SIGNER.read_leaf, "two")],
    ),
    "groups": Place(
        GROUP,
        partial(SIGNER.write_group, "one", GROUP),
        partial(SIGNER.read_group, "one"),
        [partial(SIGNER.read_group, "two")],
    ),
    "changes": Place(
        CHANGE,
        partial(SIGNER.write_mark, 1, 3, "", CHANGE),
        partial(SIGNER.read_mark, 1, 3, ""),
        [partial(SIGNER.read_mark, 2, 3, ""), partial(SIGNER.read_mark, 1, 4, "")],
    ),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_cursor_leads_back_to_its_place(place: Place) -> None:
    assert place.read(place.write()) == place.mark


@pytest.mark.parametrize(
    ("sort", "values"), [("amount", ("usd", -500)), ("-customer_name", (None,)), ("updated_at", (7,))]
)
def test_a_cursor_keeps_what_its_list_is_ordered_by(sort: Sort, values: tuple[int | str | None, ...]) -> None:
    of, after = LINES._replace(sort=sort), After(values, "il_1", "in_1")

    assert SIGNER.read(of, SIGNER.write(of, after)) == after


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_cursor_is_refused_by_every_other_list(place: Place) -> None:
    cursor = place.write()

    for read in [*place.beside, *(other.read for other in PLACES.values() if other is not place)]:
        with pytest.raises(InvalidCursorError):
            read(cursor)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_cursor_that_is_not_ours_is_refused(place: Place) -> None:
    payload, _ = place.write().rsplit(".", 1)
    foreign = URLSafeSerializer("another key", salt="revenue-lines-cursor").dumps(["one", 7])

    for forged in ("", "x", payload, f"{payload}.x", place.write()[1:], foreign):
        with pytest.raises(InvalidCursorError):
            place.read(forged)


def test_a_cursor_whose_order_had_other_values_in_an_earlier_release_is_refused() -> None:
    with pytest.raises(InvalidCursorError):
        SIGNER.read(LINES, SIGNER.write(LINES, After((date(2026, 1, 31), 5), "il_1", "in_1")))


EPOCHS = ("", "one", "two")


@pytest.mark.parametrize("made_in", EPOCHS)
@pytest.mark.parametrize("read_in", EPOCHS)
def test_a_cursor_continues_in_the_epoch_that_it_was_made_in_and_in_no_other(made_in: str, read_in: str) -> None:
    of_lines = SIGNER.write(LINES._replace(epoch=made_in), AFTER)
    of_changes = SIGNER.write_mark(1, 3, made_in, CHANGE)

    if made_in == read_in:
        assert SIGNER.read(LINES._replace(epoch=read_in), of_lines) == AFTER
        assert SIGNER.read_mark(1, 3, read_in, of_changes) == CHANGE
    else:
        with pytest.raises(LogRestoredError):
            SIGNER.read(LINES._replace(epoch=read_in), of_lines)
        with pytest.raises(LogRestoredError):
            SIGNER.read_mark(1, 3, read_in, of_changes)


def test_before_any_restore_cursors_are_written_as_releases_without_epochs_read_them() -> None:
    of_lines = URLSafeSerializer(KEY, salt="revenue-lines-cursor").loads(SIGNER.write(LINES, AFTER))
    of_changes = URLSafeSerializer(KEY, salt="revenue-changes-cursor").loads(SIGNER.write_mark(1, 3, "", CHANGE))

    assert of_lines == [LINES.digest(), "2026-01-31", "il_1", "in_1"]
    assert of_changes == [1, 3, *CHANGE]
