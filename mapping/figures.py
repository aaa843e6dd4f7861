"""Add up what other rules would change: cells, kinds of changes, the largest lines, and what each rule does. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from heapq import heappush, heappushpop
from json import dumps
from typing import Any, Literal, NamedTuple, get_args

from projections.mapping.effects import EffectCount
from projections.mapping.mapped import Mapped
from projections.mapping.rule_set import RuleSet, Values
from projections.mapping.writing_rules import treatment_document
from projections.recognition.days import month_of, month_text
from projections.recognition.outcome import REVENUE, Share
from projections.recognition.parts import Part

LineChange = Literal["newly_mapped", "moved", "unmapped", "resplit", "retreated"]
LINE_CHANGES: tuple[LineChange, ...] = get_args(LineChange)

MOST_TOP_LINES = 20

Json = dict[str, Any]


class CellKey(NamedTuple):
    """A month, as a number, of a stream and a currency; without a stream it is unmapped."""

    month: int
    stream_id: str | None
    currency: str


class ComparedLine(NamedTuple):
    """A line, what maps it before and after, and its parts under either.

    `parts_after` is None if they recognize the same in the same months, and only the stream or the plan is another one.
    """

    invoice_id: str
    line_id: str
    currency: str
    net_amount: int
    mapped: tuple[Mapped, Mapped]
    parts_before: Sequence[Part]
    parts_after: Sequence[Part] | None


class Figures:
    """What a rule set would change, added up line by line; `before` is what is recognized now, by cell."""

    def __init__(self, rules: RuleSet, before: Mapping[CellKey, int]) -> None:
        self._before = dict(before)
        self._moved: Counter[CellKey] = Counter()
        self._changes: Counter[LineChange] = Counter()
        self._effects = EffectCount(rules)
        self._top: list[tuple[int, str, str, Json]] = []

    def count(self, values: Values, lines: int) -> None:
        """Count lines whose tested fields come to these values."""
        self._effects.add(values, lines)

    def add(self, line: ComparedLine) -> None:
        """Add a line that is mapped to other shares."""
        self.note(*line.mapped, lines=1)
        if line.parts_after is None:
            self._move(line.parts_before, line.currency, line.mapped[1].shares[0].stream_id)
        else:
            self._add_parts(line.parts_before, line.currency, -1)
            self._add_parts(line.parts_after, line.currency, 1)
        self.show(line[:4], *line.mapped)

    def note(self, before: Mapped, after: Mapped, *, lines: int) -> None:
        """Count lines that are mapped to other shares."""
        self._changes[change_of(before, after)] += lines

    def move(self, key: CellKey, stream_id: str | None, net: int) -> None:
        """Move what is recognized from a cell to the same month of another stream."""
        self._moved[key] -= net
        self._moved[key._replace(stream_id=stream_id)] += net

    def show(self, line: tuple[str, str, str, int], before: Mapped, after: Mapped) -> None:
        """Keep a line, given as the first fields of a `ComparedLine`, if it is one of the largest."""
        shown = _shown(*line, before, after)
        entry = (abs(line[3]), line[0], line[1], shown)
        if len(self._top) < MOST_TOP_LINES:
            heappush(self._top, entry)
        else:
            heappushpop(self._top, entry)

    def _add_parts(self, parts: Sequence[Part], currency: str, sign: int) -> None:
        for part in parts:
            for month, net in _net_by_month(part):
                self._moved[CellKey(month, part.stream_id, currency)] += sign * net

    def _move(self, parts: Sequence[Part], currency: str, stream_id: str | None) -> None:
        for part in parts:
            for month, net in _net_by_month(part):
                self.move(CellKey(month, part.stream_id, currency), stream_id, net)

    def result(self) -> Json:
        """Return all of it as JSON."""
        keys = sorted(self._before.keys() | self._moved.keys(), key=lambda key: (key[0], key[1] or "", key[2]))
        cells = [cell(key, self._before.get(key, 0), self._before.get(key, 0) + self._moved[key]) for key in keys]
        effects = [{**effect._asdict(), "is_dead": effect.is_dead} for effect in self._effects.effects()]
        return {
            "cells": [one for one in cells if one["before"] or one["after"]],
            "lines": {change: self._changes[change] for change in LINE_CHANGES},
            "top_lines": [shown for *_, shown in sorted(self._top, key=lambda one: (-one[0], *one[1:3]))],
            "rules": effects,
        }


def cell(key: CellKey, before: int, after: int) -> Json:
    """Return a cell of the result."""
    return {
        "month": month_text(key.month),
        "stream_id": key.stream_id,
        "currency": key.currency,
        "before": before,
        "after": after,
    }


def checksum_of(result: Json) -> str:
    """Return a checksum of a result: equal ones have the same."""
    return sha256(dumps(result, sort_keys=True).encode()).hexdigest()[:32]


def since(earlier: Json, later: Json) -> list[Json]:
    """Return the cells of what a later result has beyond an earlier one."""
    sums: dict[tuple[str, str | None, str], list[int]] = {}
    for sign, result in ((-1, earlier), (1, later)):
        for one in result["cells"]:
            total = sums.setdefault((one["month"], one["stream_id"], one["currency"]), [0, 0])
            total[0] += sign * one["before"]
            total[1] += sign * one["after"]
    ordered = sorted(sums.items(), key=lambda item: (item[0][0], item[0][1] or "", item[0][2]))
    names = ("month", "stream_id", "currency", "before", "after")
    return [dict(zip(names, (*key, *total), strict=True)) for key, total in ordered if any(total)]


def change_of(before: Mapped, after: Mapped) -> LineChange:
    """Return what kind of change it is for a line to be mapped to other shares."""
    if before.layer == "unmapped":
        return "newly_mapped"
    if after.layer == "unmapped":
        return "unmapped"
    if _places(before) != _places(after):
        return "moved"
    return "resplit" if _split(before) != _split(after) else "retreated"


def _net_by_month(part: Part) -> Iterator[tuple[int, int]]:
    """Yield what a part of revenue recognizes by month, as `month_rows` does, but for what is an expense."""
    if part.kind != REVENUE:
        return
    yield from enumerate(part.months, start=part.first_month)
    if part.expense:
        yield month_of(part.booked), -part.expense


def _places(mapped: Mapped) -> set[tuple[object, ...]]:
    return {(share.stream_id, share.plan_id, share.kind) for share in mapped.shares}


def _split(mapped: Mapped) -> list[tuple[object, ...]]:
    return [(share.stream_id, share.plan_id, share.kind, share.basis_points) for share in mapped.shares]


def _shown(invoice_id: str, line_id: str, currency: str, net_amount: int, before: Mapped, after: Mapped) -> Json:
    return {
        "invoice_id": invoice_id,
        "invoice_line_item_id": line_id,
        "currency": currency,
        "net_amount": net_amount,
        "change": change_of(before, after),
        "before": [_share(share) for share in before.shares],
        "after": [_share(share) for share in after.shares],
    }


def _share(share: Share) -> Json:
    return {
        "stream_id": share.stream_id,
        "plan_id": share.plan_id,
        "kind": share.kind,
        "bp": share.basis_points,
        "treatment": None if share.treatment is None else treatment_document(share.treatment),
    }
