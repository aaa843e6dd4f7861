"""One value that many facts may state, settled by a rule that does not depend on the order they arrive in. Pure."""

from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

Value = TypeVar("Value")
Stamp = tuple[int, ...]


class Register(Struct, Generic[Value], frozen=True, array_like=True, gc=False):
    """The winning value, the stamp it won with, and whether another value has the same stamp."""

    value: Value
    stamp: Stamp
    is_contested: bool = False


def settle(held: Register[Value] | None, value: Value, stamp: Stamp) -> Register[Value]:
    """Return the register after one more value: the greater stamp wins.

    Of two values with the same stamp the one with the greater JSON wins, so that all replicas agree, and the register
    is contested until a greater stamp settles it. Commutative, associative and safe to repeat.
    """
    if held is None:
        return Register(value, stamp)
    if stamp > held.stamp:
        # An equal value keeps the object already held, because comparing an object with itself is quick.
        return Register(held.value if value == held.value else value, stamp)
    if stamp < held.stamp or value == held.value:
        return held
    greater = max(held.value, value, key=msgspec.json.encode)
    return Register(greater, stamp, is_contested=True)
