"""Addresses of the table's page and of its parts."""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlencode


class Parameters(tuple[tuple[str, str], ...]):
    """Parameters of an address in their order: a name and a value each. A name may come several times."""

    __slots__ = ()

    def items(self) -> Iterator[tuple[str, str]]:
        """Return the names with their values, as of a mapping."""
        return iter(self)


def pairs(given: Mapping[str, Sequence[str]]) -> Parameters:
    """Return parameters by name as pairs of a name and a value."""
    return Parameters((name, value) for name, values in given.items() for value in values)


def table_address(company_id: int, below: str = "", parameters: Parameters = Parameters()) -> str:  # noqa: B008 - a constant
    """Return the URL of a company's table, or of a part of it."""
    path = f"/companies/{company_id}/revenue-mapping{below}"
    return f"{path}?{urlencode(parameters)}" if parameters else path
