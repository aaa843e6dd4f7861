"""`flask projections`: how far the tables have come."""

import click

from commands import rebuilding
from commands.terminal import as_json, company_option, print_json, print_table, transaction
from projections.status import projection_status, resume_company


@click.group("projections")
def group() -> None:
    """Look after what is made from the log."""


for command in (rebuilding.rebuild, rebuilding.verify, rebuilding.rollback, rebuilding.cancel, rebuilding.prune):
    group.add_command(command)


@group.command("status")
@as_json
def status(*, is_json: bool) -> None:
    """Show every company's standing: folded up to `position` of the log's `head`, and why it halted if it did."""
    with transaction() as connection:
        rows = [standing._asdict() for standing in projection_status(connection)]
    if is_json:
        print_json({"projections": rows})
    else:
        print_table(rows, empty="No company has a projection yet.")


@group.command("resume")
@company_option
@as_json
def resume(company_id: int, *, is_json: bool) -> None:
    """Let a company that halted go on, from the event it halted at. Do it when the cause is mended."""
    with transaction() as connection:
        resumed = resume_company(connection, company_id)
    if is_json:
        print_json({"company_id": company_id, "resumed": resumed})
    elif resumed:
        click.echo(f"Company {company_id} goes on: {', '.join(resumed)}.")
    else:
        click.echo(f"Nothing of company {company_id} was waiting or halted.")
