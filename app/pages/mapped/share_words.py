"""Shares of lines in words: where they go, as what, and when they are earned."""

from collections.abc import Mapping
from typing import Any

from projections.mapping.decisions.streams import Stream

KINDS = {
    "revenue": "Revenue",
    "pass_through": "Pass-through",
    "tax": "Tax",
    "excluded": "Excluded",
}

Streams = Mapping[str, Stream]


def percent(basis_points: int) -> str:
    """Return basis points as a percentage: 3333 is 33.33."""
    return f"{basis_points / 100:.2f}".rstrip("0").rstrip(".")


def target_words(share: Mapping[str, Any], streams: Streams) -> str:
    """Return where a share goes: its kind, if it is no revenue, its stream and its plan."""
    kind, stream_id = share.get("kind") or "revenue", share.get("stream_id")
    stream = streams.get(stream_id or "")
    plan = stream and stream.plans.get(share.get("plan_id") or "")
    place = " › ".join(one.name for one in (stream, plan) if one)
    if kind != "revenue":
        return f"{KINDS[kind]} · {place}" if place else KINDS[kind]
    return place or "Unmapped"


def treatment_words(treatment: Mapping[str, Any] | None) -> str:
    """Return when a share is earned; empty if it does not say so itself."""
    if not treatment:
        return ""
    if treatment["kind"] == "months":
        since = "the service start" if treatment["from"] == "period_start" else "the booking"
        return f"over {treatment['n']} month{'' if treatment['n'] == 1 else 's'} from {since}"
    return {"period": "over the service period", "booked": "when booked"}[treatment["kind"]]
