"""`flask sync`: read a company's Stripe account now and prove the table."""

import json
import sys
from datetime import UTC, datetime

import click
from sqlalchemy import Engine

from backlog.syncs.report import run_as_json
from backlog.syncs.requests import request_sync
from commands.sync_progress import Progress, watch
from commands.sync_words import exit_code_of, in_words
from commands.terminal import as_json, database, refuse_unknown_company
from commands.waking import wake_sync
from events.connection.lifecycle import NotConnectedError
from runtime.clock import utc_now

_EXIT_INTERRUPTED = 130


@click.command("sync")
@click.argument("company_id", type=click.IntRange(1, 2**63 - 1), metavar="COMPANY")
@click.option("--wait", "is_waiting", is_flag=True, help="Wait for the sync to end, showing progress on stderr.")
@as_json
def command(company_id: int, *, is_waiting: bool, is_json: bool) -> None:
    """Sync a company now, or join its sync in progress. COMPANY is its id.

    With --wait, exits with 0 if the table is proven to equal Stripe's books, 3 if differences remain, and 1 if the sync
    failed or was canceled. Ctrl-C stops the waiting, not the sync.
    """
    with database() as engine:
        sync_run = _request(engine, company_id)
        wake_sync()
        if is_waiting:
            try:
                sync_run = watch(engine, sync_run, Progress(sys.stderr))
            except KeyboardInterrupt:
                click.echo(
                    f"Sync {sync_run['number']} is still running. Follow it with: flask sync {company_id} --wait",
                    err=True,
                )
                sys.exit(_EXIT_INTERRUPTED)
    click.echo(json.dumps(sync_run, default=_instant, ensure_ascii=False) if is_json else in_words(sync_run))
    sys.exit(exit_code_of(sync_run))


def _request(engine: Engine, company_id: int) -> dict[str, object]:
    with engine.begin() as connection:
        refuse_unknown_company(connection, company_id)
        try:
            run = request_sync(connection, company_id, trigger="manual", actor="operator", now=utc_now())
        except NotConnectedError as error:
            if error.status == "paused":
                raise click.ClickException(f"company {company_id}'s connection is paused: resume it first") from error
            raise click.ClickException(
                f"company {company_id} has no connected Stripe account: see flask connections authorize --help"
            ) from error
    return run_as_json(run)


def _instant(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(type(value))
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
