"""Suggest the stream that lines probably belong to: that of lines like them, or the one that they name. Pure."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from projections.mapping.decisions.streams import Stream
from projections.mapping.texts import folded

# Stands for a number in a phrase, with the signs around it: `$1,200.00`, `(2026-01-31)`. Numbers in a row are one.
NUMBER = "…"

Because = Literal["product", "price", "description", "name"]


class Sold(NamedTuple):
    """What lines are of. The phrase is their description but for its numbers, if they have neither product nor price.

    A description without words is `NUMBER` alone, and its lack the empty text.
    """

    product_id: str | None
    price_id: str | None
    phrase: str | None

    def traits(self) -> list[tuple[Because, str]]:
        """Return what other lines may share with these, the strongest first."""
        named: list[tuple[Because, str | None]] = [
            ("product", self.product_id),
            ("price", self.price_id),
            ("description", self.phrase),
        ]
        return [(because, value) for because, value in named if value]


class MappedLines(NamedTuple):
    """How many lines of something are mapped to a stream."""

    sold: Sold
    stream_id: str
    lines: int


class Suggestion(NamedTuple):
    """A stream, why it was chosen, and how many lines speak for it: none if it is only named."""

    stream_id: str
    because: Because
    support: int


class LikelyStreams:
    """What lines are mapped to, by what they have in common with others. Streams that are archived are left out."""

    def __init__(self, mapped: Iterable[MappedLines], streams: Mapping[str, Stream]) -> None:
        self._counts: defaultdict[tuple[Because, str], Counter[str]] = defaultdict(Counter)
        open_streams = {stream_id: stream for stream_id, stream in streams.items() if stream.archived_at is None}
        for lines in mapped:
            if lines.stream_id in open_streams:
                for trait in lines.sold.traits():
                    self._counts[trait][lines.stream_id] += lines.lines
        # The longest name says most.
        names = [(folded(stream.name), stream_id) for stream_id, stream in open_streams.items()]
        self._names = sorted(names, key=lambda one: (-len(one[0]), *one))

    def of(self, sold: Sold, *texts: str | None) -> Suggestion | None:
        """Return the stream of most lines of the same product, price or description, or else one named in texts."""
        for trait in sold.traits():
            counts = self._counts.get(trait)
            if counts:
                stream_id, support = min(counts.items(), key=lambda one: (-one[1], one[0]))
                return Suggestion(stream_id, trait[0], support)
        said = folded(" ".join(filter(None, texts)))
        named = (stream_id for name, stream_id in self._names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said))
        return next((Suggestion(stream_id, "name", 0) for stream_id in named), None)
