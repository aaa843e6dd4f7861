"""How well a connection does, seen from now. Pure: the log says what happened, the clock how long ago."""

from datetime import datetime, timedelta
from typing import Literal

from projections.connection_fold import DISCONNECTED, PAUSED, PENDING, REAUTHORIZATION_REQUIRED, ConnectionState

Health = Literal["never_synced", "syncing", "healthy", "delayed", "failing", "action_required"]

_NEEDS_SOMEBODY = frozenset({PENDING, REAUTHORIZATION_REQUIRED, DISCONNECTED})
# A run may start late and take its time before anybody need be told.
_INTERVALS_BEFORE_DELAYED = 1.5


def health_of(state: ConnectionState, *, now: datetime, interval: timedelta) -> Health:
    """Say how the connection does when reconciliations are due every `interval`."""
    if state.status in _NEEDS_SOMEBODY:
        return "action_required"
    if state.run_status in ("queued", "running"):
        return "syncing"
    if state.run_status in ("failed", "partially_succeeded"):
        return "failing"
    if state.last_success_at is None:
        return "never_synced"
    is_late = now - state.last_success_at > interval * _INTERVALS_BEFORE_DELAYED
    return "delayed" if is_late and state.status != PAUSED else "healthy"
