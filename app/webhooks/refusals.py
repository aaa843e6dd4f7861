"""Log refused webhooks without flooding the log: one line per reason every ten seconds, with the count."""

import logging
import time
from collections import Counter

from app.http.request_counts import count_refusal

_PAUSE_SECONDS = 10.0

_log = logging.getLogger(__name__)
_since_last_line: Counter[str] = Counter()
_next_line_at: dict[str, float] = {}


def note_refusal(reason: str, *, level: int = logging.WARNING) -> None:
    """Count a refusal, and log it when a line is due. Nothing of the request is kept: its sender chose those bytes.

    `level`: that of the line, which is an error if an operator has to act.
    """
    count_refusal(reason)
    _since_last_line[reason] += 1
    now = time.monotonic()
    if now >= _next_line_at.get(reason, 0.0):
        _log.log(level, "webhook refused", extra={"reason": reason, "count": _since_last_line.pop(reason)})
        _next_line_at[reason] = now + _PAUSE_SECONDS
