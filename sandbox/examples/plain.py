"""Make what changes between runs stable, what is secret plainly fake, and what is long short."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

# The moment at which all examples are asked.
MOMENT = datetime(2026, 4, 1, 12, tzinfo=UTC)
# The path to which the product sends what customers of it ask for.
RECEIVING = "/revmap-events"
_RECENT = timedelta(days=2)
_MOST_ITEMS = 2
_MOST_CHARACTERS = 360
_MOST_TEXT_LINES = 6
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_NAMED = {"next_cursor": "EXAMPLE-CURSOR", "checksum": "0123456789abcdef0123456789abcdef"}
_MADE_UP = (
    (
        re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
        "00000000-0000-4000-8000-000000000001",
    ),
    (re.compile(r"\brmk_[\w-]{8,}"), "rmk_EXAMPLE_of_a_key_that_does_not_work"),
    (re.compile(r"\brmk_[\w-]{7}(?!\w)"), "rmk_EXAMPLE"),
    (re.compile(r"\brk_(live|test)_\w+"), r"rk_\1_EXAMPLE_that_does_not_work"),
    (re.compile(r"\bwhsec_[\w+/=-]+"), "whsec_RVhBTVBMRQ=="),
    (re.compile(r"\bmsg_[0-9a-f]{16,}"), "msg_EXAMPLE"),
    (re.compile(r"\b(str|pln|ovr)_[0-9a-f]{16}\b"), r"\1_0123456789abcdef"),
    (re.compile(r"\brule_[0-9a-f]{12}\b"), "rule_0123456789ab"),
    # The second in which a fact was fetched, and the digest of a sync's state.
    (re.compile(r"(?<=:)1[789]\d{8}\b"), f"{MOMENT.timestamp():.0f}"),
    (re.compile(r"(?<=id: )(\d+)-[0-9a-f]{16}"), r"\1-0123456789abcdef"),
    # A link that works once.
    (re.compile(r"(?<=[/=#])[A-Za-z0-9_-]{32,}"), "EXAMPLE-OF-A-LINK-THAT-DOES-NOT-WORK"),
    (re.compile(rf"http://127\.0\.0\.1:\d+(?={RECEIVING})"), "https://example.com"),
)


def plain(value: Any, *, now: datetime) -> Any:  # noqa: ANN401 - any JSON
    """Return a JSON value without what changes between runs. `now` is the time at which it was answered."""
    if isinstance(value, Mapping):
        return {
            name: _NAMED[name] if name in _NAMED and below else plain(below, now=now) for name, below in value.items()
        }
    if isinstance(value, list):
        return [plain(item, now=now) for item in _telling(value)]
    if not isinstance(value, str):
        return value
    return plain_text(value if len(value) <= _MOST_CHARACTERS else f"{value[:_MOST_CHARACTERS]}…", now=now)


def _telling(items: list[Any]) -> list[Any]:
    """Return the items that an example shows: all words and numbers, but only a few objects, those that tell most."""
    if not items or not isinstance(items[0], Mapping):
        return items
    return ([item for item in items if item.get("outcome") != "ignored"] or items)[:_MOST_ITEMS]


def plain_lines(text: str, *, now: datetime) -> str:
    """Return the first lines of a text that is no JSON."""
    lines = [line if len(line) <= _MOST_CHARACTERS else f"{line[:_MOST_CHARACTERS]}…" for line in text.splitlines()]
    return plain_text("\n".join(lines[:_MOST_TEXT_LINES]) + "\n", now=now)


def plain_text(text: str, *, now: datetime) -> str:
    """Return a text with the moments of this run moved to one moment, and with made-up secrets."""
    for pattern, made_up in _MADE_UP:
        text = pattern.sub(made_up, text)

    def moved(found: re.Match[str]) -> str:
        instant = datetime.fromisoformat(found[0])
        if instant < now - _RECENT:
            return found[0]
        hours = round((instant - now) / timedelta(hours=1))
        return f"{MOMENT + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"

    return _INSTANT.sub(moved, text)
