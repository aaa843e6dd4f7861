"""`python -m bench NAME`: run a benchmark, with results as JSON on stdout and progress on stderr."""

import json

import click

from bench import backfill, catchup, crowds, disturbance, exports, ingest, mapping, pages, queries, rebuild, recognition
from bench.companies import run as measure_companies


@click.group()
def main() -> None:
    """Measure the product's performance."""


@main.command("ingest")
@click.option("--requests", default=2500, show_default=True, help="Webhooks of one turn.")
@click.option("--repeats", default=9, show_default=True, help="Turns of each; their median counts.")
@click.option("--seconds", default=30, show_default=True, help="Length of the constant load.")
@click.option("--per-second", default=200, show_default=True, help="Webhooks a second of the constant load.")
def ingest_command(requests: int, repeats: int, seconds: int, per_second: int) -> None:
    """Measure signed 6 KB webhooks through gunicorn and PostgreSQL, with fsync and synchronous_commit on."""
    figures = ingest.run(requests=requests, repeats=repeats, seconds=seconds, per_second=per_second)
    click.echo(json.dumps(figures, indent=2))


@main.command("backfill")
@click.option("--invoices", default=20_000, show_default=True, help="Of three lines, one in fifty of 25.")
@click.option("--latency-ms", default=50, show_default=True, help="What every answer of Stripe takes at least.")
@click.option("--syncs", default=2, show_default=True, help="The first reads everything, the others find nothing new.")
def backfill_command(invoices: int, latency_ms: int, syncs: int) -> None:
    """Measure the first sync of a large account, and compare it with the bound set by Stripe's rate limits."""
    click.echo(json.dumps(backfill.run(invoices=invoices, latency_ms=latency_ms, syncs=syncs), indent=2))


@main.command("rebuild")
@click.option("--events", default=200_000, show_default=True, help="Events of all companies together.")
@click.option("--companies", default=50, show_default=True, help="Companies; the n-th has a share of 1/n.")
@click.option("--workers", default=2, show_default=True, help="Processes that rebuild, or read.")
@click.option("--repeats", default=3, show_default=True, help="Turns of each; their median counts.")
def rebuild_command(events: int, companies: int, workers: int, repeats: int) -> None:
    """Measure rebuilding from logs of 6 KB events, and compare it with only reading and decoding them."""
    figures = rebuild.run(events=events, companies=companies, workers=workers, repeats=repeats)
    click.echo(json.dumps(figures, indent=2))


@main.command("catchup")
@click.option("--events", default=200_000, show_default=True, help="Events of all companies together.")
@click.option("--companies", default=50, show_default=True, help="Companies; the n-th has a share of 1/n.")
def catchup_command(events: int, companies: int) -> None:
    """Measure one worker catching up on logs of 6 KB events, and compare it with only reading and decoding them."""
    click.echo(json.dumps(catchup.run(events=events, companies=companies), indent=2))


@main.command("disturbance")
@click.option("--events", default=50_000, show_default=True, help="Events of all companies together.")
@click.option("--companies", default=20, show_default=True, help="Companies; the n-th has a share of 1/n.")
@click.option("--seconds", default=20, show_default=True, help="Length of the load.")
@click.option("--per-second", default=100, show_default=True, help="Webhooks a second.")
def disturbance_command(events: int, companies: int, seconds: int, per_second: int) -> None:
    """Measure webhooks at a constant rate and constant reads while everything is rebuilt again and again."""
    figures = disturbance.run(events=events, companies=companies, seconds=seconds, per_second=per_second)
    click.echo(json.dumps(figures, indent=2))


@main.command("companies")
@click.option("--companies", default=100_000, show_default=True, help="The most companies; one in a hundred is busy.")
def companies_command(companies: int) -> None:
    """Measure one event's fold, a sweep, a scrape and memory while there are ever more companies."""
    click.echo(json.dumps(measure_companies(companies=companies), indent=2))


@main.command("crowds")
@click.option("--sockets", default=2200, show_default=True, help="Sockets of each kind, taken anew when hung up on.")
@click.option("--seconds", default=10, show_default=True, help="Length of the webhooks beside each kind.")
@click.option("--per-second", default=20, show_default=True, help="Webhooks a second, each on a connection of its own.")
def crowds_command(sockets: int, seconds: int, per_second: int) -> None:
    """Measure webhooks while many clients hold sockets: idle, dripping heads or bodies, or not reading answers."""
    click.echo(json.dumps(crowds.run(sockets=sockets, seconds=seconds, per_second=per_second), indent=2))


@main.command("pages")
@click.option("--lines", default=1_000_000, show_default=True, help="Lines of the company's table.")
@click.option("--repeats", default=20, show_default=True, help="Turns of each page.")
def pages_command(lines: int, repeats: int) -> None:
    """Measure the page of a large table through gunicorn: first paint, scrolling fifty pages, figures and CSV."""
    click.echo(json.dumps(pages.run(lines=lines, repeats=repeats), indent=2))


@main.command("exports")
@click.option("--lines", default=1_000_000, show_default=True, help="Lines of the company's table.")
@click.option("--repeats", default=3, show_default=True, help="Turns of each export; their median counts.")
def exports_command(lines: int, repeats: int) -> None:
    """Measure CSV and Excel exports of a large table through gunicorn, and compare them with COPY alone."""
    click.echo(json.dumps(exports.run(lines=lines, repeats=repeats), indent=2))


@main.command("queries")
@click.option("--lines", default=1_000_000, show_default=True, help="Lines of the company's table.")
@click.option("--repeats", default=20, show_default=True, help="Turns of each read.")
def queries_command(lines: int, repeats: int) -> None:
    """Measure reads of a large table: pages, totals and months, now and as of past positions, and CSV rows."""
    click.echo(json.dumps(queries.run(lines=lines, repeats=repeats), indent=2))


@main.command("recognition")
@click.option("--lines", default=1_000_000, show_default=True, help="Lines of the company's table.")
@click.option("--repeats", default=20, show_default=True, help="Turns of each read.")
def recognition_command(lines: int, repeats: int) -> None:
    """Measure reports of recognized revenue and their explanations."""
    click.echo(json.dumps(recognition.run(lines=lines, repeats=repeats), indent=2))


@main.command("mapping")
@click.option("--lines", default=1_000_000, show_default=True, help="Lines of the company's table.")
@click.option("--repeats", default=20, show_default=True, help="Turns of each read.")
def mapping_command(lines: int, repeats: int) -> None:
    """Measure previews and publications of rules on a large table, its unmapped queue, and lists by stream."""
    click.echo(json.dumps(mapping.run(lines=lines, repeats=repeats), indent=2))


if __name__ == "__main__":
    main(prog_name="python -m bench")
