"""A Stripe account with its keys and with separate live and test records."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.stripe.account.ledger import Ledger
from sandbox.stripe.records.ids import token
from sandbox.stripe.records.locking import Lock
from sandbox.stripe.render.render import Renderer


@dataclass(slots=True)
class Account:
    """A Stripe account. `api_version` is its default; `listening_versions` are those of the endpoints it notifies."""

    id: str
    name: str
    created: int
    api_version: str
    live: Ledger = field(repr=False)
    test: Ledger = field(repr=False)
    listening_versions: set[str] = field(default_factory=set)

    def ledger(self, *, livemode: bool) -> Ledger:
        """Return the records of one mode."""
        return self.live if livemode else self.test

    def secret_key(self, *, livemode: bool) -> str:
        """Return the account's own secret key of one mode."""
        return secret_key(self.id, livemode=livemode)


def secret_key(account_id: str, *, livemode: bool, kind: str = "sk") -> str:
    """Return a key derived from the account: `sk_live_…`, `sk_test_…`, or `rk_…` for the kind `rk`."""
    mode = "live" if livemode else "test"
    return f"{kind}_{mode}_{token(kind, account_id, mode, length=24)}"


def open_account(
    account_id: str, name: str, *, seed: int, api_version: str, clock: Callable[[], int], lock: Lock
) -> Account:
    """Return a new account without records."""

    def ledger(*, livemode: bool) -> Ledger:
        return Ledger(
            Renderer(name, livemode=livemode),
            owner=token(seed, account_id, livemode),
            clock=clock,
            lock=lock,
            # Called for each event, because endpoints may be added later; only events after that have their version.
            # The account's own version comes first: its list of events shows that one for ever.
            versions=lambda: tuple(dict.fromkeys((account.api_version, *sorted(account.listening_versions)))),
        )

    account = Account(account_id, name, clock(), api_version, ledger(livemode=True), ledger(livemode=False))
    return account
