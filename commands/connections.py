"""`flask connections`: record which Stripe account belongs to which company."""

import re
from datetime import datetime

import click
from sqlalchemy import Connection

from backlog.syncs.requests import request_sync
from commands.terminal import as_json, company_option, counted, print_json, refuse_unknown_company, transaction
from commands.waking import wake_sync
from events.connection.accounts import Account, AccountTakenError, Agreement, authorize
from events.intake.parked import join_parked_events
from runtime.clock import utc_now
from runtime.environ import Environment
from stripe_gateway.connect import name_of_connected

_ACCOUNT_ID = re.compile(r"acct_[A-Za-z0-9_]{1,250}")
_JOIN_AT_ONCE = 500
_ACTOR = "operator"


@click.group("connections")
def group() -> None:
    """Connect Stripe accounts to companies."""


@group.command("authorize")
@company_option
@click.option("--account", "account_id", required=True, metavar="acct_…")
@click.option("--test", "is_test", is_flag=True, help="The account is connected in test mode.")
@as_json
def authorize_command(company_id: int, account_id: str, *, is_test: bool, is_json: bool) -> None:
    """Record an account that a company connected elsewhere.

    Requests the company's first sync, and moves events parked for the account to its log.
    """
    if not _ACCOUNT_ID.fullmatch(account_id):
        raise click.BadParameter("expected a Stripe account id such as acct_1Abc", param_hint="--account")
    account, now = Account(account_id, livemode=not is_test), utc_now()
    by = Agreement(account_name=_name_at_stripe(account_id))
    with transaction() as connection:
        refuse_unknown_company(connection, company_id)
        try:
            authorization = authorize(connection, company_id, account, now=now, actor=_ACTOR, by=by)
        except AccountTakenError as error:
            raise click.ClickException("the account or the company is already connected elsewhere") from error
        sync_run_id = _first_sync(connection, company_id, now) if authorization.is_new else None
    if sync_run_id is not None:
        wake_sync()
    joined = _join_parked(company_id)
    fact = {"company_id": company_id, "account_id": account_id, "livemode": account.livemode}
    if is_json:
        print_json(fact | {"is_new": authorization.is_new, "joined": joined, "sync_run_id": sync_run_id})
    else:
        mode = "test" if is_test else "live"
        click.echo(
            f"Company {company_id} owns {account_id} ({mode}); {counted(joined, 'parked event')} moved to its log."
        )
        if sync_run_id is not None:
            click.echo(f"Requested its first sync. Follow it with: flask sync {company_id} --wait")


def _name_at_stripe(account_id: str) -> str | None:
    environment = Environment.of_process()
    key = environment.optional("STRIPE_SECRET_KEY")
    return name_of_connected(account_id, key, api_base=environment.optional("STRIPE_API_BASE")) if key else None


def _first_sync(connection: Connection, company_id: int, now: datetime) -> int:
    return int(request_sync(connection, company_id, trigger="initial", actor=_ACTOR, now=now).id)


def _join_parked(company_id: int) -> int:
    joined = 0
    while True:
        with transaction() as connection:
            moved = join_parked_events(connection, company_id, limit=_JOIN_AT_ONCE)
        joined += moved
        if moved < _JOIN_AT_ONCE:
            return joined
