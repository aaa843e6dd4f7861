"""`flask secrets`: what is sealed, and under which keys."""

from collections import Counter

import click
from sqlalchemy import select

from commands.terminal import as_json, print_json, print_table, transaction
from runtime.environ import Environment
from tenants.data_keys import data_keys_from
from tenants.secrets import DamagedSecretError, SecretBox, UnknownDataKeyError, reseal_some
from tenants.tables import secret


@click.group("secrets")
def group() -> None:
    """Look after the secrets of connections. Needs ENCRYPTION_KEYS."""


@group.command("status")
@as_json
def status(*, is_json: bool) -> None:
    """Show how many secrets are sealed under which key, and whether ENCRYPTION_KEYS holds it."""
    box = _box()
    with transaction() as connection:
        sealed = Counter(connection.execute(select(secret.c.key_id)).scalars())
    rows = [
        {"key_id": key, "secrets": count, "is_known": key in box.key_ids, "is_newest": key == box.newest}
        for key, count in sorted(sealed.items())
    ]
    print_json({"keys": rows}) if is_json else print_table(rows, empty="Nothing is sealed.")


@group.command("rotate")
@as_json
def rotate(*, is_json: bool) -> None:
    """Seal everything under the newest key. May be interrupted and run again, while everything else goes on."""
    box, resealed = _box(), 0
    try:
        while True:
            with transaction() as connection:
                count = reseal_some(connection, box)
            resealed += count
            if not count:
                break
            click.echo(f"{resealed} secrets resealed", err=True)
    except UnknownDataKeyError as error:
        raise click.ClickException(f"ENCRYPTION_KEYS lacks the key {error}: put it back at the end") from error
    except DamagedSecretError as error:
        raise click.ClickException("a secret was changed outside of revmap and does not open") from error
    if is_json:
        print_json({"resealed": resealed, "key_id": box.newest})
    else:
        click.echo(f"{resealed} secrets were resealed; all are under {box.newest}. Older keys may go.")


def _box() -> SecretBox:
    environment = Environment.of_process()
    keys = data_keys_from(environment, environment.required_list("ENCRYPTION_KEYS"))
    environment.refuse_if_incomplete()
    return SecretBox(keys)
