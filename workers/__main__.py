"""`python -m workers work | clock`: the processes that the Procfile runs. Each loads what it runs, and no more."""

# ruff: noqa: PLC0415

import sys

import click

from backlog.jobs import JOB_OF
from runtime.loading import call_in_fork, loading
from runtime.logs import log_as_json
from runtime.processes import Command, keep_running
from runtime.roles import OF_WORKERS
from workers.wiring.settings import WorkerSettings


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
        with loading():
            from workers.rq_worker import loaded_worker

            worker = loaded_worker(queue, settings.redis_url)
        worker.work(logging_level="WARNING")
        return
    call_in_fork(lambda: _refuse_missing_roles(settings))
    argv = [sys.executable, "-m", "workers", "work", "--queue"]
    keep_running([Command(name, [*argv, name]) for name in JOB_OF])


@main.command()
def clock() -> None:
    """Check every two seconds for work that no worker was woken for."""
    settings = WorkerSettings.from_environ()
    with loading():
        from workers.clock_process import run_clock
        from workers.wiring.tools import current_tools

    _refuse_missing_roles(settings)
    run_clock(current_tools())


def _refuse_missing_roles(settings: WorkerSettings) -> None:
    from runtime.role_check import refuse_missing_roles

    refuse_missing_roles(settings.database_url, OF_WORKERS, has_roles=settings.has_roles, is_pooled=settings.is_pooled)


if __name__ == "__main__":
    main(prog_name="python -m workers")
