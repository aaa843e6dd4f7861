"""Derive what is recognized a second time, by fractions, and compare parts, months and sums with the live tables."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from projections.builds.recomputed_parts import MappedPart, expected_parts, stored_parts
from projections.builds.recomputed_sums import Sums, differing_sums
from projections.registry import BY_NAME
from projections.revenue.fold import NAME
from projections.revenue.state import Key

MOST_NAMED = 10
_AT_ONCE = 500

_ACTIVE = text("""
    SELECT s.build, s.position FROM projection_active a JOIN projection_state s
        ON s.projection = a.projection AND s.company_id = a.company_id AND s.build = a.build
    WHERE a.projection = :projection AND a.company_id = :company_id AND s.version = :version
""")
_INVOICES = text("""
    SELECT livemode, id FROM revenue_invoice
    WHERE company_id = :company_id AND build = :build AND (livemode, id) > (:livemode, :id)
    ORDER BY livemode, id LIMIT :most
""")


class Recomputation(NamedTuple):
    """The result for one company: how many parts were compared at a position, and what differs, the first few."""

    company_id: int
    position: int
    parts: int
    differences: list[str]

    @property
    def is_equal(self) -> bool:
        """Return whether the tables are what the law gives."""
        return not self.differences


def recompute(connection: Connection, company_id: int) -> Recomputation | None:
    """Compare a company's live tables with what the law gives; None if no build of this version is live.

    Reads only. The connection is in one snapshot: it may take as long as reading all invoices does.
    """
    parameters = {"projection": NAME, "company_id": company_id, "version": BY_NAME[NAME].version}
    active = connection.execute(_ACTIVE, parameters).one_or_none()
    if active is None:
        return None
    differences: list[str] = []
    sums, count = Sums(), 0
    for keys in _bites(connection, company_id, active.build):
        expected = list(expected_parts(connection, company_id, active.build, keys))
        stored = list(stored_parts(connection, company_id, active.build, keys))
        for part in expected:
            sums.add(part)
        count += len(expected)
        differences += _differing(expected, stored)
    differences += _of_counts(connection, company_id, active.build, count)
    differences += differing_sums(connection, company_id, active.build, sums)
    return Recomputation(company_id, active.position, count, differences[:MOST_NAMED])


def _bites(connection: Connection, company_id: int, build: int) -> Iterator[list[Key]]:
    last: Key = (False, "")
    scope = {"company_id": company_id, "build": build, "most": _AT_ONCE}
    while rows := connection.execute(_INVOICES, scope | {"livemode": last[0], "id": last[1]}).all():
        keys = [(row.livemode, row.id) for row in rows]
        yield keys
        last = keys[-1]


def _differing(expected: Iterable[MappedPart], stored: Iterable[MappedPart]) -> Iterator[str]:
    by_line: defaultdict[tuple[bool, str, str], tuple[list[MappedPart], list[MappedPart]]] = defaultdict(
        lambda: ([], [])
    )
    for side, parts in enumerate((expected, stored)):
        for part in parts:
            by_line[part.line][side].append(part)
    for (livemode, invoice_id, line_id), (derived, kept) in sorted(by_line.items()):
        if derived != kept:
            place = next((at for at, pair in enumerate(zip(derived, kept, strict=False)) if pair[0] != pair[1]), -1)
            what = f"{_told(derived, place)}, stored {_told(kept, place)}"
            mode = "" if livemode else " (test mode)"
            yield f"line {line_id} of invoice {invoice_id}{mode}: derived {what}"


def _told(parts: Sequence[MappedPart], place: int) -> str:
    if place < 0:
        return f"{len(parts)} parts"
    found = parts[place].recognized
    months = ", ".join(f"{month} {amount}" for month, amount in found.months.items())
    return f"share {found.share_number} {found.cause} {found.booked} {found.amount} ({months}; contra {found.contra})"


def _of_counts(connection: Connection, company_id: int, build: int, count: int) -> Iterator[str]:
    stored = connection.execute(
        text("SELECT count(*) FROM revenue_part WHERE company_id = :company_id AND build = :build"),
        {"company_id": company_id, "build": build},
    ).scalar_one()
    if stored != count:
        yield f"parts: derived {count}, stored {stored}"
