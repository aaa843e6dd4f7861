"""`flask db`: the schema."""

import click

from commands.terminal import as_json, database, print_json
from migrations.run import current_step, upgrade


@click.group("db")
def group() -> None:
    """Look after the database's schema."""


@group.command("upgrade")
@as_json
def upgrade_command(*, is_json: bool) -> None:
    """Migrate to the schema of this release. Safe to run again, and while an older release serves."""
    with database() as engine:
        upgrade(engine)
        with engine.connect() as connection:
            step = current_step(connection)
    print_json({"step": step}) if is_json else click.echo(f"The database is at step {step}.")
