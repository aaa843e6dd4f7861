"""A small made-up business in the simulated Stripe, which does something at random."""

from collections.abc import Callable
from random import Random

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.invoicing import TransitionRefusedError
from sandbox.stripe.records.specs import InvoiceSpec, LineSpec

_DAY = 86_400
_NAMES = ("Zed Inc", "Zeta & Söhne", "Acme Samples", "東京テスト")
_CURRENCIES = ("usd", "usd", "eur", "jpy")


class Business:
    """Customers, prices and invoices of one account."""

    def __init__(self, account: Account, random: Random) -> None:
        self._ledger = account.live
        self._random = random
        self._customers = [self._ledger.create_customer(name).id for name in _NAMES]
        self._product = self._ledger.create_product("Plan").id
        self._prices = {
            currency: [
                self._ledger.create_price(self._product, 700, currency=currency, every=every).id
                for every in ((1, "month"), (1, "year"), None)
            ]
            for currency in set(_CURRENCIES)
        }
        self._invoices: list[str] = []
        self._notes: list[str] = []

    def act(self) -> None:
        """Do something that Stripe allows, or nothing."""
        moves: dict[Callable[[], object], int] = {
            self._bill: 5,
            self._change_invoice: 8,
            self._credit: 3,
            self._void_note: 1,
            self._rename: 2,
        }
        [move] = self._random.choices(list(moves), list(moves.values()))
        try:
            move()
        except TransitionRefusedError:
            self._bill()

    def _bill(self) -> None:
        currency = self._random.choice(_CURRENCIES)
        count = self._random.choice((1, 2, 3, 12))
        lines = [self._line(currency) for _ in range(count)]
        customer, spec = self._random.choice(self._customers), InvoiceSpec(currency=currency)
        make = self._random.choice((self._ledger.create_invoice, self._ledger.create_paid_invoice))
        self._invoices.append(make(customer, lines, spec).id)

    def _line(self, currency: str) -> LineSpec:
        start = self._ledger.moment(None) + _DAY * self._random.randrange(-40, 20)
        end = start + _DAY * self._random.choice((0, 1, 30, 91))
        amount = self._random.choice((1, 99, 1000, 3333, 120_000))
        return LineSpec(
            amount=amount, period=(start, end), price=self._random.choice(self._prices[currency]), description="Plan"
        )

    def _change_invoice(self) -> None:
        if not self._invoices:
            return self._bill()
        ledger = self._ledger
        invoice = ledger.invoices[self._random.choice(self._invoices)]
        moves = {
            "draft": (ledger.finalize_invoice, ledger.finalize_invoice, ledger.delete_invoice),
            "open": (ledger.pay_invoice, ledger.pay_invoice, ledger.void_invoice, ledger.mark_uncollectible),
            "uncollectible": (ledger.pay_invoice, ledger.void_invoice),
        }
        if invoice.status not in moves:
            return self._credit()
        move = self._random.choice(moves[invoice.status])
        move(invoice.id)
        if move == ledger.delete_invoice:
            self._invoices.remove(invoice.id)
        return None

    def _credit(self) -> None:
        invoices = [self._ledger.invoices[one] for one in self._invoices]
        open_ones = [one for one in invoices if one.status in {"open", "paid"} and not one.credit_notes]
        if open_ones:
            invoice = self._random.choice(open_ones)
            line = self._random.choice([*invoice.lines, None])
            amount = max(1, (line.amount if line else invoice.amount_due or 2) // 2)
            self._notes.append(
                self._ledger.create_credit_note(invoice.id, amount, line_id=line.id if line else None).id
            )

    def _void_note(self) -> None:
        if self._notes:
            self._ledger.void_credit_note(self._random.choice(self._notes))

    def _rename(self) -> None:
        name = f"{self._random.choice(_NAMES)} {self._random.randrange(9)}"
        if self._random.random() < 0.7:
            self._ledger.rename_customer(self._random.choice(self._customers), name)
        else:
            self._ledger.rename_product(self._product, name)
