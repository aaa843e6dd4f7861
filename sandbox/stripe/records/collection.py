"""Records in order of creation, found by id and paged as Stripe does: newest first, by cursor, without a full scan."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, Protocol, TypeVar

_FOREVER = 1 << 62


class Record(Protocol):
    """Any object with an id and a time of creation; `sequence` orders those created in the same second."""

    @property
    def id(self) -> str:
        """Return Stripe's id."""
        ...

    @property
    def created(self) -> int:
        """Return the time of creation in Unix seconds."""
        ...

    @property
    def sequence(self) -> int:
        """Return a number that only grows within one account and mode."""
        ...


R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some records, newest first, and whether more follow in the requested direction."""

    records: list[R]
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest(Generic[R]):
    """Which page to return. Bounds on `created` are inclusive; at most one of the two cursors is set."""

    limit: int = 10
    created_from: int = 0
    created_to: int = _FOREVER
    starting_after: R | None = None
    ending_before: R | None = None


def _place(record: Record) -> tuple[int, int]:
    return record.created, record.sequence


class Ordered(Generic[R]):
    """Records in order of creation. Adding at the end, the common case, is cheap."""

    __slots__ = ("_records",)

    def __init__(self) -> None:
        self._records: list[R] = []

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[R]:
        return iter(self._records)

    def add(self, record: R) -> None:
        """Insert a record at its place."""
        place = _place(record)
        if not self._records or _place(self._records[-1]) < place:
            self._records.append(record)
        else:
            self._records.insert(bisect_left(self._records, place, key=_place), record)

    def remove(self, record: R) -> None:
        """Remove a record, which must be present."""
        del self._records[bisect_left(self._records, _place(record), key=_place)]

    def page(self, request: PageRequest[R], keep: Callable[[R], bool] | None = None) -> Page[R]:
        """Return one page, newest first. `keep` returns whether a record passes the filters that have no index."""
        low = bisect_left(self._records, (request.created_from, -1), key=_place)
        high = bisect_right(self._records, (request.created_to, _FOREVER), key=_place)
        if request.ending_before is not None:
            low = max(low, bisect_right(self._records, _place(request.ending_before), key=_place))
            found = self._take(range(low, high), request.limit, keep)
            return Page(found[: request.limit][::-1], len(found) > request.limit)
        if request.starting_after is not None:
            high = min(high, bisect_left(self._records, _place(request.starting_after), key=_place))
        found = self._take(range(high - 1, low - 1, -1), request.limit, keep)
        return Page(found[: request.limit], len(found) > request.limit)

    def _take(self, places: range, limit: int, keep: Callable[[R], bool] | None) -> list[R]:
        candidates = (self._records[place] for place in places)
        return list(islice(filter(keep, candidates) if keep else candidates, limit + 1))


class Collection(Ordered[R]):
    """Ordered records that can also be looked up by id."""

    __slots__ = ("_by_id",)

    def __init__(self) -> None:
        super().__init__()
        self._by_id: dict[str, R] = {}

    def add(self, record: R) -> None:
        """Insert a record at its place. Its id must be new."""
        if record.id in self._by_id:
            message = f"{record.id} exists already"
            raise ValueError(message)
        super().add(record)
        self._by_id[record.id] = record

    def remove(self, record: R) -> None:
        """Remove a record, which must be present."""
        super().remove(record)
        del self._by_id[record.id]

    def get(self, identifier: str) -> R | None:
        """Return the record with this id, or None."""
        return self._by_id.get(identifier)

    def __getitem__(self, identifier: str) -> R:
        return self._by_id[identifier]

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._by_id
