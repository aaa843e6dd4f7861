"""`flask recognition`: check what is recognized."""

import sys

import click

from commands.rebuilding import one_company
from commands.terminal import as_json, counted, print_json, refuse_unknown_company, snapshot
from projections.builds.recomputed import recompute
from tenants.companies import list_companies


@click.group("recognition")
def group() -> None:
    """Check what is recognized."""


@group.command("verify")
@one_company
@as_json
def verify(company_id: int | None, *, is_json: bool) -> None:
    """Derive what is recognized a second way, and compare parts, months and sums. Exits with 1 if they differ."""
    with snapshot() as connection:
        refuse_unknown_company(connection, company_id)
        ids = [company_id] if company_id is not None else [company.id for company in list_companies(connection)]
        found = [one for one in (recompute(connection, each) for each in ids) if one is not None]
    if is_json:
        print_json({"companies": [one._asdict() | {"equal": one.is_equal} for one in found]})
    for one in () if is_json else found:
        verdict = "equal" if one.is_equal else "different"
        click.echo(f"Company {one.company_id}, position {one.position}: {counted(one.parts, 'part')}, {verdict}.")
        for difference in one.differences:
            click.echo(f"  {difference}")
    sys.exit(0 if all(one.is_equal for one in found) else 1)
