"""The simulated Stripe itself: a platform, its accounts, their connections and webhook endpoints."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import RLock

from sandbox.stripe.account.accounts import Account, open_account, secret_key
from sandbox.stripe.account.endpoints import Delivery, Endpoint, delivery
from sandbox.stripe.records.ids import token
from sandbox.stripe.records.locking import Lock, alone
from sandbox.stripe.records.records import Event
from sandbox.stripe.records.versions import NEWEST, shape_of


@dataclass(frozen=True, slots=True)
class Told:
    """An event to be sent to a webhook endpoint."""

    account: Account
    event: Event


@dataclass(frozen=True, slots=True)
class Access:
    """The access that a key gives. `permissions` holds names like `rak_invoice_read`; None means all."""

    account_id: str
    livemode: bool
    permissions: frozenset[str] | None = None


class SimulatedStripe:
    """All state behind the API, determined by the seed, the clock (Unix seconds) and the calls made.

    Every change of a ledger holds `lock`, and so does the server while it answers.
    """

    def __init__(self, clock: Callable[[], int], *, seed: int = 0, api_version: str = NEWEST) -> None:
        shape_of(api_version)
        self.clock = clock
        self.seed = seed
        self.api_version = api_version
        self.lock: Lock = RLock()
        self.accounts: dict[str, Account] = {}
        self.connections: set[tuple[str, bool]] = set()
        self.endpoints: list[Endpoint] = []
        # Recipients are fixed when an event happens: it is still sent if the connection ends later.
        self.outbox: dict[str, list[Told]] = {}
        self.listeners: list[Callable[[Told, Endpoint], None]] = []
        self.keys: dict[str, Access] = {}
        self.key_expiries: dict[str, int] = {}  # Unix seconds; other keys do not expire
        self.platform = self.create_account("Platform", connected=False)

    @alone
    def create_account(
        self, name: str, *, account_id: str | None = None, api_version: str | None = None, connected: bool = True
    ) -> Account:
        """Create an account. `connected`: its live and its test mode are already connected to the platform."""
        account_id = account_id or f"acct_1{token(self.seed, 'account', len(self.accounts), length=15)}"
        if account_id in self.accounts:
            message = f"{account_id} exists already"
            raise ValueError(message)
        version = api_version or self.api_version
        shape_of(version)
        account = open_account(account_id, name, seed=self.seed, api_version=version, clock=self.clock, lock=self.lock)
        self.accounts[account_id] = account
        for livemode in (True, False):
            self.keys[account.secret_key(livemode=livemode)] = Access(account_id, livemode)
            account.ledger(livemode=livemode).journal.listeners.append(self._listener(account))
            if connected:
                self.connect(account_id, livemode=livemode)
        self._refresh_versions()
        return account

    def platform_key(self, *, livemode: bool) -> str:
        """Return the platform's secret key of one mode, to be used with `Stripe-Account`."""
        return self.platform.secret_key(livemode=livemode)

    def client_id(self, *, livemode: bool) -> str:
        """Return the platform's Connect client id of one mode."""
        return f"ca_{token(self.seed, 'client', livemode, length=32)}"

    @alone
    def restricted_key(self, account_id: str, *, livemode: bool, permissions: Iterable[str]) -> str:
        """Create and return a restricted key of an account. It replaces the previous one of its mode."""
        key = secret_key(account_id, livemode=livemode, kind="rk")
        self.keys[key] = Access(account_id, livemode, frozenset(permissions))
        return key

    @alone
    def connect(self, account_id: str, *, livemode: bool) -> None:
        """Connect one mode of an account to the platform."""
        self.connections.add((account_id, livemode))

    @alone
    def disconnect(self, account_id: str, *, livemode: bool) -> None:
        """Disconnect one mode of an account from the platform and record the event. Safe to repeat."""
        if (account_id, livemode) not in self.connections:
            return
        application = {"id": self.client_id(livemode=livemode), "object": "application", "name": self.platform.name}
        ledger = self.accounts[account_id].ledger(livemode=livemode)
        ledger.journal.tell_of("account.application.deauthorized", lambda _: application, at=self.clock())
        self.connections.discard((account_id, livemode))

    @alone
    def add_endpoint(
        self,
        url: str,
        secrets: Iterable[str],
        *,
        livemode: bool = True,
        account_id: str | None = None,
        api_version: str | None = None,
        types: Iterable[str] = ("*",),
    ) -> Endpoint:
        """Add a Connect endpoint, or with `account_id` that account's own. It receives events from now on.

        Its `api_version` is fixed here, because earlier events were not rendered in that version.
        """
        version = api_version or self.api_version
        shape_of(version)
        endpoint = Endpoint(
            id=f"we_1{token(self.seed, 'endpoint', len(self.endpoints), length=23)}",
            account_id=account_id or self.platform.id,
            livemode=livemode,
            url=url,
            secrets=tuple(secrets),
            api_version=version,
            connect=account_id is None,
            types=frozenset(types),
        )
        self.endpoints.append(endpoint)
        self.outbox[endpoint.id] = []
        self._refresh_versions()
        return endpoint

    @alone
    def remove_endpoint(self, endpoint: Endpoint) -> None:
        """Remove an endpoint, to which nothing more is sent. Its outbox remains."""
        self.endpoints.remove(endpoint)
        self._refresh_versions()

    def concerns(self, account: Account, event: Event, endpoint: Endpoint) -> bool:
        """Return whether an event is sent to an endpoint.

        A live Connect endpoint also receives test events of the accounts that are connected in live mode.
        """
        if not endpoint.hears(event.type) or endpoint.api_version not in event.data:
            return False
        if not endpoint.connect:
            return endpoint.account_id == account.id and endpoint.livemode == event.livemode
        audible = endpoint.livemode or not event.livemode
        return audible and (account.id, endpoint.livemode) in self.connections

    def signed_deliveries(self, endpoint: Endpoint, *, account: Account | None = None) -> Iterator[Delivery]:
        """Yield all events for an endpoint, of all accounts or one, in order, signed now. Sends nothing."""
        for told in list(self.outbox[endpoint.id]):
            if account is None or told.account is account:
                yield self.sign(told, endpoint)

    def sign(self, told: Told, endpoint: Endpoint) -> Delivery:
        """Return a signed delivery, signed anew at every call, as each of Stripe's attempts is."""
        return delivery(told.event, endpoint, account_id=told.account.id, at=self.clock())

    def _listener(self, account: Account) -> Callable[[Event], None]:
        def notify(event: Event) -> None:
            for endpoint in self.endpoints:
                if self.concerns(account, event, endpoint):
                    told = Told(account, event)
                    self.outbox[endpoint.id].append(told)
                    for listener in self.listeners:
                        listener(told, endpoint)

        return notify

    def _refresh_versions(self) -> None:
        for account in self.accounts.values():
            account.listening_versions = {
                endpoint.api_version
                for endpoint in self.endpoints
                if endpoint.connect or endpoint.account_id == account.id
            }
