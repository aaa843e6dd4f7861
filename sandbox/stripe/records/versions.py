"""Which API version has which fields. Versions have Stripe's names, like `2024-06-20` or `2025-03-31.basil`."""

import re
from dataclasses import dataclass
from functools import lru_cache

NEWEST = "2026-10-28.endive"
NAMES = re.compile(r"^20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(\.[a-z]+)?$")


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields that objects have in one API version. `old` and `new` are both true in the acacia versions."""

    version: str
    old: bool
    new: bool
    discount_source: bool
    line_subtotal: bool
    expandable_price: bool
    quantity_decimal: bool
    status_details: bool


@lru_cache(maxsize=64)
def shape_of(version: str) -> Shape:
    """Return the shape of a version's objects.

    :raises ValueError: it is not the name of an API version
    """
    if not NAMES.match(version):
        message = f"Invalid Stripe API version: {version}"
        raise ValueError(message)
    day = version[:10]
    return Shape(
        version=version,
        old=day < "2025-03-31",
        new=day >= "2024-09-30",
        discount_source=day >= "2025-09-30",
        line_subtotal=day >= "2025-12-15",
        expandable_price=day >= "2025-12-15",
        quantity_decimal=day >= "2026-03-25",
        status_details=day >= "2026-09-30",
    )
