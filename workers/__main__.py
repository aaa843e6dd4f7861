"""`python -m workers work | clock`: the processes that the Procfile runs."""

import sys

import click

from backlog.queues import JOB_OF
from runtime.logs import log_as_json
from runtime.processes import Command, keep_running
from runtime.role_check import refuse_missing_roles
from runtime.roles import OF_WORKERS
from workers.clock_process import run_clock
from workers.rq_worker import run_worker
from workers.wiring.settings import WorkerSettings
from workers.wiring.tools import current_tools


@click.group()
def main() -> None:
    """Run the background processes."""
    log_as_json()


@main.command()
@click.option("--queue", type=click.Choice(list(JOB_OF)), help="Work on this queue only, in this process.")
def work(queue: str | None) -> None:
    """Work on the queues, one process each, and restart any that dies."""
    settings = WorkerSettings.from_environ()
    if queue is not None:
        current_tools()
        run_worker(queue, settings.redis_url)
        return
    _refuse_missing_roles(settings)
    argv = [sys.executable, "-m", "workers", "work", "--queue"]
    keep_running([Command(name, [*argv, name]) for name in JOB_OF])


@main.command()
def clock() -> None:
    """Check every two seconds for work that no worker was woken for."""
    _refuse_missing_roles(WorkerSettings.from_environ())
    run_clock(current_tools())


def _refuse_missing_roles(settings: WorkerSettings) -> None:
    refuse_missing_roles(settings.database_url, OF_WORKERS, has_roles=settings.has_roles, is_pooled=settings.is_pooled)


if __name__ == "__main__":
    main(prog_name="python -m workers")
