"""Row changes contain every version of an invoice's rows, with the positions of its beginning and end."""

from collections.abc import Sequence

import pytest

from events.stripe.observations import InvoiceHeader, Line
from projections.facts.sightings import Change
from projections.revenue.row import UNKNOWN, Billing
from projections.revenue.row_changes import RowChanges, RowVersion
from projections.revenue.row_parts import Names, RowParts, fixed_part, head_of, variable_part
from tests.support.clock import NOON
from tests.support.payloads import CREATED

Moments = Sequence[tuple[int, Sequence[RowParts]]]
# (line, position of the row, position of its end, position that the line came with, its flags)
Ended = tuple[str, int, int, int | None, set[str]]
Current = tuple[str, int, int | None]

STORED, REMOVED, DISPLACED = "stored", "removed", "displaced"
_UNKNOWN = Billing("unknown", "unknown", None, None, UNKNOWN)


def row(line_id: str, position: int, *, amount: int = 100, invoice_id: str = "in_1") -> RowParts:
    """Return a row that was last changed at the position."""
    head = head_of((True, invoice_id), InvoiceHeader("cus_1", "Zed Inc", "sub_1", "F00D-0001"))
    line = Line(line_id, None, None, "usd", amount, 0, 0, CREATED, CREATED + 60, False, "1", None, None)  # noqa: FBT003
    return fixed_part(head, line), variable_part(Names("Zed", None), _UNKNOWN, "paid", True, Change(position, NOON))  # noqa: FBT003


def changes_of(before: Sequence[RowParts], moments: Moments) -> RowChanges:
    changes = RowChanges()
    changes.follow(before, moments)
    return changes


def ended(changes: RowChanges) -> list[Ended]:
    return [
        (one.fixed.line_id, one.variable.change.position, one.until, one.life.first_position, _flags(one))
        for one in sorted(changes.ended, key=lambda one: (one.until, one.fixed.line_id))
    ]


def current(changes: RowChanges) -> list[Current]:
    return [(one.fixed.line_id, one.variable.change.position, one.life.first_position) for one in changes.current]


def _flags(row_version: RowVersion) -> set[str]:
    flags = {
        STORED: row_version.is_stored,
        REMOVED: row_version.is_removed,
        DISPLACED: row_version.is_displaced,
    }
    return {name for name, is_set in flags.items() if is_set}


@pytest.mark.parametrize(
    ("before", "moments", "expected_ended", "expected_current"),
    [
        pytest.param([], [(1, [row("a", 1)])], [], [("a", 1, 1)], id="a row comes"),
        pytest.param([row("a", 1)], [(2, [row("a", 1)])], [], [], id="a stored row does not change"),
        pytest.param(
            [], [(1, [row("a", 1)]), (2, [row("a", 2)])], [("a", 1, 2, 1, set())], [("a", 2, 1)], id="a row changes"
        ),
        pytest.param(
            [row("a", 1)],
            [(2, [row("a", 2)])],
            [("a", 1, 2, None, {STORED})],
            [("a", 2, None)],
            id="a stored row changes",
        ),
        pytest.param(
            [row("a", 1)], [(2, [])], [("a", 1, 2, None, {STORED, REMOVED, DISPLACED})], [], id="a stored row goes"
        ),
        pytest.param(
            [],
            [(1, [row("a", 1)]), (2, [])],
            [("a", 1, 2, 1, {REMOVED, DISPLACED})],
            [],
            id="a row comes and goes in one batch",
        ),
        pytest.param(
            [row("a", 1)],
            [(2, []), (3, [row("a", 3)])],
            [("a", 1, 2, None, {STORED, REMOVED, DISPLACED})],
            [("a", 3, 3)],
            id="a row comes back with a new life",
        ),
        pytest.param(
            [row("a", 1)],
            [(2, [row("a", 2, amount=200)])],
            [("a", 1, 2, None, {STORED, DISPLACED})],
            [("a", 2, None)],
            id="a row is displaced and not removed",
        ),
        pytest.param(
            [],
            [(1, [row("a", 1)]), (2, [row("a", 2)]), (3, [row("a", 3, amount=200)])],
            [("a", 1, 2, 1, {DISPLACED}), ("a", 2, 3, 1, {DISPLACED})],
            [("a", 3, 1)],
            id="earlier versions are displaced as well",
        ),
        pytest.param(
            [row("a", 1), row("b", 1)],
            [(2, [row("b", 1), row("c", 2)]), (3, [row("b", 3), row("c", 2)])],
            [("a", 1, 2, None, {STORED, REMOVED, DISPLACED}), ("b", 1, 3, None, {STORED})],
            [("c", 2, 2), ("b", 3, None)],
            id="lines change independently",
        ),
    ],
)
def test_every_version_of_a_row_has_its_beginning_and_its_end(
    before: Sequence[RowParts], moments: Moments, expected_ended: list[Ended], expected_current: list[Current]
) -> None:
    changes = changes_of(before, moments)

    assert ended(changes) == expected_ended
    assert sorted(current(changes)) == sorted(expected_current)


@pytest.mark.parametrize(
    ("moments", "displaced"),
    [
        ([(2, [row("a", 2), row("b", 2)])], []),
        ([(2, [row("b", 1)])], ["a"]),
        ([(2, [row("a", 2, amount=200), row("b", 2)])], ["a"]),
        ([(2, []), (3, [row("a", 3)])], ["a", "b"]),
    ],
)
def test_lines_that_leave_their_place_are_listed_as_displaced(moments: Moments, displaced: list[str]) -> None:
    changes = changes_of([row("a", 1), row("b", 1)], moments)

    assert sorted(fixed.line_id for fixed in changes.displaced) == displaced


def test_versions_of_one_life_share_its_first_position() -> None:
    changes = changes_of([row("a", 1)], [(2, [row("a", 2)]), (3, [row("a", 3)])])

    first, second = changes.ended
    first.life.first_position = 1
    assert second.life.first_position == 1
    assert current(changes) == [("a", 3, 1)]


def test_a_line_of_another_invoice_with_the_same_id_is_not_displaced() -> None:
    changes = changes_of([], [(1, [row("a", 1)]), (2, [row("a", 2)])])
    changes.follow([row("a", 1, invoice_id="in_2")], [(3, [])])

    assert [(one.fixed.invoice_id, one.is_displaced) for one in changes.ended] == [("in_1", False), ("in_2", True)]
    assert [one.fixed.invoice_id for one in changes.current] == ["in_1"]
