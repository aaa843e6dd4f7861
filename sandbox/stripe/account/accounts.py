"""One account, live and test kept apart, with its keys."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.stripe.account.ledger import Ledger
from sandbox.stripe.records.ids import token
from sandbox.stripe.records.locking import Lock
from sandbox.stripe.render.render import Renderer


@dataclass(slots=True)
class Account:
    """A Stripe account. `api_version` is its default; `listening_versions` are those of endpoints that hear of it."""

    id: str
    name: str
    created: int
    api_version: str
    live: Ledger = field(repr=False)
    test: Ledger = field(repr=False)
    listening_versions: set[str] = field(default_factory=set)

    def ledger(self, *, livemode: bool) -> Ledger:
        """Give the records of one mode."""
        return self.live if livemode else self.test

    def secret_key(self, *, livemode: bool) -> str:
        """Give the account's own secret key of one mode."""
        return secret_key(self.id, livemode=livemode)


def secret_key(account_id: str, *, livemode: bool, kind: str = "sk") -> str:
    """Give a key that follows from the account: `sk_live_…`, `sk_test_…`, or `rk_…` for the kind `rk`."""
    mode = "live" if livemode else "test"
    return f"{kind}_{mode}_{token(kind, account_id, mode, length=24)}"


def open_account(
    account_id: str, name: str, *, seed: int, api_version: str, clock: Callable[[], int], lock: Lock
) -> Account:
    """Make an account with nothing in it."""

    def ledger(*, livemode: bool) -> Ledger:
        return Ledger(
            Renderer(name, livemode=livemode),
            owner=token(seed, account_id, livemode),
            clock=clock,
            lock=lock,
            # Asked at each event: endpoints may come later, and only what happens from then on speaks their version.
            # The account's own comes first: it is the one its list of events shows for ever.
            versions=lambda: tuple(dict.fromkeys((account.api_version, *sorted(account.listening_versions)))),
        )

    account = Account(account_id, name, clock(), api_version, ledger(livemode=True), ledger(livemode=False))
    return account
