"""`flask companies`: create and list companies."""

import click

from commands.terminal import as_json, print_json, print_table, transaction
from tenants.companies import add_company, list_companies


@click.group("companies")
def group() -> None:
    """Create and list companies."""


@group.command("create")
@click.argument("name")
@as_json
def create(name: str, *, is_json: bool) -> None:  # noqa: ARG001 - prints JSON either way, as the contract requires
    """Create a company and print it as JSON with its id."""
    if not name.strip():
        raise click.BadParameter("the name must not be blank", param_hint="NAME")
    with transaction() as connection:
        company = add_company(connection, name.strip())
    print_json({"id": company.id, "name": company.name})


@group.command("list")
@as_json
def list_command(*, is_json: bool) -> None:
    """List all companies."""
    with transaction() as connection:
        companies = list_companies(connection)
    rows = [{"id": company.id, "name": company.name, "created_at": company.created_at} for company in companies]
    if is_json:
        print_json({"companies": rows})
    else:
        print_table(rows, empty="No companies yet. Create one: flask companies create NAME")
