"""`flask projections`: inspect and repair the tables made from the log."""

import click

from commands import rebuilding
from commands.terminal import as_json, company_option, print_json, print_table, refuse_unknown_company, transaction
from projections.engine.skips import NotStuckThereError, Skip, UnknownEventError, skip_event, skip_forged_event
from projections.engine.status import projection_status, resume_company
from projections.registry import BY_NAME
from projections.revenue.fold import NAME
from runtime.clock import utc_now


@click.group("projections")
def group() -> None:
    """Manage the tables made from the log."""


for command in (rebuilding.rebuild, rebuilding.verify, rebuilding.rollback, rebuilding.cancel, rebuilding.prune):
    group.add_command(command)


@group.command("status")
@as_json
def status(*, is_json: bool) -> None:
    """Show how far each company's tables are. Folded up to `position` of the log's `head`, and why any halted."""
    with transaction() as connection:
        rows = [projection._asdict() for projection in projection_status(connection)]
    if is_json:
        print_json({"projections": rows})
    else:
        print_table(rows, empty="No company has a projection yet.")


@group.command("resume")
@company_option
@as_json
def resume(company_id: int, *, is_json: bool) -> None:
    """Resume a halted company from the event it halted at. Fix the cause first."""
    with transaction() as connection:
        refuse_unknown_company(connection, company_id)
        resumed = resume_company(connection, company_id)
    if is_json:
        print_json({"company_id": company_id, "resumed": resumed})
    elif resumed:
        click.echo(f"Resumed company {company_id}: {', '.join(resumed)}.")
    else:
        click.echo(f"Company {company_id} has nothing waiting or halted.")


@group.command("skip")
@company_option
@click.option("--projection", "name", type=click.Choice(list(BY_NAME)), default=NAME, show_default=True)
@click.option("--position", type=click.IntRange(1), required=True, help="Position of the event it is stuck at.")
@click.option("--reason", required=True, help="Recorded in the log along with the skip.")
@click.option("--forged", is_flag=True, help="Stripe never sent the event: all projections skip it once rebuilt.")
@as_json
def skip(company_id: int, name: str, position: int, reason: str, *, forged: bool, is_json: bool) -> None:
    """Permanently skip an event that a projection cannot fold. The projection will lack its data."""
    if forged:
        _skip_forged(company_id, position, reason, is_json=is_json)
        return
    try:
        with transaction() as connection:
            refuse_unknown_company(connection, company_id)
            fact = skip_event(
                connection, Skip(name, company_id, position), reason=reason, now=utc_now(), actor="operator"
            )
    except NotStuckThereError as error:
        raise click.ClickException(str(error)) from error
    if is_json:
        print_json({"company_id": company_id, "projection": name, "position": position, "fact": fact})
    else:
        click.echo(f"{name} of company {company_id} skips position {position}. Position {fact} records this.")


def _skip_forged(company_id: int, position: int, reason: str, *, is_json: bool) -> None:
    try:
        with transaction() as connection:
            refuse_unknown_company(connection, company_id)
            fact = skip_forged_event(connection, company_id, position, reason=reason, now=utc_now(), actor="operator")
    except UnknownEventError as error:
        raise click.ClickException(str(error)) from error
    if is_json:
        print_json({"company_id": company_id, "position": position, "fact": fact})
    else:
        click.echo(f"Position {position} of company {company_id} will be skipped. Position {fact} records this.")
        click.echo(f"Now run: flask projections rebuild --company {company_id}")
