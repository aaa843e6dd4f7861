"""What commands share: the database they work on, and how they print: facts to stdout, the rest to stderr."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

import click
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, ProgrammingError

from events.database import open_engine
from events.environ import Environment

Command = TypeVar("Command", bound=Callable[..., object])

_NO_TIME_LIMIT_MS = 0

as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON on stdout.")
company_option = click.option("--company", "company_id", type=click.IntRange(min=1), required=True, metavar="ID")


def open_database() -> Engine:
    """Give an engine for this command.

    :raises SystemExit: code 2, when DATABASE_URL is missing
    """
    environment = Environment.of_process()
    database_url = environment.required("DATABASE_URL")
    environment.refuse_if_incomplete()
    return open_engine(database_url, name="command", pool_size=2, statement_timeout_ms=_NO_TIME_LIMIT_MS)


@contextmanager
def transaction() -> Iterator[Connection]:
    """Run a command's work in one transaction; say in a sentence when the database is not there or not migrated."""
    with _in_words(), open_database().begin() as connection:
        yield connection


@contextmanager
def snapshot() -> Iterator[Connection]:
    """Read for a command what stood at one moment, however long the reading takes; errors as in `transaction`."""
    engine = open_database().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with _in_words(), engine.begin() as connection:
        yield connection


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise click.ClickException(f"the database did not answer: {_first_line(error.orig)}") from error
    except ProgrammingError as error:
        raise click.ClickException(
            f"the database is not at this release's schema ({_first_line(error.orig)}): run 'flask db upgrade'"
        ) from error


def print_json(answer: object) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(answer, default=str, ensure_ascii=False))


def print_table(rows: Sequence[Mapping[str, object]], *, empty: str) -> None:
    """Print rows under their names, or say in a sentence that there are none."""
    if not rows:
        click.echo(empty)
        return
    names = list(rows[0])
    cells = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    for line in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    return "-" if value is None else str(value)


def _first_line(error: object) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
