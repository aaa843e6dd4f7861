"""Tell of refused webhooks without being flooded by them: one line a reason every ten seconds, with the count."""

import logging
import time
from collections import Counter

from app.http.request_counts import count_refusal

_PAUSE_SECONDS = 10.0

_log = logging.getLogger(__name__)
_since_last_line: Counter[str] = Counter()
_next_line_at: dict[str, float] = {}


def note_refusal(reason: str) -> None:
    """Count a refusal. Nothing of what was sent is kept: whoever sent it chose those bytes."""
    count_refusal(reason)
    _since_last_line[reason] += 1
    now = time.monotonic()
    if now >= _next_line_at.get(reason, 0.0):
        _log.warning("webhook refused", extra={"reason": reason, "count": _since_last_line.pop(reason)})
        _next_line_at[reason] = now + _PAUSE_SECONDS
