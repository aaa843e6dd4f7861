"""`flask projections rebuild` and its related commands: verify, rollback, cancel and prune."""

import json
import sys
from collections.abc import Callable, Sequence

import click
from sqlalchemy import Engine

from commands.terminal import as_json, company_option, counted, database, print_json, refuse_unknown_company
from projections.builds.builds import abandon, begin_builds, unfinished_builds
from projections.builds.parallel import Progress, RebuildHaltedError, build_with
from projections.builds.rebuild import flip
from projections.builds.retired import NoSuchBuildError, drop_build, previous_build, retired_builds
from projections.builds.verify import Verdict, compare
from projections.engine.folding import Claim
from projections.registry import BY_NAME, names_shown
from projections.revenue.fold import NAME

one_company = click.option(
    "--company", "company_id", type=click.IntRange(1, 2**63 - 1), metavar="ID", help="Default: all."
)
some_projections = click.option(
    "--projection", "chosen", type=click.Choice(list(BY_NAME)), multiple=True, help="Default: all. May be repeated."
)
workers_option = click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Number of processes."
)


@click.command("rebuild")
@one_company
@some_projections
@workers_option
@click.option("--check", is_flag=True, help="Compare with the live tables first; keep those if anything differs.")
@as_json
def rebuild(company_id: int | None, chosen: Sequence[str], workers: int, *, check: bool, is_json: bool) -> None:
    """Rebuild tables from the log, then switch over. The live ones serve until then; readers notice nothing.

    Ctrl-C stops the rebuild, and the next run resumes it. Exits with 1 if an event cannot be folded, or if --check
    finds differences.
    """
    with database() as engine:
        with engine.begin() as connection:
            refuse_unknown_company(connection, company_id)
            begun = begin_builds(connection, company_id=company_id, chosen=chosen or tuple(BY_NAME))
        ready = _built(lambda: build_with(engine, begun, workers=workers, report=_report(is_json=is_json)))
        verdicts = [verdict for claim in ready for verdict in compare(engine, claim)] if check else []
        differing = {(verdict.company_id, verdict.projection) for verdict in verdicts if not verdict.is_equal}
        live = [
            flip(engine, claim)
            for claim in ready
            if not any((claim.company_id, name) in differing for name in names_shown(claim.projection))
        ]
    held_back = [verdict for verdict in verdicts if not verdict.is_equal]
    if is_json:
        print_json({"live": _builds_as_json(live), "differing": _as_json(held_back)})
    else:
        _print_verdicts(verdicts)
        kept_back = counted(len(differing), "was", "were")
        click.echo(f"{counted(len(live), 'build')} went live; {kept_back} held back.")
    sys.exit(1 if differing else 0)


@click.command("verify")
@one_company
@some_projections
@workers_option
@as_json
def verify(company_id: int | None, chosen: Sequence[str], workers: int, *, is_json: bool) -> None:
    """Rebuild from the log and compare with the live tables. Exits with 1 if they differ."""
    with database() as engine:
        with engine.begin() as connection:
            refuse_unknown_company(connection, company_id)
            begun = begin_builds(connection, company_id=company_id, chosen=chosen or tuple(BY_NAME), is_resumed=False)
        ready = _built(lambda: build_with(engine, begun, workers=workers, report=_report(is_json=is_json)))
        verdicts = [verdict for claim in ready for verdict in compare(engine, claim)]
        with engine.begin() as connection:
            abandon(connection, ready)
        for claim in ready:
            drop_build(engine, claim)
    if is_json:
        print_json({"companies": _as_json(verdicts)})
    else:
        _print_verdicts(verdicts)
    sys.exit(0 if all(verdict.is_equal for verdict in verdicts) else 1)


@click.command("rollback")
@company_option
@some_projections
@as_json
def rollback(company_id: int, chosen: Sequence[str], *, is_json: bool) -> None:
    """Switch back to the previous build. It is first brought up to the end of the log."""
    with database() as engine:
        try:
            with engine.begin() as connection:
                refuse_unknown_company(connection, company_id)
                earlier = [previous_build(connection, name, company_id) for name in chosen or (NAME,)]
            live = [flip(engine, claim) for claim in earlier]
        except NoSuchBuildError as error:
            raise click.ClickException(str(error)) from error
    if is_json:
        print_json({"live": _builds_as_json(live)})
    for claim in () if is_json else live:
        click.echo(f"Build {claim.build} of {claim.projection} is live again, at position {claim.position}.")


@click.command("cancel")
@one_company
@as_json
def cancel(company_id: int | None, *, is_json: bool) -> None:
    """Cancel unfinished rebuilds and delete what they wrote."""
    with database() as engine:
        with engine.begin() as connection:
            refuse_unknown_company(connection, company_id)
            builds = unfinished_builds(connection, company_id=company_id)
            abandon(connection, builds)
        _drop(engine, builds, is_json=is_json)


@click.command("prune")
@click.option(
    "--keep-days",
    type=click.IntRange(0),
    default=7,
    show_default=True,
    help="Keep builds replaced within this many days.",
)
@as_json
def prune(keep_days: int, *, is_json: bool) -> None:
    """Delete builds that were replaced long ago. Rollback to them is no longer possible."""
    with database() as engine:
        with engine.begin() as connection:
            builds = retired_builds(connection, days=keep_days)
        _drop(engine, builds, is_json=is_json)


def _drop(engine: Engine, builds: Sequence[Claim], *, is_json: bool) -> None:
    for build in builds:
        drop_build(engine, build)
    if is_json:
        print_json({"dropped": _builds_as_json(builds)})
    else:
        click.echo(f"Deleted {counted(len(builds), 'build')}.")


def _built(work: Callable[[], list[Claim]]) -> list[Claim]:
    try:
        return work()
    except RebuildHaltedError as error:
        raise click.ClickException(f"some events cannot be folded; the live tables are unchanged. {error}") from error


def _report(*, is_json: bool) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if is_json:
            fields = progress._asdict() | {"seconds_left": progress.seconds_left}
            click.echo(json.dumps(fields), err=True)
        elif sys.stderr.isatty():
            left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
            bar = f"{'█' * round(30 * progress.share):░<30} {progress.share:.0%}"
            click.echo(f"\r{bar}  {progress.per_second:,.0f} events/s{left}  ", nl=False, err=True)

    return report


def _builds_as_json(claims: Sequence[Claim]) -> list[dict[str, object]]:
    return [
        {
            "company_id": claim.company_id,
            "projection": claim.projection,
            "build": claim.build,
            "position": claim.position,
        }
        for claim in claims
    ]


def _as_json(verdicts: Sequence[Verdict]) -> list[dict[str, object]]:
    return [
        {
            "company_id": verdict.company_id,
            "projection": verdict.projection,
            "position": verdict.position,
            "equal": verdict.is_equal,
            "differences": verdict.differences,
        }
        for verdict in verdicts
    ]


def _print_verdicts(verdicts: Sequence[Verdict]) -> None:
    for verdict in verdicts:
        outcome = "equal" if verdict.is_equal else "; ".join(verdict.differences)
        click.echo(f"company {verdict.company_id}: {verdict.projection} at position {verdict.position}: {outcome}")
