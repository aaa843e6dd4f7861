"""`flask api-keys`: create, list and revoke the API keys of programs."""

import click

from commands.terminal import as_json, company_option, print_json, print_table, refuse_unknown_company, transaction
from runtime.clock import utc_now
from tenants.api_keys import UnknownApiKeyError, grant_api_key, list_api_keys, revoke_api_key
from tenants.roles import ROLES, Role


@click.group("api-keys")
def group() -> None:
    """Create, list and revoke API keys."""


@group.command("create")
@company_option
@click.option("--role", type=click.Choice(ROLES), required=True)
@as_json
def create(company_id: int, role: Role, *, is_json: bool) -> None:
    """Create an API key for a company. It is printed only once; only its hash is stored."""
    with transaction() as connection:
        refuse_unknown_company(connection, company_id)
        created = grant_api_key(connection, company_id, role, actor="operator", now=utc_now())
    if is_json:
        print_json(created._asdict())
    else:
        click.echo(created.key)
        click.echo(
            f"Created an API key for company {company_id} with role {role}. It will not be shown again.", err=True
        )


@group.command("list")
@company_option
@as_json
def list_command(company_id: int, *, is_json: bool) -> None:
    """List a company's API keys. Shows their first characters, last use, and whether they are revoked."""
    with transaction() as connection:
        refuse_unknown_company(connection, company_id)
        rows = [key._asdict() for key in list_api_keys(connection, company_id)]
    print_json({"api_keys": rows}) if is_json else print_table(
        rows, empty="No API keys yet. Create one: flask api-keys create …"
    )


@group.command("revoke")
@click.argument("key_id", metavar="KEY_ID", type=click.IntRange(1, 2**63 - 1))
@company_option
@as_json
def revoke(key_id: int, *, company_id: int, is_json: bool) -> None:
    """Revoke an API key, effective from the next request."""
    with transaction() as connection:
        try:
            is_newly_revoked = revoke_api_key(connection, company_id, key_id, actor="operator", now=utc_now())
        except UnknownApiKeyError as error:
            raise click.ClickException(f"company {company_id} has no key {key_id}: see flask api-keys list") from error
    if is_json:
        print_json({"id": key_id, "company_id": company_id, "revoked": is_newly_revoked})
    else:
        click.echo(f"Revoked key {key_id}." if is_newly_revoked else f"Key {key_id} was already revoked.")
