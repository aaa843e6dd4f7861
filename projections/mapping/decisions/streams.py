"""Revenue streams and their plans, and what archiving them does to lines. Pure.

Archiving is for what is booked later: history stays where it is. A line counts as booked when its invoice is finalized,
so what it is mapped to does not depend on when it was heard of.
"""

from collections.abc import Mapping

from msgspec import Struct

from projections.recognition.outcome import Share, Shares, Treatment


class Plan(Struct, frozen=True):
    """A plan of a stream. `archived_at` is in Unix seconds."""

    name: str = ""
    archived_at: int | None = None


class Stream(Struct, frozen=True):
    """A revenue stream, its plans by id, and how its revenue is earned unless a share says otherwise."""

    name: str = ""
    code: str | None = None
    default_treatment: Treatment | None = None
    plans: dict[str, Plan] = {}
    archived_at: int | None = None


def as_booked(shares: Shares, streams: Mapping[str, Stream], booked_at: int) -> Shares | None:
    """Return shares as they are for a line whose invoice was finalized at `booked_at`, in Unix seconds.

    A plan that was archived by then is left out. None if a stream was archived: the line is unmapped.
    """
    has_closed_plan = False
    for share in shares:
        stream = streams.get(share.stream_id) if share.stream_id else None
        if stream is None:
            continue
        if _is_closed(stream, booked_at):
            return None
        plan = stream.plans.get(share.plan_id) if share.plan_id else None
        has_closed_plan = has_closed_plan or (plan is not None and _is_closed(plan, booked_at))
    if not has_closed_plan:
        return shares  # as for nearly all lines
    return tuple(_without_closed_plan(share, streams, booked_at) for share in shares)


def is_archived(share: Share, streams: Mapping[str, Stream]) -> bool:
    """Return whether the stream of a share or its plan is archived: then it depends on the time which lines get it."""
    stream = streams.get(share.stream_id or "")
    plan = stream.plans.get(share.plan_id or "") if stream else None
    return any(named is not None and named.archived_at is not None for named in (stream, plan))


def _without_closed_plan(share: Share, streams: Mapping[str, Stream], booked_at: int) -> Share:
    stream = streams.get(share.stream_id or "")
    plan = stream and share.plan_id and stream.plans.get(share.plan_id)
    return share._replace(plan_id=None) if plan and _is_closed(plan, booked_at) else share


def _is_closed(named: Stream | Plan, booked_at: int) -> bool:
    return named.archived_at is not None and named.archived_at <= booked_at
