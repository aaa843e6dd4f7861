"""What happens to a generated invoice. A fate yields the seconds to wait before its next change."""

from collections.abc import Callable, Iterator

from sandbox.stripe.generate.credits import credit_half, credit_lines, void_credit
from sandbox.stripe.generate.line_contents import Content
from sandbox.stripe.generate.world import World
from sandbox.stripe.records.records import Invoice

_HOUR = 3_600
_DAY = 24 * _HOUR

Fate = Callable[[World, Content], Iterator[int]]


def _draft(world: World, content: Content) -> Invoice:
    return world.ledger.create_invoice(content.customer.id, content.lines, content.spec, at=world.now)


def _paid_at_once(world: World, content: Content) -> Iterator[int]:
    world.ledger.create_paid_invoice(content.customer.id, content.lines, content.spec, at=world.now)
    yield from ()


def _stays_draft(world: World, content: Content) -> Iterator[int]:
    _draft(world, content)
    yield from ()


def _deleted_draft(world: World, content: Content) -> Iterator[int]:
    invoice = _draft(world, content)
    yield world.random.randrange(5 * _DAY)
    world.ledger.delete_invoice(invoice.id, at=world.now)


def _finalized_late_and_paid(world: World, content: Content) -> Iterator[int]:
    invoice = _draft(world, content)
    yield world.random.randrange(10 * _DAY, 30 * _DAY)
    world.ledger.finalize_invoice(invoice.id, pay=True, at=world.now)


def _announced_and_paid(world: World, content: Content) -> Iterator[int]:
    world.ledger.announce_invoice(content.customer.id, content.lines, content.spec, at=world.now)
    yield 3 * _DAY
    yield from _opened_then("pay")(world, content)


def _opened_then(*moves: str, waits_up_to: int = 5 * _DAY) -> Fate:
    """Return a fate that opens the draft after an hour, then makes each move after a wait, unless nothing is due."""

    def live(world: World, content: Content) -> Iterator[int]:
        invoice = _draft(world, content)
        yield _HOUR + world.random.randrange(60)
        world.ledger.finalize_invoice(invoice.id, at=world.now)
        for move in moves:
            if invoice.amount_due == 0:
                return
            yield world.random.randrange(waits_up_to)
            _move(world, invoice, move)

    return live


def _move(world: World, invoice: Invoice, move: str) -> None:
    ledger = world.ledger
    match move:
        case "pay":
            ledger.pay_invoice(invoice.id, at=world.now)
        case "pay_elsewhere":
            ledger.pay_invoice(invoice.id, out_of_band=True, at=world.now)
        case "void":
            ledger.void_invoice(invoice.id, at=world.now)
        case "write_off":
            ledger.mark_uncollectible(invoice.id, at=world.now)
        case "credit":
            credit_half(world, invoice)
        case "credit_lines":
            credit_lines(world, invoice)
        case "credit_and_void":
            void_credit(world, invoice)
        case _:
            raise ValueError(move)


# The weight of each fate, relative to the sum. Each occurs at least once in an account of 40 invoices or more.
FATES: dict[Fate, int] = {
    _paid_at_once: 200,
    _opened_then("pay", waits_up_to=60): 200,
    _opened_then("pay"): 100,
    _announced_and_paid: 20,
    _finalized_late_and_paid: 20,
    _opened_then(): 20,
    _opened_then("void"): 15,
    _opened_then("write_off"): 15,
    _opened_then("write_off", "pay", waits_up_to=20 * _DAY): 10,
    _opened_then("write_off", "void"): 5,
    _opened_then("pay", "credit"): 15,
    _opened_then("credit", "pay"): 10,
    _opened_then("pay", "credit_lines", "credit", waits_up_to=45 * _DAY): 10,
    _opened_then("credit_lines", "credit_and_void", "pay"): 10,
    _opened_then("pay_elsewhere"): 10,
    _stays_draft: 10,
    _deleted_draft: 10,
}
