"""`flask companies export`: everything that is kept about a company, as files to hand over."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import click
from sqlalchemy import Connection

from commands.terminal import as_json, counted, json_text, print_json, refuse_unknown_company, snapshot
from events.log.chains import chain_head
from events.log.epochs import current_epoch
from events.log.exported import exported_conflicts, exported_events
from events.log.read import head_of
from runtime.clock import utc_now
from tenants.exporting import stream_rows, tables_of_company

_FORMAT = 1
_REPORTED_EVERY = 100_000


@click.command("export")
@click.argument("company_id", metavar="COMPANY", type=click.IntRange(1, 2**63 - 1))
@click.argument("directory", metavar="DIRECTORY", type=click.Path(file_okay=False, path_type=Path))
@as_json
def export(company_id: int, directory: Path, *, is_json: bool) -> None:
    """Write everything that is kept about a company to a new directory: its log and tables, without secrets.

    All of it is of one moment. The directory appears once it is whole, and must not exist before, unless it is empty.
    """
    with _new_directory(directory) as unfinished, snapshot() as connection:
        refuse_unknown_company(connection, company_id)
        manifest = _export(connection, company_id, unfinished)
        _write(unfinished, "manifest.json", [json_text(manifest)])
    if is_json:
        print_json(manifest)
    else:
        click.echo(f"Company {company_id} is exported to {directory}: see manifest.json for counts and hashes.")


@contextmanager
def _new_directory(directory: Path) -> Iterator[Path]:
    """Yield a directory beside the one that is wanted, which only its owner may read, and rename it at the end."""
    directory = directory.absolute()
    try:
        if directory.is_dir() and any(directory.iterdir()):
            raise click.ClickException(f"{directory} is not empty: name another directory")
        unfinished = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
        try:
            yield unfinished
            unfinished.rename(directory)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    except OSError as error:
        raise click.ClickException(f"{error.filename or directory}: {error.strerror}") from error


def _export(connection: Connection, company_id: int, into: Path) -> dict[str, object]:
    events = map(json_text, exported_events(connection, company_id))
    conflicts = map(json_text, exported_conflicts(connection, company_id))
    files = [_write(into, "events.jsonl", events), _write(into, "event_conflicts.jsonl", conflicts)]
    tables = tables_of_company(connection)
    (into / "tables").mkdir()
    files += [
        _write(into, f"tables/{table.name}.jsonl", stream_rows(connection, table, company_id)) for table in tables
    ]
    head = chain_head(connection, company_id)
    return {
        "format": _FORMAT,
        "company_id": company_id,
        "exported_at": utc_now(),
        "events": head_of(connection, company_id),
        "head": None if head is None else str(head),
        "epoch": current_epoch(connection),
        "files": files,
        "left_out": {table.name: table.left_out for table in tables if table.left_out},
    }


def _write(into: Path, name: str, lines: Iterable[str]) -> dict[str, object]:
    """Write lines to a file, durably, and return its name with its number of rows and bytes and its hash."""
    digest, rows, size = sha256(), 0, 0
    with (into / name).open("wb") as file:
        for line in lines:
            written = line.encode() + b"\n"
            digest.update(written)
            size += file.write(written)
            rows += 1
            if rows % _REPORTED_EVERY == 0:
                click.echo(f"{name}: {counted(rows, 'row')} so far", err=True)
        file.flush()
        os.fsync(file.fileno())
    click.echo(f"{name}: {counted(rows, 'row')}", err=True)
    return {"name": name, "rows": rows, "bytes": size, "sha256": digest.hexdigest()}
