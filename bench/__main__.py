"""`python -m bench NAME`: figures as JSON on stdout, progress on stderr."""

import json

import click

from bench import ingest, rebuild


@click.group()
def main() -> None:
    """Measure the product beside its floor."""


@main.command("ingest")
@click.option("--requests", default=2500, show_default=True, help="Webhooks of one turn.")
@click.option("--repeats", default=9, show_default=True, help="Turns of each; their median counts.")
@click.option("--seconds", default=30, show_default=True, help="Length of the constant load.")
@click.option("--per-second", default=200, show_default=True, help="Webhooks a second of the constant load.")
def ingest_command(requests: int, repeats: int, seconds: int, per_second: int) -> None:
    """Signed 6 KB webhooks through gunicorn and PostgreSQL, with fsync and synchronous_commit on."""
    figures = ingest.run(requests=requests, repeats=repeats, seconds=seconds, per_second=per_second)
    click.echo(json.dumps(figures, indent=2))


@main.command("rebuild")
@click.option("--events", default=200_000, show_default=True, help="Events of all companies together.")
@click.option("--companies", default=50, show_default=True, help="Companies; the n-th has a share of 1/n.")
@click.option("--workers", default=2, show_default=True, help="Processes that rebuild, or read.")
@click.option("--repeats", default=3, show_default=True, help="Turns of each; their median counts.")
def rebuild_command(events: int, companies: int, workers: int, repeats: int) -> None:
    """Fold logs of 6 KB events anew, beside reading and decoding them alone."""
    figures = rebuild.run(events=events, companies=companies, workers=workers, repeats=repeats)
    click.echo(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main(prog_name="python -m bench")
