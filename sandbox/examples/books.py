"""The few invoices that the examples show: the same ids, amounts and days in every run."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.ledger import Ledger
from sandbox.stripe.records.records import Invoice
from sandbox.stripe.records.specs import InvoiceSpec, LineSpec

_DAY = 86_400
_MONTHS = [int(datetime(2026, month, 1, 9, tzinfo=UTC).timestamp()) for month in (1, 2, 3, 4, 5)]
_LAST = len(_MONTHS) - 2


@dataclass(frozen=True, slots=True)
class Books:
    """An account with a customer who pays monthly and one who paid a year ahead."""

    account: Account
    customer_id: str
    price_id: str
    subscription_id: str

    @classmethod
    def written_in(cls, account: Account) -> "Books":
        """Create the customers, and bill them until the month before the last."""
        ledger, start = account.live, _MONTHS[0]
        team = ledger.create_product("Team plan", at=start)
        monthly = ledger.create_price(team.id, 4_900, every=(1, "month"), at=start)
        zed = ledger.create_customer("Zed Inc", email="billing@zed.example", at=start)
        subscription = ledger.create_subscription(zed.id, [monthly.id], at=start)
        books = cls(account, zed.id, monthly.id, subscription.id)
        _bill_a_year(ledger, team.id)
        for month in range(_LAST):
            books.bill(month)
        return books

    def bill(self, month: int = _LAST, *, pays: bool = True) -> Invoice:
        """Bill the monthly customer for one of the months, by default the last."""
        at, until = _MONTHS[month], _MONTHS[month + 1]
        line = LineSpec(
            amount=14_700,
            description="3 × Team plan (at $49.00 / month)",
            period=(at, until),
            quantity="3",
            price=self.price_id,
            subscription=self.subscription_id,
            from_subscription=True,
        )
        spec = InvoiceSpec(subscription=self.subscription_id, billing_reason="subscription_cycle")
        draft = self.account.live.create_invoice(self.customer_id, [line], spec, at=at)
        return self.account.live.finalize_invoice(draft.id, pay=pays, at=at)


def _bill_a_year(ledger: Ledger, product_id: str) -> None:
    start = _MONTHS[0]
    acme = ledger.create_customer("Acme Samples", email="accounts@acme.example", at=start)
    annual = ledger.create_price(product_id, 49_000, every=(1, "year"), at=start)
    setup = ledger.create_price(ledger.create_product("Setup", at=start).id, 15_000, at=start)
    year = LineSpec(
        amount=98_000,
        description="2 × Team plan (at $490.00 / year)",
        period=(start, start + 365 * _DAY),
        quantity="2",
        price=annual.id,
    )
    ledger.create_paid_invoice(acme.id, [year, LineSpec(amount=15_000, description="Setup", price=setup.id)], at=start)
