"""`flask companies`: create, list, export and erase companies."""

from collections import Counter

import click
from sqlalchemy import Engine

from commands.company_export import export
from commands.terminal import as_json, counted, database, print_json, print_table, transaction
from events.log.chains import ChainHead
from runtime.clock import utc_now
from tenants.companies import add_company, find_company, list_companies
from tenants.erasing import (
    Erasure,
    NotOwnerError,
    StillConnectedError,
    UnknownCompanyError,
    erase_company,
    find_erasure,
)


@click.group("companies")
def group() -> None:
    """Create, list, export and erase companies."""


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


@group.command("erase")
@click.argument("company_id", metavar="COMPANY", type=click.IntRange(1, 2**63 - 1))
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask for the company's name.")
@as_json
def erase(company_id: int, *, is_sure: bool, is_json: bool) -> None:
    """Delete a company for good: its log, tables, keys, secrets and people. Safe to repeat, and to stop.

    Acts as the database's owner. What remains is that it was erased, and the head of its log.
    """
    with database(role=None) as engine:
        if not is_sure:
            _ask_for_name(engine, company_id)
        deleted = Counter[str]()
        try:
            for table, rows in erase_company(engine, company_id, actor="operator", now=utc_now()):
                deleted[table] += rows
        except NotOwnerError as error:
            raise click.ClickException("only the database's owner may erase: set DATABASE_OWNER_URL") from error
        except UnknownCompanyError as error:
            raise click.ClickException(f"there is no company {company_id}: see flask companies list") from error
        except StillConnectedError as error:
            says = f"company {company_id} is connected to Stripe: disconnect it first, under Settings, Integrations"
            raise click.ClickException(says) from error
        with engine.connect() as connection:
            erasure = find_erasure(connection, company_id)
    rows = sum(deleted.values())
    if is_json:
        print_json({"erasure": erasure and _shown(erasure), "deleted": dict(sorted(deleted.items()))})
    else:
        click.echo(f"Company {company_id} is erased; {counted(rows, 'row was', 'rows were')} deleted.")


group.add_command(export)


def _ask_for_name(engine: Engine, company_id: int) -> None:
    with engine.connect() as connection:
        company = find_company(connection, company_id)
    if company and click.prompt("Type the company's name to erase it for good", err=True).strip() != company.name:
        raise click.ClickException(f"that is not the name of company {company_id}: nothing was erased")


def _shown(erasure: Erasure) -> dict[str, object]:
    head = ChainHead(erasure.id, erasure.chain_position, erasure.chain_sha256) if erasure.chain_position else None
    return {
        "company_id": erasure.id,
        "erased_at": erasure.erased_at,
        "erased_by": erasure.erased_by,
        "events": erasure.events,
        "head": None if head is None else str(head),
    }
