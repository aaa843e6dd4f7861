"""With what an account is read, remembered for a moment: every request needs it, and it seldom changes."""

import time
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple, Protocol

from sqlalchemy import Engine

from events.connection.accounts import Account
from events.connection.lifecycle import owner_of
from runtime.clock import Clock
from stripe_gateway.credentials import Credentials, CredentialStore, NoCredentialsError

_REMEMBERED_SECONDS = 30.0


class Keyring(Protocol):
    """Somebody who knows with what an account is read."""

    def of(self, account: Account) -> Credentials:
        """Give an account's credentials.

        :raises NoCredentialsError: no company is connected to it
        """
        ...

    def forget(self, account: Account) -> None:
        """Look them up anew the next time."""
        ...


class PlatformKeyring:
    """Reads every account with the platform's key, by Connect."""

    def __init__(self, platform_key: str) -> None:
        self._platform_key = platform_key

    def of(self, account: Account) -> Credentials:
        """Give the platform's key, and the account's name."""
        return Credentials(self._platform_key, account.account_id)

    def forget(self, account: Account) -> None:
        """Do nothing: the platform's key comes with the process."""


class _Remembered(NamedTuple):
    credentials: Credentials
    until: float


class CompanyKeyring:
    """Reads every account as its company connected it. Safe to share between threads."""

    def __init__(
        self, engine: Engine, store: CredentialStore, *, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._monotonic = monotonic
        # By account and mode: one company may have connected its live data, another its test data.
        self._remembered: dict[Account, _Remembered] = {}
        self._lock = Lock()

    def of(self, account: Account) -> Credentials:
        """Give an account's credentials; a token that ends soon is renewed. Commits."""
        with self._lock:
            known = self._remembered.get(account)
            if known is not None and known.until > self._monotonic():
                return known.credentials
            found = self._store.of(self._company_of(account), now=self._clock())
            self._remembered[account] = _Remembered(found, self._monotonic() + _REMEMBERED_SECONDS)
            return found

    def forget(self, account: Account) -> None:
        """Look an account's credentials up anew the next time: they may have been replaced."""
        with self._lock:
            self._remembered.pop(account, None)

    def _company_of(self, account: Account) -> int:
        with self._engine.connect() as connection:
            # Whoever is connected live owns the account's test mode too.
            live = Account(account.account_id, livemode=True)
            company_id = owner_of(connection, account) or owner_of(connection, live)
        if company_id is None:
            raise NoCredentialsError
        return company_id
