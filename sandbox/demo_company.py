"""The demo's company, created once and connected to the first simulated account, with an API key and two users."""

from sqlalchemy import Engine

from events.connection.accounts import Account, Agreement, authorize
from runtime.clock import utc_now
from sandbox.demo_settings import SIMULATED_ACCOUNT_SEED, DemoSettings
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.demo import FIRST_COMPANY
from tenants.api_keys import create_api_key, principal_of
from tenants.companies import add_company
from tenants.people.passwords import Passwords
from tenants.people.users import add_user, set_member, set_password
from tenants.roles import Role

EMAIL = "ada@example.org"
_COLLEAGUE = "grace@example.org"


def demo_company(engine: Engine, saved: DemoSettings) -> tuple[str, int]:
    """Create the demo's company and users if needed, and return its API key and company id. Commits; safe to repeat."""
    with engine.begin() as connection:
        # The file may belong to another database than the current one.
        is_known = saved.api_key and principal_of(connection, saved.api_key, now=utc_now())
    if saved.company_id is None or saved.api_key is None or not is_known:
        account_id = SimulatedStripe(lambda: saved.until, seed=SIMULATED_ACCOUNT_SEED).create_account(FIRST_COMPANY).id
        with engine.begin() as connection:
            company = add_company(connection, FIRST_COMPANY)
            key = create_api_key(connection, company.id, "admin").key
            account, by = Account(account_id, livemode=True), Agreement(account_name=FIRST_COMPANY)
            authorize(connection, company.id, account, now=utc_now(), actor="demo", by=by)
        saved.company_id, saved.api_key = company.id, key
        saved.save()
    _let_in(engine, saved, saved.company_id)
    return saved.api_key, saved.company_id


def _let_in(engine: Engine, saved: DemoSettings, company_id: int) -> None:
    passwords = Passwords()
    members: tuple[tuple[str, Role], ...] = ((EMAIL, "admin"), (_COLLEAGUE, "editor"))
    with engine.begin() as connection:
        for email, role in members:
            user = add_user(connection, email, password_hash=None)
            if not passwords.matches(user.password_hash, saved.password):
                set_password(connection, user.id, passwords.hashed(saved.password))
            set_member(connection, company_id, user.id, role, actor="demo", now=utc_now())
    saved.save()
