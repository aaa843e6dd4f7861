"""Open the database for commands and print their output: results to stdout, everything else to stderr."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

import click
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, OperationalError, ProgrammingError

from runtime.database import acting_as, open_engine
from runtime.environ import DATABASE_SCHEMES, Environment
from runtime.pooler_setting import pooled_from
from runtime.roles import OPERATOR, roles_from
from tenants.companies import find_company
from tenants.people.users import User, find_user

Command = TypeVar("Command", bound=Callable[..., object])

_NO_TIME_LIMIT_MS = 0
_NEEDS_SESSION = (
    "this needs a session, which the pooler does not give: set DATABASE_OWNER_URL to PostgreSQL's own address"
)

as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON to stdout.")
company_option = click.option("--company", "company_id", type=click.IntRange(1, 2**63 - 1), required=True, metavar="ID")


@contextmanager
def database(*, role: str | None = OPERATOR) -> Iterator[Engine]:
    """Open the database for a command, as its owner where DATABASE_OWNER_URL names one.

    Commands act in the operator's role; only what creates tables and roles acts as the owner itself (None).

    :raises click.ClickException: the database does not answer, or is not at this release's schema; or the owner would
        be pooled
    :raises SystemExit: code 2, if DATABASE_URL is missing or unusable
    """
    engine = _open(role)
    try:
        yield engine
    except OperationalError as error:
        _refuse_lacking_role(error, role)
        raise click.ClickException(f"the database did not answer: {_first_line(error.orig)}") from error
    except DataError as error:
        _refuse_lacking_role(error, role)
        raise
    except ProgrammingError as error:
        _refuse_lacking_role(error, role)
        reason = _first_line(error.orig)
        raise click.ClickException(
            f"the database is not at this release's schema ({reason}): run 'flask db upgrade'"
        ) from error
    finally:
        engine.dispose()


def _open(role: str | None) -> Engine:
    environment = Environment.of_process()
    has_roles, is_pooled = roles_from(environment), pooled_from(environment)
    if environment.optional("DATABASE_OWNER_URL"):
        # Always PostgreSQL's own address.
        database_url, is_pooled = environment.required_url("DATABASE_OWNER_URL", DATABASE_SCHEMES), False
    else:
        database_url = environment.required_url("DATABASE_URL", DATABASE_SCHEMES)
    environment.refuse_if_incomplete()
    if is_pooled and role is None:
        raise click.ClickException(_NEEDS_SESSION)
    engine = open_engine(
        database_url, name="command", pool_size=2, statement_timeout_ms=_NO_TIME_LIMIT_MS, is_pooled=is_pooled
    )
    return acting_as(engine, role, has_roles=has_roles)


def _refuse_lacking_role(error: DBAPIError, role: str | None) -> None:
    # Refused when a connection opens, or where connections are pooled, when a transaction begins.
    if f'"{role}"' in str(error.orig) or "permission denied to set role" in str(error.orig):
        raise click.ClickException(
            f"the database's user cannot act as {role}: run 'flask db upgrade' as the database's owner"
        ) from error


@contextmanager
def transaction() -> Iterator[Connection]:
    """Open one transaction for a command and commit it at the end; errors as in `database`."""
    with database() as engine, engine.begin() as connection:
        yield connection


@contextmanager
def snapshot() -> Iterator[Connection]:
    """Open a read-only snapshot of one moment, however long the command reads; errors as in `database`."""
    with database() as engine:
        snapshots = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with snapshots.begin() as connection:
            yield connection


def refuse_unknown_company(connection: Connection, company_id: int | None) -> None:
    """Raise `click.ClickException` if there is no company with this id; None stands for all companies."""
    if company_id is not None and find_company(connection, company_id) is None:
        raise click.ClickException(f"there is no company {company_id}: see flask companies list")


def known_user(connection: Connection, email: str) -> User:
    """Return the user with this address; raise `click.ClickException` if there is none."""
    user = find_user(connection, email)
    if user is None:
        raise click.ClickException("no user has this e-mail address")
    return user


def counted(number: int, one: str, several: str | None = None) -> str:
    """Return a number with what it counts: 1 event, 2,000 events. Without `several`, an s is added to `one`."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def print_json(answer: object) -> None:
    """Print a JSON document, as `json_text`."""
    click.echo(json_text(answer))


def json_text(answer: object) -> str:
    """Return a JSON document on one line, with datetimes as RFC 3339 in UTC."""
    return json.dumps(answer, default=_as_text, ensure_ascii=False)


def print_table(rows: Sequence[Mapping[str, object]], *, empty: str) -> None:
    """Print rows as a table with column names, or `empty` if there are none."""
    if not rows:
        click.echo(empty)
        return
    names = list(rows[0])
    cells = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    for line in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _as_text(value: object) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


def _cell(value: object) -> str:
    return "-" if value is None else str(value)


def _first_line(error: object) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
