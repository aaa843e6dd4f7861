"""`flask events`: inspect, verify and export the event log."""

import sys

import click

from commands.terminal import (
    as_json,
    company_option,
    counted,
    print_json,
    print_table,
    refuse_unknown_company,
    snapshot,
    transaction,
)
from events.log.audit import conflict_count, log_status, parked_count, verify_logs
from events.log.read import RecordedEvent, stream_events


@click.group("events")
def group() -> None:
    """Inspect the event log."""


@group.command("status")
@as_json
def status(*, is_json: bool) -> None:
    """Count events per company, parked events and contradictory bodies."""
    with transaction() as connection:
        logs, parked, conflicts = log_status(connection), parked_count(connection), conflict_count(connection)
    rows = [log._asdict() for log in logs]
    if is_json:
        print_json({"companies": rows, "parked": parked, "conflicts": conflicts})
        return
    print_table(rows, empty="No company has any events yet.")
    waiting = counted(parked, "event is", "events are")
    contradictory = counted(conflicts, "body contradicts", "bodies contradict")
    click.echo(f"{waiting} parked until an account is connected; {contradictory} an event.")


@group.command("verify")
@as_json
def verify(*, is_json: bool) -> None:
    """Check that logs have no gaps and end at their heads, and that bodies match their hashes. Exits with 1 if not."""
    with snapshot() as connection:
        verdicts = list(verify_logs(connection))
    is_whole = not any(verdict.faults for verdict in verdicts)
    if is_json:
        print_json({"whole": is_whole, "companies": [verdict._asdict() for verdict in verdicts]})
    else:
        for verdict in verdicts:
            faults = "; ".join(verdict.faults) or "whole"
            click.echo(f"company {verdict.company_id}: {counted(verdict.events, 'event')}, {faults}")
    sys.exit(0 if is_whole else 1)


@group.command("export")
@company_option
@as_json
def export(company_id: int, *, is_json: bool) -> None:  # noqa: ARG001 - JSON lines either way
    """Print a company's whole log as JSON lines. Oldest event first, with bodies exactly as received."""
    with snapshot() as connection:
        refuse_unknown_company(connection, company_id)
        for event in stream_events(connection, company_id):
            print_json(_exported(company_id, event))


def _exported(company_id: int, event: RecordedEvent) -> dict[str, object]:
    return {
        "company_id": company_id,
        **{name: value for name, value in event._asdict().items() if name != "payload_zstd"},
        "payload": event.payload.decode(),
        "payload_sha256": event.payload_sha256.hex(),
    }
