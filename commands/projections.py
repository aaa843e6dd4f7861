"""`flask projections`: how far the tables have come."""

import click

from commands.terminal import as_json, print_json, print_table, transaction
from projections.status import projection_status


@click.group("projections")
def group() -> None:
    """Look after what is made from the log."""


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
