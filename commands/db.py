"""`flask db`: migrate the database schema."""

import click
from sqlalchemy.exc import ProgrammingError

from commands.terminal import as_json, database, print_json
from migrations.rights import RolesNotPermittedError
from migrations.run import current_step, upgrade
from runtime.database import acts_in_roles
from runtime.role_check import WITHOUT_ROLES

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
        except RolesNotPermittedError as error:
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
