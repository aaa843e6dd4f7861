"""`flask db`: migrate the database schema."""

import click
from sqlalchemy.exc import DBAPIError, ProgrammingError

from commands.terminal import as_json, database, print_json
from migrations.distribution_checks import TwoDeploymentsError
from migrations.rights import RolesNotPermittedError
from migrations.run import UnfitError, distribute_schema, upgrade
from migrations.steps import current_step
from runtime.database import acts_in_roles
from runtime.role_check import WITHOUT_ROLES
from runtime.sqlstates import sqlstate_of

_NOT_PERMITTED = "42501"


@click.group("db")
def group() -> None:
    """Migrate the database schema."""


@group.command("upgrade")
@as_json
def upgrade_command(*, is_json: bool) -> None:
    """Migrate to this release's schema. Safe to run again, and while an older release is serving."""
    with database(role=None) as engine:
        try:
            upgrade(engine)
        except (RolesNotPermittedError, UnfitError) as error:
            raise click.ClickException(str(error)) from error
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) != _NOT_PERMITTED:
                raise
            raise click.ClickException(str(error.orig).splitlines()[0]) from error
        if not acts_in_roles(engine):
            click.echo(WITHOUT_ROLES, err=True)
        with engine.connect() as connection:
            step = current_step(connection)
    print_json({"step": step}) if is_json else click.echo(f"The database is at step {step}.")


@group.command("distribute")
@as_json
def distribute_command(*, is_json: bool) -> None:
    """Distribute this deployment's schema in a Citus cluster. Safe to run again. Stop web, worker and clock before."""
    with database(role=None) as engine:
        try:
            schema, done = distribute_schema(engine)
        except (TwoDeploymentsError, UnfitError) as error:
            raise click.ClickException(f"nothing was changed: {error}") from error
        except DBAPIError as error:
            if sqlstate_of(error) is None:
                raise
            raise click.ClickException(
                f"it was refused: {str(error.orig).splitlines()[0]}; it may be repeated"
            ) from error
    if is_json:
        print_json({"schema": schema, "done": done})
    else:
        click.echo(
            "\n".join([*(f"{one[0].upper()}{one[1:]}." for one in done), f"The schema {schema} is distributed."])
        )
