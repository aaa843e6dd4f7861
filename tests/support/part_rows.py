"""Write parts of lines into the tables as the fold does: versions with positions, sums by month, sums by stretch."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, text

from projections.recognition.month_rows import MonthRow, month_rows
from projections.recognition.outcome import Shares
from projections.recognition.parts import Part
from projections.revenue.store.parts.part_tables import (
    RECOGNITION_KEY,
    recognition_by_month,
    recognition_month_stretch,
    revenue_part,
    revenue_part_past,
)
from projections.revenue.sums import MONTH_STRETCH
from tests.support.company import catch_up
from tests.support.recognition import Case

_REACH_OF_LOG = "UPDATE company_head SET position = :position WHERE company_id = :company_id"
_REACH_OF_BUILD = "UPDATE projection_state SET position = :position WHERE company_id = :company_id"


class Shelf:
    """The parts of one company's lines as its events leave them, to be written into the tables of its live build."""

    def __init__(self, engine: Engine, company_id: int) -> None:
        catch_up(engine)
        with engine.connect() as connection:
            found = text("SELECT build FROM projection_active WHERE company_id = :company_id")
            build = connection.execute(found, {"company_id": company_id}).scalar_one()
        self.engine, self.company_id = engine, company_id
        self._scope = {"company_id": company_id, "build": build}
        self._standing: dict[tuple[bool, str, str], list[dict[str, Any]]] = {}
        self._past: list[dict[str, Any]] = []
        self._sums: Counter[tuple[object, ...]] = Counter()

    def put(
        self,
        position: int,
        case: Case,
        *,
        line: tuple[str, str] = ("in_1", "il_1"),
        currency: str = "usd",
        livemode: bool = True,
    ) -> None:
        """Replace the parts of a line, an invoice's id and its own, as of an event at this position."""
        key = (livemode, *line)
        named = dict(zip(("livemode", "invoice_id", "invoice_line_item_id"), key, strict=True))
        for row in self._standing.pop(key, []):
            self._past.append({**row, "until": position})
            self._add(position, row, -1)
        self._standing[key] = [
            {**self._scope, **named, **_values_of(part, case.shares), "currency": currency, "position": position}
            for part in case.parts()
        ]
        for row in self._standing[key]:
            self._add(position, row, 1)

    def write(self, *, reach: int | None = None) -> None:
        """Write all into the tables, once. The log and the build then look as long as `reach`."""
        stretches, whole = self._sums, Counter[tuple[object, ...]]()
        for (*key, _stretch, name), amount in stretches.items():
            whole[*key, name] += amount
        with self.engine.begin() as connection:
            standing = [row for rows in self._standing.values() for row in rows]
            for table, rows in ((revenue_part, standing), (revenue_part_past, self._past)):
                if rows:
                    connection.execute(insert(table), rows)
            connection.execute(insert(recognition_by_month), self._sums_as_rows(whole, RECOGNITION_KEY))
            of_stretches = self._sums_as_rows(stretches, (*RECOGNITION_KEY, "stretch"))
            connection.execute(insert(recognition_month_stretch), of_stretches)
            for statement in (_REACH_OF_LOG, _REACH_OF_BUILD) if reach else ():
                connection.execute(text(statement), {"position": reach, "company_id": self.company_id})

    def _add(self, position: int, row: dict[str, Any], sign: int) -> None:
        for month in _rows_of(row):
            key = [getattr(month, name) or "" for name in RECOGNITION_KEY[1:]]
            for name in ("earned", "contra"):
                stretch = (position - 1) // MONTH_STRETCH
                self._sums[row["livemode"], *key, stretch, name] += sign * getattr(month, name)

    def _sums_as_rows(self, sums: Counter[tuple[object, ...]], names: tuple[str, ...]) -> list[dict[str, object]]:
        keys = dict.fromkeys(tuple(key) for *key, _name in sums)
        return [
            {
                **self._scope,
                **dict(zip(names, key, strict=True)),
                **{one: sums[*key, one] for one in ("earned", "contra")},
            }
            for key in keys
        ]


def standing_rows(connection: Connection, company_id: int, position: int) -> Iterator[tuple[bool, MonthRow]]:
    """Yield the rows of all parts that stood at a position, with their mode."""
    for table in (revenue_part, revenue_part_past):
        for row in connection.execute(select(table).filter_by(company_id=company_id)).mappings():
            if row["position"] <= position < row.get("until", position + 1):
                yield from ((row["livemode"], one) for one in _rows_of(row))


def _values_of(part: Part, shares: Shares) -> dict[str, object]:
    share = shares[part.share_number]
    treatment = share.treatment
    written = None
    if treatment is not None:
        months = {"n": treatment.months, "from": treatment.anchor} if treatment.kind == "months" else {}
        written = json.dumps({"kind": treatment.kind, **months})
    return {
        "share": part.share_number,
        "step": part.step_number,
        "cause": part.cause,
        "credit_note_id": part.credit_id,
        "layer": "unmapped" if part.stream_id is None else "rule",
        "rule_id": None if part.stream_id is None else "rule_1",
        "stream_id": part.stream_id or "",
        "plan_id": part.plan_id or "",
        "kind": part.kind,
        "basis_points": share.basis_points,
        "treatment": written,
        "booked_on": date.fromordinal(part.booked),
        "is_booked_estimated": part.is_booked_estimated,
        "starts_on": date.fromordinal(part.start),
        "ends_on": date.fromordinal(part.end),
        "amount": part.amount,
        "first_month": part.first_month,
        "last_month": part.first_month + len(part.months) - 1,
        "months": list(part.months),
        "contra": part.contra,
        "expense": part.expense,
    }


def _rows_of(row: Mapping[Any, Any]) -> Iterator[MonthRow]:
    part = Part(
        row["share"],
        row["step"],
        row["cause"],
        row["stream_id"] or None,
        row["plan_id"] or None,
        row["kind"],
        row["booked_on"].toordinal(),
        row["is_booked_estimated"],
        row["starts_on"].toordinal(),
        row["ends_on"].toordinal(),
        row["amount"],
        row["first_month"],
        tuple(row["months"]),
        row["contra"],
        row["expense"],
    )
    return month_rows(part, row["currency"])
