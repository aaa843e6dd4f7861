"""The demo's company: made once, connected to the first simulated account, with a key that is shown at every start."""

from sqlalchemy import Engine

from events.accounts import Account, authorize
from events.clock import utc_now
from sandbox.demo_settings import SIMULATED_ACCOUNT_SEED, DemoSettings
from sandbox.stripe.demo import FIRST_COMPANY
from sandbox.stripe.platform import SimulatedStripe
from tenants.api_keys import create_api_key, principal_of
from tenants.companies import add_company


def demo_company(engine: Engine, saved: DemoSettings) -> tuple[str, int]:
    """Give the demo's key and company id. Commits; safe to repeat."""
    with engine.begin() as connection:
        # The file may be of another database than the one that is used now.
        is_known = saved.api_key and principal_of(connection, saved.api_key, now=utc_now())
    if saved.company_id is None or saved.api_key is None or not is_known:
        account_id = SimulatedStripe(lambda: saved.until, seed=SIMULATED_ACCOUNT_SEED).create_account(FIRST_COMPANY).id
        with engine.begin() as connection:
            company = add_company(connection, FIRST_COMPANY)
            key = create_api_key(connection, company.id, "admin").key
            authorize(connection, company.id, Account(account_id, livemode=True), now=utc_now(), actor="demo")
        saved.company_id, saved.api_key = company.id, key
        saved.save()
    return saved.api_key, saved.company_id
