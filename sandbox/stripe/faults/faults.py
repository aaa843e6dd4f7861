"""Faults between a client and Stripe, and a plan that matches them against requests."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Self

from sandbox.stripe.http.messages import Request


class FaultKind(StrEnum):
    """The kinds of faults."""

    RATE_LIMITED = "rate_limited"  # 429, with `retry_after` seconds if given
    ERROR = "error"  # Stripe's own error body with `status`
    HTML = "html"  # an HTML page with `status`, 200 included
    CUT_BODY = "cut_body"  # half of the promised bytes, then the connection ends
    TRUNCATED_JSON = "truncated_json"  # half of the JSON, with a matching Content-Length
    RESET = "reset"  # the connection is reset instead of answered
    TIMEOUT = "timeout"  # no answer for `milliseconds`, then the connection ends
    SLOW = "slow"  # the answer comes after `milliseconds`
    DRIP = "drip"  # the body comes `size` bytes at a time, `milliseconds` apart
    HUGE_BODY = "huge_body"  # `size` blanks before the JSON
    EMPTY_PAGE = "empty_page"  # no data, but has_more is true
    REPEATED_PAGE = "repeated_page"  # the first page, whatever the cursor is
    ENDS_EARLY = "ends_early"  # has_more is false although there is more
    DELETED_CURSOR = "deleted_cursor"  # the refusal that the cursor's object does not exist
    DELETED_OBJECT = "deleted_object"  # after the answer, a draft in it is deleted: `object_id`, or the last one
    LOST_LINE = "lost_line"  # each invoice in the page lacks its last line, and does not say so
    FOREIGN_OBJECT = "foreign_object"  # the page contains an object of another account


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault: its kind, and the requests it strikes.

    Of the requests that match `method`, `path` (a pattern like `/v1/invoices/*`) and `account`, it strikes the `nth`
    (from 1) and those after it, `times` in all; None means all of them.
    """

    kind: FaultKind
    method: str = "GET"
    path: str = "/v1/*"
    account: str | None = None
    nth: int = 1
    times: int | None = 1
    status: int = 500
    retry_after: int | None = None
    milliseconds: int = 0
    size: int = 0
    object_id: str | None = None

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> Self:
        """Create a fault from its fields.

        :raises ValueError: a field or the kind is unknown, or `kind` is missing
        """
        unknown = described.keys() - {field.name for field in fields(cls)}
        if unknown or "kind" not in described:
            message = f"a fault has a kind and no {', '.join(sorted(unknown)) or 'less'}"
            raise ValueError(message)
        return cls(**{**described, "kind": FaultKind(described["kind"])})


class FaultPlan:
    """The faults that are set, and how often each has matched. Only the front uses it, one request at a time."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._matched: list[int] = []  # how many requests each fault has matched
        self.struck: list[tuple[FaultKind, str]] = []

    def add(self, fault: Fault) -> None:
        """Add a fault. If several match a request, the one added first strikes."""
        self._faults.append(fault)
        self._matched.append(0)

    def clear(self) -> None:
        """Delete all faults and the log of what they struck."""
        self._faults.clear()
        self._matched.clear()
        self.struck.clear()

    def strike(self, request: Request) -> Fault | None:
        """Return the fault that strikes this request, or None, and count the match."""
        chosen: Fault | None = None
        for place, fault in enumerate(self._faults):
            if not _concerns(fault, request):
                continue
            self._matched[place] += 1
            late = self._matched[place] - fault.nth
            if chosen is None and late >= 0 and (fault.times is None or late < fault.times):
                chosen = fault
        if chosen is not None:
            self.struck.append((chosen.kind, request.path))
        return chosen


def _concerns(fault: Fault, request: Request) -> bool:
    return (
        fault.method == request.method
        and fnmatchcase(request.path, fault.path)
        and fault.account in {None, request.headers.get("stripe-account")}
    )
