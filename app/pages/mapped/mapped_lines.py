"""What lines are mapped to, in words: for their rows in the table, and for the page of one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row

from app.pages.mapped.share_words import Streams, percent, target_words, treatment_words
from mapping.rule_sets import newest_at
from mapping.streams import streams_at
from projections.reads.recognition.line_mappings import LineKey, LineMapping, mappings_of
from projections.reads.snapshots import Snapshot

COLUMNS = frozenset(("stream", "mapped_by"))
LAYERS = {
    "line_override": "By hand",
    "subscription_override": "Subscription, by hand",
    "rule": "Rule",
    "unmapped": "Unmapped",
}
_WHOLE = 10_000


class MappedPart(NamedTuple):
    """A share of a line: `percent` is empty for a whole line, `treatment` if it has none of its own."""

    percent: str
    target: str
    treatment: str
    net_amount: int


class MappedLine(NamedTuple):
    """What maps a line, in words. `href` leads to the rule that does, if one does."""

    layer: str
    by: str
    href: str | None
    parts: list[MappedPart]

    @property
    def text(self) -> str:
        """Return the parts on one line."""
        return ", ".join(f"{part.percent} {part.target}".strip() for part in self.parts)


def mapped_lines(snapshot: Snapshot, rows: Sequence[Row[Any]]) -> dict[LineKey, MappedLine]:
    """Return what rows are mapped to, by their keys, as of the snapshot."""
    mappings = mappings_of(snapshot, rows)
    if not mappings:
        return {}
    upto = snapshot.position if snapshot.is_past else None
    streams = streams_at(snapshot.connection, snapshot.company_id, upto)
    names = _rule_names(snapshot, upto, mappings.values())
    return {key: _shown(snapshot.company_id, mapping, streams, names) for key, mapping in mappings.items()}


def _rule_names(snapshot: Snapshot, upto: int | None, mappings: Iterable[LineMapping]) -> dict[str, str]:
    if not any(mapping.rule_id for mapping in mappings):
        return {}
    newest = newest_at(snapshot.connection, snapshot.company_id, upto)
    return {rule.rule_id: rule.name for rule in newest.rules} if newest else {}


def _shown(company_id: int, mapping: LineMapping, streams: Streams, names: Mapping[str, str]) -> MappedLine:
    by, href = LAYERS[mapping.layer], None
    if mapping.rule_id is not None:
        by = names.get(mapping.rule_id) or by
        href = f"/companies/{company_id}/rules/versions/{mapping.rules_version}#{mapping.rule_id}"
    parts = [] if mapping.layer == "unmapped" else [_part(part, streams) for part in mapping.parts]
    return MappedLine(mapping.layer, by, href, parts)


def _part(part: Mapping[str, Any], streams: Streams) -> MappedPart:
    share = "" if part["bp"] == _WHOLE else f"{percent(part['bp'])} %"
    return MappedPart(share, target_words(part, streams), treatment_words(part["treatment"]), part["net_amount"])
