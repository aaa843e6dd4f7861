"""One value that many facts may tell, settled by a rule that does not depend on the order they arrive in. Pure."""

from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

Value = TypeVar("Value")
Stamp = tuple[int, ...]


class Register(Struct, Generic[Value], frozen=True, array_like=True, gc=False):
    """The winning value, the stamp it won with, and whether another value claims the same stamp."""

    value: Value
    stamp: Stamp
    is_contested: bool = False


def settle(held: Register[Value] | None, value: Value, stamp: Stamp) -> Register[Value]:
    """Give the register after one more telling: the greater stamp wins.

    Of two values with one stamp the greater in its JSON form stands, so that all replicas agree, and the register is
    contested until a greater stamp settles it. Commutative, associative and safe twice.
    """
    if held is None:
        return Register(value, stamp)
    if stamp > held.stamp:
        # The value itself is kept as long as it is told again: who compares it with itself is done at once.
        return Register(held.value if value == held.value else value, stamp)
    if stamp < held.stamp or value == held.value:
        return held
    greater = max(held.value, value, key=msgspec.json.encode)
    return Register(greater, stamp, is_contested=True)
