"""Routes for the sync history, the page of one sync, and the forms that start and cancel syncs."""

from flask import Blueprint, make_response, redirect, render_template, request
from flask.wrappers import Response

from app.api.syncing import ask_for_sync, found_run, is_over, stop_sync
from app.connect.state import health_in
from app.pages.forms import LONGEST_FORM_BYTES, to_settings
from app.pages.frame import for_member, framed
from app.pages.syncs.shown_runs import books_of, exponent, shown, with_names
from app.pages.syncs.words import detail_of
from app.wiring.tools import current_tools
from backlog.sync_vocabulary import DIFFERENCES
from backlog.syncs.requests import list_runs
from projections.reads.snapshots import snapshot_of
from runtime.database import within_company

blueprint = Blueprint("sync pages", __name__, url_prefix="/companies/<int:company_id>/syncs")

_RUNS_ON_A_PAGE = 25


@blueprint.before_request
def refuse_long_forms() -> None:
    """Limit the size of request bodies."""
    request.max_content_length = LONGEST_FORM_BYTES


@blueprint.get("")
@for_member("viewer")
def show_history(company_id: int) -> Response:
    """Show a page of syncs, newest first, starting after the cursor if there is one."""
    tools, cursor = current_tools(), request.args.get("cursor")
    before = tools.cursors.read_run(company_id, cursor) if cursor else None
    with snapshot_of(tools.engine, company_id) as snapshot:
        connection = health_in(snapshot.connection, company_id)
        runs = list_runs(snapshot.connection, company_id, limit=_RUNS_ON_A_PAGE + 1, before=before)
        page = runs[:_RUNS_ON_A_PAGE]
        rows = [shown(snapshot.connection, run) for run in page]
    older = tools.cursors.write_run(company_id, page[-1].id) if len(runs) > len(page) else None
    return framed(
        "syncs/history.html",
        here="syncs",
        stripe=connection,
        runs=with_names(rows, page),
        older=older,
        is_newest=not cursor,
        # The button that loads older syncs is replaced by them, so the focus moves to the first of them.
        is_continued="HX-Request" in request.headers,
    )


@blueprint.get("/<int:run_id>")
@for_member("viewer")
def show_sync(company_id: int, run_id: int) -> Response:
    """Show one sync: its progress, or its result."""
    with snapshot_of(current_tools().engine, company_id) as snapshot:
        row = found_run(snapshot.connection, company_id, run_id)
        connection = health_in(snapshot.connection, company_id)
        is_last = list_runs(snapshot.connection, company_id, limit=1)[0].id == run_id
        run = shown(snapshot.connection, row, has_details=True)
    return framed(
        "syncs/run.html",
        here="syncs",
        stripe=connection,
        run=with_names([run], [row])[0],
        is_last=is_last,
        books=books_of(run),
        kinds=DIFFERENCES,
        exponent=exponent,
        detail_of=detail_of,
    )


@blueprint.get("/<int:run_id>/progress")
@for_member("viewer")
def show_progress(company_id: int, run_id: int) -> Response:
    """Return the progress of a sync as a part of a page; once it is over, have the page load the result."""
    with within_company(current_tools().engine, company_id) as connection:
        row = found_run(connection, company_id, run_id)
        run = shown(connection, row)
    part = make_response(render_template("syncs/progress.html", run=run))
    if is_over(row):
        part.headers["HX-Trigger"] = "finished"
    return part


@blueprint.post("")
@for_member("editor")
def initiate_sync(company_id: int) -> Response:
    """Request a sync and redirect to the settings, which show it or the one already in progress."""
    ask_for_sync(company_id)
    return to_settings(company_id)


@blueprint.post("/<int:run_id>/cancel")
@for_member("editor")
def cancel_sync(company_id: int, run_id: int) -> Response:
    """Cancel a sync and redirect to its page."""
    stop_sync(company_id, run_id)
    return make_response(redirect(f"/companies/{company_id}/syncs/{run_id}", 303))
