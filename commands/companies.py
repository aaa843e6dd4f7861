"""`flask companies`: create and list companies."""

import click

from commands.terminal import as_json, print_json, print_table, transaction
from tenants.companies import add_company, list_companies


@click.group("companies")
def group() -> None:
    """Create and list companies."""


@group.command("create")
@click.argument("name")
@click.option("--again", "is_again", is_flag=True, help="Create it even if there is a company with this name.")
@as_json
def create(name: str, *, is_again: bool, is_json: bool) -> None:
    """Create a company and print it as JSON with its id."""
    if not name.strip():
        raise click.BadParameter("the name must not be blank", param_hint="NAME")
    with transaction() as connection:
        known = next((one for one in list_companies(connection) if one.name == name.strip()), None)
        if known and not is_again:
            raise click.ClickException(f"company {known.id} has this name: use its id, or create another with --again")
        company = add_company(connection, name.strip())
    # JSON either way, as the contract requires; what people read goes to stderr.
    print_json({"id": company.id, "name": company.name})
    if not is_json:
        click.echo(f"Created company {company.id}, {company.name}. Add its first admin: flask users create …", err=True)


@group.command("list")
@as_json
def list_command(*, is_json: bool) -> None:
    """List all companies."""
    with transaction() as connection:
        companies = list_companies(connection)
    rows = [company._asdict() for company in companies]
    if is_json:
        print_json({"companies": rows})
    else:
        print_table(rows, empty="No companies yet. Create one: flask companies create NAME")
