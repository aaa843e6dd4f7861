"""`flask events`: inspect, verify and export the event log."""

import sys

import click

from commands.terminal import (
    as_json,
    company_option,
    counted,
    database,
    print_json,
    print_table,
    refuse_unknown_company,
    snapshot,
    transaction,
)
from events.log.audit import LogStatus, LogVerdict, conflict_count, log_status, parked_count, verify_logs
from events.log.chains import (
    ChainedBeyondHeadError,
    ChainHead,
    InvalidHeadError,
    chain_head,
    chain_range,
    head_from_text,
)
from events.log.epochs import begin_epoch
from events.log.exported import exported_events

# A log does not grow while a range of it is chained.
_RANGE = 1000


@click.group("events")
def group() -> None:
    """Inspect the event log."""


@group.command("status")
@as_json
def status(*, is_json: bool) -> None:
    """Count events per company, parked events and contradictory bodies."""
    with transaction() as connection:
        logs, parked, conflicts = log_status(connection), parked_count(connection), conflict_count(connection)
    rows = [
        {**log._asdict(), "unchained": log.unchained, "head": None if log.head is None else str(log.head)}
        for log in logs
    ]
    if is_json:
        print_json({"companies": rows, "parked": parked, "conflicts": conflicts})
        return
    print_table(rows, empty="No company has any events yet.")
    waiting = counted(parked, "event is", "events are")
    contradictory = counted(conflicts, "body contradicts", "bodies contradict")
    click.echo(f"{waiting} parked until an account is connected; {contradictory} an event.")


def _noted_heads(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> list[ChainHead]:
    try:
        return [head_from_text(value) for value in values]
    except InvalidHeadError as error:
        raise click.BadParameter(f"{error} is not COMPANY:POSITION:HASH, as 'flask events status' prints it") from error


@group.command("verify")
@click.option("--continues", multiple=True, callback=_noted_heads, metavar="COMPANY:POSITION:HASH")
@as_json
def verify(continues: list[ChainHead], *, is_json: bool) -> None:
    """Check that logs are whole: no gaps, all bodies and the chain intact. Exits with 1 if not.

    With --continues, a log must also continue a head that was noted of it earlier. It may be given several times.
    """
    with snapshot() as connection:
        verdicts = list(verify_logs(connection, continues))
    is_whole = not any(verdict.faults for verdict in verdicts)
    if is_json:
        print_json({"whole": is_whole, "companies": [_shown(verdict) for verdict in verdicts]})
    else:
        for verdict in verdicts:
            faults = "; ".join(verdict.faults) or ("erased" if verdict.erased_at else "whole")
            unchained = f", {verdict.unchained:,} not chained yet" if verdict.unchained else ""
            head = f", head {verdict.head}" if verdict.head else ""
            click.echo(f"company {verdict.company_id}: {counted(verdict.events, 'event')}, {faults}{unchained}{head}")
    sys.exit(0 if is_whole else 1)


def _shown(verdict: LogVerdict) -> dict[str, object]:
    shown = {**verdict._asdict(), "head": None if verdict.head is None else str(verdict.head)}
    if verdict.erased_at is None:
        del shown["erased_at"]
    return shown


@group.command("restored")
@as_json
def restored(*, is_json: bool) -> None:
    """Tell programs that a backup was restored: cursors and ETags from before it end. Run it before anything starts."""
    with transaction() as connection:
        epoch = begin_epoch(connection)
    if is_json:
        print_json({"epoch": epoch})
    else:
        click.echo(f"Epoch {epoch} has begun: cursors and ETags of before are refused.")


def _damaged(log: LogStatus, how: str) -> click.ClickException:
    return click.ClickException(f"the log of company {log.company_id} {how}: see flask events verify")


@group.command("chain")
@as_json
def chain(*, is_json: bool) -> None:
    """Chain events that were appended before there were chains. Safe to repeat, and to stop."""
    chained = 0
    with database() as engine:
        with engine.connect() as connection:
            logs = [log for log in log_status(connection) if log.unchained]
        for log in logs:
            left = log.unchained
            while left:
                try:
                    with engine.begin() as connection:
                        before, left = left, chain_range(connection, log.company_id, most=_RANGE)
                except ChainedBeyondHeadError as error:
                    raise _damaged(log, "is chained beyond what its head says") from error
                if left >= before:
                    raise _damaged(log, "has a gap")
            chained += log.unchained
    if is_json:
        print_json({"chained": chained})
    else:
        click.echo(f"{counted(chained, 'event was', 'events were')} chained.")


@group.command("export")
@company_option
@as_json
def export(company_id: int, *, is_json: bool) -> None:  # noqa: ARG001 - JSON lines either way
    """Print a company's whole log as JSON lines. Oldest event first, with bodies exactly as received."""
    with snapshot() as connection:
        refuse_unknown_company(connection, company_id)
        head = chain_head(connection, company_id)
        for event in exported_events(connection, company_id):
            print_json(event)
    click.echo(f"head {head or 'none: nothing is chained'}", err=True)
