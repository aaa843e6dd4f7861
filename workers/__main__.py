"""`python -m workers work | clock`: what the Procfile runs."""

import sys

import click

from backlog.queues import FETCH, PROJECTION, SYNC
from runtime.logs import log_as_json
from runtime.processes import Command, keep_running
from workers.clock_process import run_clock
from workers.rq_worker import run_worker
from workers.wiring.settings import WorkerSettings
from workers.wiring.tools import current_tools


@click.group()
def main() -> None:
    """Do the work that happens outside of requests."""
    log_as_json()


@main.command()
@click.option(
    "--queue", type=click.Choice([PROJECTION, FETCH, SYNC]), help="Work on this queue alone, in this process."
)
def work(queue: str | None) -> None:
    """Work on the queues, one process each; what dies is started again."""
    settings = WorkerSettings.from_environ()
    if queue is not None:
        current_tools()
        run_worker(queue, settings.redis_url)
        return
    argv = [sys.executable, "-m", "workers", "work", "--queue"]
    keep_running([Command(name, [*argv, name]) for name in (PROJECTION, FETCH, SYNC)])


@main.command()
def clock() -> None:
    """Look every two seconds for work that nobody woke a worker for."""
    run_clock(current_tools())


if __name__ == "__main__":
    main(prog_name="python -m workers")
