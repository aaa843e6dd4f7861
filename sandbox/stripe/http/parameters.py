"""Parse the query parameters of lists as strictly as Stripe does."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.stripe.http.errors import ApiError, unknown_parameter
from sandbox.stripe.http.messages import Parameters
from sandbox.stripe.records.collection import PageRequest

_LIST = re.compile(r"^(\w+)\[\d*\]$")
_BOUND = re.compile(r"^created\[(gt|gte|lt|lte)\]$")
_LARGEST_LIMIT = 100


@dataclass(slots=True)
class ListParameters:
    """The parameters of a list. `filters` holds the endpoint's own parameters, `many` those that may repeat."""

    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None
    created_from: int = 0
    created_to: int = 1 << 62
    filters: dict[str, str] = field(default_factory=dict)
    many: dict[str, list[str]] = field(default_factory=dict)

    @property
    def expand(self) -> list[str]:
        """Return the paths to expand."""
        return self.many.get("expand", [])

    def page_request(self, record: Callable[[str, str], Any]) -> PageRequest[Any]:
        """Return the requested page. `record` returns a cursor's record by id and parameter name, or refuses."""
        after, before = self.starting_after, self.ending_before
        return PageRequest(
            limit=self.limit,
            created_from=self.created_from,
            created_to=self.created_to,
            starting_after=None if after is None else record(after, "starting_after"),
            ending_before=None if before is None else record(before, "ending_before"),
        )


def list_parameters(query: Parameters, *, filters: Iterable[str], many: Iterable[str] = ()) -> ListParameters:
    """Parse the parameters of a list that has these filters.

    :raises ApiError: a parameter is unknown, not a number or out of bounds, or both cursors are given
    """
    read = ListParameters()
    known, repeatable = set(filters), {"expand", *many}
    for name, value in query:
        plural = _LIST.match(name)
        if plural and plural[1] in repeatable:
            read.many.setdefault(plural[1], []).append(value)
        elif name in known:
            read.filters[name] = value
        elif not _read_common(read, name, value, dated="created" in known):
            raise unknown_parameter(name)
    if read.starting_after is not None and read.ending_before is not None:
        raise ApiError(400, "You may only specify one of these parameters: starting_after, ending_before.")
    return read


def _read_common(read: ListParameters, name: str, value: str, *, dated: bool) -> bool:
    if name == "limit":
        read.limit = _limit(value)
    elif name == "starting_after":
        read.starting_after = value
    elif name == "ending_before":
        read.ending_before = value
    elif dated and (bound := _BOUND.match(name)):
        _narrow(read, bound[1], integer(value, name))
    else:
        return False
    return True


def narrow_to(read: ListParameters, second: int) -> None:
    """Restrict a list to objects created in one second, as the plain `created` parameter does."""
    _narrow(read, "gte", second)
    _narrow(read, "lte", second)


def _narrow(read: ListParameters, bound: str, second: int) -> None:
    match bound:
        case "gt":
            read.created_from = max(read.created_from, second + 1)
        case "gte":
            read.created_from = max(read.created_from, second)
        case "lt":
            read.created_to = min(read.created_to, second - 1)
        case _:
            read.created_to = min(read.created_to, second)


def integer(value: str, name: str) -> int:
    """Return the integer in `value`, or refuse it as Stripe does."""
    try:
        return int(value)
    except ValueError as wrong:
        raise ApiError(400, f"Invalid integer: {value}", code="parameter_invalid_integer", param=name) from wrong


def _limit(value: str) -> int:
    limit = integer(value, "limit")
    if limit < 1:
        message = "This value must be greater than or equal to 1."
    elif limit > _LARGEST_LIMIT:
        message = f"This value must be less than or equal to {_LARGEST_LIMIT} (it currently is '{limit}')."
    else:
        return limit
    raise ApiError(400, message, code="parameter_invalid_integer", param="limit")
