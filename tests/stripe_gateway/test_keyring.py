"""The keyring of a process: an account whose token is renewed slowly delays no other account."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Event

from sqlalchemy import Engine

from events.connection.accounts import Account
from stripe_gateway.credentials import Credentials, CredentialStore
from stripe_gateway.keyring import CompanyKeyring
from tenants.secrets import SecretBox
from tests.support.clock import SetClock
from tests.support.company import company_with


class SlowFor(CredentialStore):
    """A store in which one company's credentials are found only once `is_renewed` is set."""

    def __init__(self, engine: Engine, company_id: int) -> None:
        super().__init__(engine, SecretBox([b"k" * 32]), platform_key="sk_live_x", app=None)
        self._company_id = company_id
        self.is_asked, self.is_renewed = Event(), Event()

    def of(self, company_id: int, *, now: datetime) -> Credentials:
        if company_id == self._company_id:
            self.is_asked.set()
            assert self.is_renewed.wait(30)
        return super().of(company_id, now=now)


def test_an_account_whose_credentials_are_renewed_slowly_delays_no_other(engine: Engine, clock: SetClock) -> None:
    store = SlowFor(engine, company_with(engine, "acct_slow"))
    company_with(engine, "acct_quick")
    keyring = CompanyKeyring(engine, store, clock=clock)

    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(keyring.of, Account("acct_slow", livemode=True))
        assert store.is_asked.wait(30)
        quick = threads.submit(keyring.of, Account("acct_quick", livemode=True)).result(40)
        was_slow_meanwhile = not slow.done()
        store.is_renewed.set()

        assert quick.stripe_account == "acct_quick"
        assert was_slow_meanwhile
        assert slow.result(40).stripe_account == "acct_slow"
