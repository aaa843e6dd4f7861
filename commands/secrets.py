"""`flask secrets`: show which keys seal the stored secrets, and rotate them."""

from collections import Counter

import click
from sqlalchemy import select, union_all

from commands.sealing import secret_box
from commands.terminal import as_json, print_json, print_table, transaction
from notices import resealing
from notices.tables import mail, webhook_secret
from tenants.people import factor_sealing
from tenants.people.factor_tables import second_factor
from tenants.secrets import DamagedSecretError, UnknownDataKeyError, reseal_some
from tenants.tables import secret

# A sealed thing each.
_KEY_IDS = (
    select(secret.c.key_id),
    select(webhook_secret.c.key_id),
    select(mail.c.key_id).where(mail.c.key_id.is_not(None)),
    select(second_factor.c.key_id),
)
_RESEALING = (reseal_some, factor_sealing.reseal_some, resealing.reseal_some)


@click.group("secrets")
def group() -> None:
    """Manage the sealed secrets of connections, endpoints, second factors and e-mails. Requires ENCRYPTION_KEYS."""


@group.command("status")
@as_json
def status(*, is_json: bool) -> None:
    """Count the secrets sealed under each key. Shows whether ENCRYPTION_KEYS contains the key."""
    box = secret_box()
    with transaction() as connection:
        sealed = Counter(connection.scalars(union_all(*_KEY_IDS)))
    rows = [
        {"key_id": key, "secrets": count, "is_known": key in box.key_ids, "is_newest": key == box.newest}
        for key, count in sorted(sealed.items())
    ]
    print_json({"keys": rows}) if is_json else print_table(rows, empty="No secrets yet.")


@group.command("rotate")
@as_json
def rotate(*, is_json: bool) -> None:
    """Reseal all secrets under the newest key. Can be interrupted and rerun, without downtime."""
    box, resealed = secret_box(), 0
    try:
        while True:
            with transaction() as connection:
                count = sum(reseal(connection, box) for reseal in _RESEALING)
            resealed += count
            if not count:
                break
            click.echo(f"{resealed} secrets resealed", err=True)
    except UnknownDataKeyError as error:
        raise click.ClickException(f"ENCRYPTION_KEYS lacks key {error}: add it back at the end") from error
    except DamagedSecretError as error:
        raise click.ClickException("a secret was changed outside of revmap and cannot be opened") from error
    if is_json:
        print_json({"resealed": resealed, "key_id": box.newest})
    else:
        click.echo(f"Resealed {resealed} secrets. All are under key {box.newest}; older keys can be removed.")
