"""`flask mapping`: take streams and rules out and in, preview the draft, and publish it."""

import json
from pathlib import Path
from threading import Event
from typing import Any

import click
from sqlalchemy import Connection, Engine

from backlog.jobs import PREVIEW
from commands.mapping.csv_reading import Sheet, sheet_in
from commands.mapping.csv_writing import csv_of
from commands.mapping.words import imported_in_words, preview_as_json, preview_in_words
from commands.terminal import as_json, company_option, database, print_json, refuse_unknown_company, snapshot
from commands.waking import wake_workers
from events.connection.accounts import owned_account
from mapping.exchange import DraftInTheWayError, exported, import_mapping
from mapping.previews import (
    Preview,
    PreviewNotReadyError,
    PreviewStaleError,
    UnknownPreviewError,
    ask_to_publish,
    find_preview,
    preview_draft,
)
from mapping.recorded import BusyError, Desk, decided
from projections.mapping.problems import InvalidRulesError
from runtime.clock import utc_now
from runtime.database import within_company

_LOOK_SECONDS = 0.5
_UNDER_WAY = ("queued", "running", "publishing")
wait_option = click.option("--wait", "is_waiting", is_flag=True, help="Wait until a worker has done it.")


@click.group("mapping")
def group() -> None:
    """Export and import streams and rules, preview the draft, and publish it."""


@group.command("export")
@company_option
@click.option("--csv", "is_csv", is_flag=True, help="Print CSV instead of JSON.")
@click.option("--published", "is_published", is_flag=True, help="The published rules instead of the draft.")
@as_json
def export_command(company_id: int, *, is_csv: bool, is_published: bool, is_json: bool) -> None:
    """Print a company's streams and rules, for import."""
    with snapshot() as connection:
        refuse_unknown_company(connection, company_id)
        document = exported(connection, company_id, is_published=is_published)
    if is_json or not is_csv:
        click.echo(json.dumps(document, ensure_ascii=False, indent=None if is_json else 1))
    else:
        click.echo(csv_of(document), nl=False)


@group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@company_option
@click.option("--replace", "replaces_draft", is_flag=True, help="Replace a draft that has other rules.")
@as_json
def import_command(file: Path, *, company_id: int, replaces_draft: bool, is_json: bool) -> None:
    """Add and change the streams of FILE, JSON or CSV, and save its rules as the draft. It is all or nothing."""
    sheet, document = _document_in(file)
    with database() as engine:
        _refuse_unknown(engine, company_id)

        def decide(connection: Connection) -> Any:  # noqa: ANN401 - what import_mapping returns
            return import_mapping(_desk(connection, company_id), document, replaces_draft=replaces_draft)

        try:
            imported = decided(engine, company_id, decide)
        except InvalidRulesError as error:
            raise click.ClickException(_told(error, sheet)) from error
        except DraftInTheWayError as error:
            says = f"company {company_id} has a draft with other rules: discard it first, or pass --replace"
            raise click.ClickException(says) from error
        except BusyError as error:
            raise click.ClickException("others changed the mapping at the same time: try again") from error
    print_json(imported._asdict()) if is_json else click.echo(imported_in_words(imported))


@group.command("preview")
@company_option
@wait_option
@as_json
def preview_command(company_id: int, *, is_waiting: bool, is_json: bool) -> None:
    """Ask what the draft would change. With --wait, exits with 1 if that could not be worked out."""
    with database() as engine:
        _refuse_unknown(engine, company_id)
        with within_company(engine, company_id) as connection:
            account = owned_account(connection, company_id)
            livemode = account.livemode if account else True
            preview_id = preview_draft(_desk(connection, company_id), livemode=livemode)
        _finish(engine, company_id, preview_id, is_waiting=is_waiting, is_json=is_json)


@group.command("publish")
@click.argument("preview_id", metavar="PREVIEW", type=click.IntRange(1, 2**63 - 1))
@company_option
@click.option("--note", default=None, help="What changed and why.")
@wait_option
@as_json
def publish_command(preview_id: int, *, company_id: int, note: str | None, is_waiting: bool, is_json: bool) -> None:
    """Have the rules of a preview published. With --wait, exits with 1 if they were not."""
    with database() as engine:
        _refuse_unknown(engine, company_id)
        try:
            with within_company(engine, company_id) as connection:
                ask_to_publish(_desk(connection, company_id), preview_id, note)
        except UnknownPreviewError as error:
            raise click.ClickException(f"company {company_id} has no preview {preview_id}") from error
        except PreviewStaleError as error:
            raise click.ClickException("other rules were published since: preview the draft again") from error
        except PreviewNotReadyError as error:
            raise click.ClickException("the preview is not ready: see flask mapping preview --wait") from error
        _finish(engine, company_id, preview_id, is_waiting=is_waiting, is_json=is_json)


def _finish(engine: Engine, company_id: int, preview_id: int, *, is_waiting: bool, is_json: bool) -> None:
    wake_workers(PREVIEW)
    preview, pause = _found(engine, company_id, preview_id), Event()
    while is_waiting and preview.status in _UNDER_WAY:
        pause.wait(_LOOK_SECONDS)
        preview = _found(engine, company_id, preview_id)
    print_json(preview_as_json(preview)) if is_json else click.echo(preview_in_words(preview))
    if preview.status in ("failed", "stale", "canceled"):
        raise SystemExit(1)


def _found(engine: Engine, company_id: int, preview_id: int) -> Preview:
    with within_company(engine, company_id) as connection:
        return find_preview(connection, company_id, preview_id)


def _document_in(file: Path) -> tuple[Sheet | None, object]:
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix.lower() != ".csv":
            return None, json.loads(text)
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file} is not UTF-8") from error
    except ValueError as error:
        raise click.ClickException(f"{file} is not JSON: {error}. The name of a CSV file ends with .csv") from error
    sheet = sheet_in(text)
    return sheet, sheet.document


def _told(error: InvalidRulesError, sheet: Sheet | None) -> str:
    lines = []
    for problem in error.problems:
        row = sheet.row_of(problem.pointer) if sheet else None
        lines.append(f"{f'row {row}' if row else problem.pointer or '/'}: {problem.detail}")
    return "\n".join(["nothing was imported", *lines])


def _refuse_unknown(engine: Engine, company_id: int) -> None:
    with engine.begin() as connection:
        refuse_unknown_company(connection, company_id)


def _desk(connection: Connection, company_id: int) -> Desk:
    return Desk(connection, company_id, "operator", utc_now())
