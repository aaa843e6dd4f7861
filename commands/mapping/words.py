"""Say what an import changed and what a preview found, in words and as JSON."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from commands.terminal import counted
from events.stripe.money import exponent_of
from mapping.exchange import Imported
from mapping.previews import Preview

_CHANGES = {
    "newly_mapped": "newly mapped",
    "moved": "moved",
    "unmapped": "unmapped",
    "resplit": "split otherwise",
    "retreated": "earned otherwise",
}
_SHOWN = ("id", "status", "based_on", "requested_at", "lines_done", "lines_total", "finished_at", "failure")
_RESULT = ("position", "checksum", "note", "version", "published_position", "since")


def imported_in_words(imported: Imported) -> str:
    """Return what an import changed, on one line."""
    changes = [
        (imported.streams_added, "stream", "added"),
        (imported.streams_changed, "stream", "changed"),
        (imported.plans_added, "plan", "added"),
        (imported.plans_changed, "plan", "changed"),
    ]
    said = [f"{counted(number, what)} {done}" for number, what, done in changes if number]
    rules = counted(imported.rules, "rule")
    said.append(f"the draft has {rules} now" if imported.is_draft_changed else f"the same {rules} as before")
    return f"{', '.join(said)}."


def preview_as_json(preview: Preview) -> dict[str, Any]:
    """Return a preview as JSON, with its result once it is there."""
    told = {name: getattr(preview, name) for name in (*_SHOWN, *_RESULT)}
    return {**told, **(preview.result or {"cells": [], "lines": {}, "top_lines": [], "rules": []})}


def preview_in_words(preview: Preview) -> str:
    """Return how far a preview is, or what it found."""
    if preview.status == "published":
        return f"Published as version {preview.version}."
    if preview.failure:
        return f"Preview {preview.id} failed: {preview.failure}"
    if preview.result is None:
        return f"Preview {preview.id} is {preview.status}."
    return "\n".join([f"Preview {preview.id} is {preview.status}.", *_found(preview.result)])


def _found(result: dict[str, Any]) -> Iterator[str]:
    changes = [f"{number:,} {_CHANGES[name]}" for name, number in result["lines"].items() if number]
    yield f"Lines: {', '.join(changes)}." if changes else "No line changes."
    moved: Counter[tuple[str, str]] = Counter()
    for cell in result["cells"]:
        moved[cell["currency"], cell["stream_id"] or "unmapped"] += cell["after"] - cell["before"]
    for (currency, stream), minor in sorted(moved.items()):
        if minor:
            yield f"{stream}: {minor / 10 ** exponent_of(currency):+,.{exponent_of(currency)}f} {currency.upper()}"
    for rule in result["rules"]:
        if rule["is_dead"]:
            yield f"{rule['rule_id']} matches no line."
        elif rule["shadowed_by"]:
            yield f"{rule['rule_id']} is shadowed by {rule['shadowed_by']}."
