"""Credit notes of generated invoices: of lines with their discounts and taxes, of custom amounts, and voided ones."""

from dataclasses import replace

from sandbox.stripe.generate.world import World
from sandbox.stripe.records.records import Discount, Invoice, Line, Tax
from sandbox.stripe.records.specs import CreditSpec


def credit_half(world: World, invoice: Invoice) -> None:
    """Credit half of what was due: on the first line, or as a custom amount."""
    amount = max(world.share(invoice.amount_due, 50, invoice.currency), 1)
    line_id = invoice.lines[0].id if world.random.choice((True, False)) else None
    world.ledger.create_credit_note(invoice.id, amount, line_id=line_id, at=world.now)


def credit_lines(world: World, invoice: Invoice) -> None:
    """Credit a quarter of each line above 0, with the same part of its discounts and taxes."""
    lines = [_quarter(world, line, invoice.currency) for line in invoice.lines if line.amount > 0]
    wanted = sum(one.amount for one in lines)
    if lines and 0 < wanted <= invoice.amount_due:
        # Credit notes may be dated back to the invoice.
        effective_at = invoice.finalized_at if world.random.choice((True, False, False)) else None
        world.ledger.create_credit_note(invoice.id, lines=lines, effective_at=effective_at, at=world.now)


def void_credit(world: World, invoice: Invoice) -> None:
    """Credit a custom amount of an open invoice by mistake, and void the credit note."""
    amount = world.share(invoice.amount_due, 10, invoice.currency)
    if amount > 0:
        note = world.ledger.create_credit_note(invoice.id, amount, at=world.now)
        world.ledger.void_credit_note(note.id, at=world.now)


def _quarter(world: World, line: Line, currency: str) -> CreditSpec:
    def share(amount: int) -> int:
        return world.share(amount, 25, currency)

    discounts: tuple[Discount, ...] = tuple(replace(cut, amount=share(cut.amount)) for cut in line.discounts)
    taxes: tuple[Tax, ...] = tuple(
        replace(tax, amount=share(tax.amount), taxable_amount=share(tax.taxable_amount)) for tax in line.taxes
    )
    return CreditSpec(amount=share(line.amount), line_id=line.id, discounts=discounts, taxes=taxes)
