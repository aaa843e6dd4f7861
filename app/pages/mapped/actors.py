"""Who saved, asked or published, in words."""

from collections.abc import Iterable

from app.wiring.tools import current_tools
from runtime.database import across_companies
from tenants.people.users import emails_of

_OTHERS = {"api_key": "an API key", "operator": "the operator"}


def names_of(actors: Iterable[str | None]) -> dict[str | None, str]:
    """Return actors with their names: the address of a person, former members included."""
    actors = set(actors)
    ids = {int(number) for kind, number in map(_split, actors) if kind == "user" and number.isdecimal()}
    emails = {}
    if ids:
        with across_companies(current_tools().engine) as connection:
            emails = emails_of(connection, ids)
    return {actor: _name(*_split(actor), emails) for actor in actors}


def _split(actor: str | None) -> tuple[str, str]:
    kind, _, number = (actor or "").partition(":")
    return kind, number


def _name(kind: str, number: str, emails: dict[int, str]) -> str:
    if kind == "user" and number.isdecimal():
        return emails.get(int(number), "somebody")
    return _OTHERS.get(kind, "somebody")
