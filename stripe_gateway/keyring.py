"""Cache the credentials of accounts for a short time: every request needs them, and they seldom change."""

import time
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple, Protocol

from sqlalchemy import Engine

from events.connection.accounts import Account
from events.connection.lifecycle import owner_of
from runtime.clock import Clock
from stripe_gateway.credentials import Credentials, CredentialStore, NoCredentialsError

_CACHE_SECONDS = 30.0


class Keyring(Protocol):
    """Anything that knows the credentials of accounts."""

    def of(self, account: Account) -> Credentials:
        """Return an account's credentials.

        :raises NoCredentialsError: no company has connected it
        """
        ...

    def forget(self, account: Account) -> None:
        """Look up the account's credentials again next time."""
        ...


class _Cached(NamedTuple):
    credentials: Credentials
    until: float


class CompanyKeyring:
    """Reads every account in the way its company connected it. Safe to share between threads."""

    def __init__(
        self, engine: Engine, store: CredentialStore, *, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._monotonic = monotonic
        # By account and mode: one company may have connected the live data, another the test data.
        self._cached: dict[Account, _Cached] = {}
        # One lock per account: a token that Stripe renews slowly delays nobody else.
        self._locks: dict[Account, Lock] = {}

    def of(self, account: Account) -> Credentials:
        """Return an account's credentials, renewing a token that expires soon. Commits."""
        with self._lock_of(account):
            known = self._cached.get(account)
            if known is not None and known.until > self._monotonic():
                return known.credentials
            found = self._store.of(self._company_of(account), now=self._clock())
            self._cached[account] = _Cached(found, self._monotonic() + _CACHE_SECONDS)
            return found

    def forget(self, account: Account) -> None:
        """Look up an account's credentials again next time, because they may have been replaced."""
        with self._lock_of(account):
            self._cached.pop(account, None)

    def _lock_of(self, account: Account) -> Lock:
        return self._locks.setdefault(account, Lock())

    def _company_of(self, account: Account) -> int:
        with self._engine.connect() as connection:
            # A company that connected the account in live mode also owns its test mode.
            live = Account(account.account_id, livemode=True)
            company_id = owner_of(connection, account) or owner_of(connection, live)
        if company_id is None:
            raise NoCredentialsError
        return company_id
