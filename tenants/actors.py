"""Names for people to read of those whom facts mention: `user:5`, `api_key:3`, `invitation:7`."""

from collections.abc import Iterable

from sqlalchemy import Connection, func, select

from tenants.people.link_tables import invitation
from tenants.tables import api_key, user_account


def names_of(connection: Connection, company_id: int, mentions: Iterable[str | None]) -> dict[str, str]:
    """Return what each mention is called, as far as it is known: a person's address, a key's name, who was invited."""
    ids: dict[str, set[int]] = {}
    for mention in mentions:
        kind, _, number = (mention or "").partition(":")
        if number.isascii() and number.isdigit():
            ids.setdefault(kind, set()).add(int(number))
    called = func.coalesce(func.nullif(api_key.c.name, ""), api_key.c.prefix)
    wanted = {
        "user": select(user_account.c.id, user_account.c.email).where(user_account.c.id.in_(ids.get("user", ()))),
        "api_key": select(api_key.c.id, called).where(
            api_key.c.company_id == company_id, api_key.c.id.in_(ids.get("api_key", ()))
        ),
        "invitation": select(invitation.c.id, invitation.c.email).where(
            invitation.c.company_id == company_id, invitation.c.id.in_(ids.get("invitation", ()))
        ),
    }
    return {
        f"{kind}:{number}": name
        for kind, query in wanted.items()
        if kind in ids
        for number, name in connection.execute(query)
    }
