"""`flask api-keys`: keys for programs."""

import click

from commands.terminal import as_json, company_option, print_json, transaction
from tenants.api_keys import ROLES, Role, create_api_key
from tenants.companies import find_company


@click.group("api-keys")
def group() -> None:
    """Make API keys."""


@group.command("create")
@company_option
@click.option("--role", type=click.Choice(ROLES), required=True)
@as_json
def create(company_id: int, role: Role, *, is_json: bool) -> None:
    """Make a key for a company and show it, this once: only its hash is kept."""
    with transaction() as connection:
        if find_company(connection, company_id) is None:
            raise click.ClickException(f"there is no company {company_id}: see flask companies list")
        made = create_api_key(connection, company_id, role)
    if is_json:
        print_json(made._asdict())
    else:
        click.echo(made.key)
        click.echo(f"A {role} key of company {company_id}. It is not shown again.", err=True)
