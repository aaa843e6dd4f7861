"""A register settles the same values to the same one, in any order and with any repetition."""

from functools import reduce
from itertools import permutations

import pytest

from events.stripe.observations import InvoiceHeader
from projections.revenue.register import Register, Stamp, settle

Stamped = tuple[str, Stamp]

EARLY, LATE = (1_767_225_600, 0), (1_767_225_601, 0)
FETCHED_EARLY = (1_767_225_600, 1)


def settled(*values: Stamped) -> Register[str]:
    register: Register[str] | None = None
    for value, stamp in values:
        register = settle(register, value, stamp)
    assert register is not None
    return register


def header(number: str) -> InvoiceHeader:
    return InvoiceHeader("cus_1", "Zed Inc", "sub_1", number)


def test_the_first_value_is_uncontested() -> None:
    assert settle(None, "open", EARLY) == Register("open", EARLY, is_contested=False)


@pytest.mark.parametrize(
    ("lesser", "greater"),
    [(EARLY, LATE), (EARLY, FETCHED_EARLY), (FETCHED_EARLY, LATE), ((0, *LATE), (1, *EARLY))],
)
def test_the_value_with_the_greater_stamp_wins_in_either_order(lesser: Stamp, greater: Stamp) -> None:
    assert settled(("zebra", lesser), ("ant", greater)) == Register("ant", greater)
    assert settled(("ant", greater), ("zebra", lesser)) == Register("ant", greater)


@pytest.mark.parametrize(("one", "other"), [("ant", "zebra"), ("Zed", "Žluť"), ("", "a"), ("9", "10")])
def test_two_values_with_one_stamp_are_contested_and_the_same_one_wins_in_either_order(one: str, other: str) -> None:
    register = settled((one, EARLY), (other, EARLY))

    assert register.is_contested
    assert register == settled((other, EARLY), (one, EARLY))
    assert register.value in {one, other}


def test_of_two_values_with_one_stamp_the_one_with_the_greater_json_wins() -> None:
    assert settled(("10", EARLY), ("9", EARLY)) == Register("9", EARLY, is_contested=True)
    assert settle(settle(None, header("2"), EARLY), header("1"), EARLY).value == header("2")


@pytest.mark.parametrize("value", ["ant", "zebra", "something else"])
def test_a_greater_stamp_settles_a_contested_register(value: str) -> None:
    contested = settled(("ant", EARLY), ("zebra", EARLY))

    assert settle(contested, value, LATE) == Register(value, LATE, is_contested=False)


def test_a_lesser_stamp_leaves_a_contested_register_as_it_is() -> None:
    contested = settled(("ant", LATE), ("zebra", LATE))

    assert settle(contested, "yak", EARLY) is contested


@pytest.mark.parametrize("stamp", [EARLY, LATE])
def test_an_equal_value_with_a_lesser_or_the_same_stamp_keeps_the_register_itself(stamp: Stamp) -> None:
    register = settle(None, header("1"), LATE)

    assert settle(register, header("1"), stamp) is register


def test_an_equal_value_with_a_greater_stamp_keeps_the_value_itself() -> None:
    first = header("1")
    register = settle(settle(None, first, EARLY), header("1"), LATE)

    assert register.value is first
    assert register == Register(first, LATE)


@pytest.mark.parametrize(
    "values",
    [
        [("ant", EARLY), ("bee", LATE), ("cat", FETCHED_EARLY)],
        [("ant", EARLY), ("bee", EARLY), ("cat", EARLY)],
        [("ant", EARLY), ("bee", EARLY), ("ant", LATE), ("bee", EARLY)],
        [("ant", LATE), ("bee", LATE), ("bee", EARLY), ("ant", FETCHED_EARLY)],
    ],
)
def test_any_order_of_the_same_values_once_or_twice_settles_to_the_same_register(values: list[Stamped]) -> None:
    registers = [settled(*order) for order in permutations(values)]
    repeated = [reduce(lambda kept, one: settle(kept, *one), order, settled(*order)) for order in permutations(values)]

    assert registers + repeated == [registers[0]] * len(registers + repeated)
