"""Derive the parts of invoices a second time, by fractions, and read them as they are stored, in the same words."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select, tuple_

from events.stripe.observations import StatusDates
from projections.recognition.billing import BilledLine, transitions_of
from projections.recognition.by_fractions import Recognized, as_recognized, recognized_by_fractions
from projections.revenue.build_state import BuildState
from projections.revenue.credits import credits_by_line
from projections.revenue.fold import RevenueState
from projections.revenue.parts.invoice_parts import InvoiceParts
from projections.revenue.row_versions import parts_at
from projections.revenue.state import Held, Key
from projections.revenue.states_at import NOW
from projections.revenue.store.load_state import load_invoices
from projections.revenue.store.mapping.mapping_store import find_books, load_books, load_line_overrides
from projections.revenue.store.parts.part_tables import revenue_part
from projections.revenue.store.parts.stored_parts import PartRow, part_of
from runtime.database import driver_of


class MappedPart(NamedTuple):
    """What a step of a share of a line comes to, and what the share is mapped to."""

    line: tuple[bool, str, str]
    currency: str
    mapped: tuple[object, ...]
    recognized: Recognized


def expected_parts(connection: Connection, company_id: int, build: int, keys: Sequence[Key]) -> Iterator[MappedPart]:
    """Yield the parts of invoices as fractions give them, by share and step of each line."""
    driver, at = driver_of(connection), BuildState(company_id, build, is_begun=True, revenue=RevenueState())
    load_books(find_books(driver, [at]), [at])
    load_invoices(driver, [(at, keys)])
    load_line_overrides(driver, [at])
    for key in keys:
        yield from _of_invoice(at.revenue, key, at.revenue.invoices[key])


def _of_invoice(revenue: RevenueState, key: Key, held: Held) -> Iterator[MappedPart]:
    of_lines = InvoiceParts(key, revenue.book, revenue.line_overrides.get(key, {}))
    mapped = {(line_id, share): one for (line_id, share, _), one in parts_at(of_lines, held, NOW, revenue).items()}
    invoice = held.invoice
    if not mapped or invoice.lines is None or invoice.status is None:
        return
    said = invoice.dates.value if invoice.dates else StatusDates()
    transitions, credits_of = transitions_of(invoice.status.value, said, invoice.seen_at), credits_by_line(invoice)
    for line in invoice.lines.value:
        numbers = sorted(share for line_id, share in mapped if line_id == line.line_id)
        shares = tuple(mapped[line.line_id, number].share for number in numbers)
        net_amount = line.amount - line.discount_amount - line.tax_amount
        billed = BilledLine(net_amount, line.period_start, line.period_end)
        taken = credits_of.get(line.line_id, ())
        for found in recognized_by_fractions(billed, transitions, taken, shares, revenue.book.policy):
            one = mapped[line.line_id, found.share_number]
            share = one.share
            names = (share.stream_id, share.plan_id, share.kind, share.basis_points, one.layer, one.rule_id)
            yield MappedPart((*key, line.line_id), line.currency, names, found)


def stored_parts(connection: Connection, company_id: int, build: int, keys: Sequence[Key]) -> Iterator[MappedPart]:
    """Yield the parts of invoices as the table has them, by share and step of each line."""
    part = revenue_part.c
    wanted = tuple_(part.livemode, part.invoice_id).in_(bindparam("keys", expanding=True))
    rows = connection.execute(
        select(revenue_part)
        .where(part.company_id == company_id, part.build == build, wanted)
        .order_by(part.livemode, part.invoice_id, part.invoice_line_item_id, part.share, part.step),
        {"keys": keys},
    )
    return map(_as_mapped, rows)


def _as_mapped(row: PartRow) -> MappedPart:
    found, line = part_of(row), (row.livemode, row.invoice_id, row.invoice_line_item_id)
    names = (found.stream_id, found.plan_id, found.kind, row.basis_points, row.layer, row.rule_id)
    return MappedPart(line, row.currency, names, as_recognized(found))
