"""What streams and kinds are called on pages."""

from collections.abc import Callable, Mapping

from projections.reads.recognition.spread_parts import EXPENSE

# Returns what a stream is called, given its id or None.
NameOf = Callable[[str | None], str]

KINDS = {"pass_through": "pass-through", "tax": "tax", "excluded": "excluded", EXPENSE: "bad debt"}
UNMAPPED = "Unmapped"


def names_from(names: Mapping[str, str]) -> NameOf:
    """Return a lookup of streams' names that falls back on their ids."""
    return lambda stream_id: UNMAPPED if stream_id is None else names.get(stream_id) or stream_id
