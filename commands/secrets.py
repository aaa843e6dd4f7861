"""`flask secrets`: show which keys seal secrets and what is lost with one, rotate them, and forget a lost one."""

from collections import Counter

import click
from sqlalchemy import select, union, union_all

from commands.sealing import secret_box
from commands.terminal import as_json, counted, print_json, print_table, transaction
from notices import resealing
from notices.tables import mail, webhook_secret
from tenants import lost_secrets
from tenants.people import factor_sealing
from tenants.people.factor_tables import second_factor
from tenants.secrets import DamagedSecretError, reseal_some
from tenants.tables import secret

# A sealed thing each.
_KEY_IDS = (
    select(secret.c.key_id),
    select(webhook_secret.c.key_id),
    select(mail.c.key_id).where(mail.c.key_id.is_not(None)),
    select(second_factor.c.key_id),
)
_ROOMS = (lost_secrets, factor_sealing, resealing)
_RESEALING = (reseal_some, factor_sealing.reseal_some, resealing.reseal_some)


_RECONNECT = "connect the company's account again, under Settings, Integrations"
_ENTER_KEY = "enter the account's restricted key again, under Settings, Integrations"
_REMEDIES = {
    "restricted_key": _ENTER_KEY,
    "webhook_secret": f"{_ENTER_KEY}: its endpoint at Stripe is replaced",
    "webhook_endpoint": f"{_ENTER_KEY}, and delete the old endpoint of revmap at Stripe",
    "access_token": _RECONNECT,
    "refresh_token": _RECONNECT,
    "second_factor": "flask users reset-second-factor, unless they have a recovery code: then that is enough",
    "endpoint_secret": "rotate the endpoint's secret, under Settings, Webhooks, and give the new one to its receiver",
    "mail": "nothing: it is given up after three days. Ask for a new link if it held one",
}


@click.group("secrets")
def group() -> None:
    """Manage the sealed secrets of connections, endpoints, second factors and e-mails. Requires ENCRYPTION_KEYS."""


@group.command("status")
@as_json
def status(*, is_json: bool) -> None:
    """Count the secrets sealed under each key, and name those that cannot be opened, with what to do about them."""
    box = secret_box()
    with transaction() as connection:
        sealed = Counter(connection.scalars(union_all(*_KEY_IDS)))
        lost = [one for room in _ROOMS for one in room.unopened(connection, box)]
    rows = [
        {"key_id": key, "secrets": count, "is_known": key in box.key_ids, "is_newest": key == box.newest}
        for key, count in sorted(sealed.items())
    ]
    told = [{**one._asdict(), "what_to_do": _REMEDIES[one.kind]} for one in lost]
    if is_json:
        print_json({"keys": rows, "lost": told})
        return
    print_table(rows, empty="No secrets yet.")
    if told:
        click.echo("\nThese cannot be opened. If you have their key, add it to ENCRYPTION_KEYS, at the end. If not:")
        print_table(told, empty="")


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
    except DamagedSecretError as error:
        raise click.ClickException(
            "a secret was changed outside of revmap and cannot be opened: see flask secrets status"
        ) from error
    with transaction() as connection:
        lacking = set(connection.scalars(union(*_KEY_IDS))) - box.key_ids
    if lacking:
        keys = ", ".join(sorted(lacking))
        raise click.ClickException(f"all else is resealed, but ENCRYPTION_KEYS lacks {keys}: add it back at the end")
    if is_json:
        print_json({"resealed": resealed, "key_id": box.newest})
    else:
        click.echo(f"Resealed {resealed} secrets. All are under key {box.newest}; older keys can be removed.")


@group.command("forget")
@click.argument("key_id", metavar="KEY_ID")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@as_json
def forget(key_id: str, *, is_sure: bool, is_json: bool) -> None:
    """Delete what is sealed under a key that is lost for good, so that the web process starts without it.

    See 'flask secrets status' first: it says what to do about each of them. People whose second factor is deleted sign
    in by their password alone until they turn on another.
    """
    if key_id in secret_box().key_ids:
        raise click.ClickException(f"ENCRYPTION_KEYS contains {key_id}: nothing under it is lost")
    if not is_sure:
        click.confirm(f"Delete all that is sealed under {key_id}, for good?", abort=True, err=True)
    with transaction() as connection:
        forgotten = sum(room.forget_sealed_under(connection, key_id) for room in _ROOMS)
    if is_json:
        print_json({"key_id": key_id, "forgotten": forgotten})
    else:
        click.echo(f"{counted(forgotten, 'secret')} under {key_id} deleted.")
