"""Answer with a problem: RFC 9457 for programs, a page for people."""

from collections.abc import Mapping

from flask import Response, current_app, g, json, render_template, request

from app.http.request_log import request_uuid
from app.pages.settings.settings_page import settings_page
from app.problems.codes import PROBLEMS, Problem
from app.problems.document import problem_document

RETRY_AFTER_SECONDS = "5"

# Answers of these packages' views are read by people, those of all others by programs.
_READ_BY_PEOPLE = ("app.auth.", "app.connect.", "app.pages.")


def problem(
    code: str, detail: str | None = None, *, headers: Mapping[str, str] | None = None, **members: object
) -> Response:
    """Return the answer for a known problem. The detail defaults to its remedy; `members` are added to the document."""
    known = PROBLEMS[code]
    retry = {"Retry-After": RETRY_AFTER_SECONDS} if known.status == 503 else {}  # noqa: PLR2004 - service unavailable
    return answer_with(known, detail or known.remedy, headers=retry | dict(headers or {}), **members)


def answer_with(
    known: Problem, detail: str, *, headers: Mapping[str, str] | None = None, **members: object
) -> Response:
    """Return the answer for a problem, whether or not `PROBLEMS` contains it."""
    body = problem_document(known.status, known.code, detail, request_id=str(request_uuid())) | members
    if is_read_by_people():
        response = Response(_page_of(known, body), known.status, headers)
    else:
        response = Response(json.dumps(body) + "\n", known.status, headers, mimetype="application/problem+json")
    response.headers["Cache-Control"] = "private, no-store"
    return response


def invalid(errors: list[dict[str, str]]) -> Response:
    """Return the answer for an invalid request; each error says where it is and what is wrong there."""
    return problem("invalid_request", "Parts of the request cannot be used; see errors.", errors=errors)


def is_read_by_people() -> bool:
    """Return whether a person reads the answer: it comes from a view of the pages, or a browser asks for a page."""
    if request.url_rule is None:
        is_program = f"{request.path}/".startswith("/v1/")
        return not is_program and request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
    blueprint = current_app.blueprints.get(request.blueprint or "")
    return blueprint is not None and blueprint.import_name.startswith(_READ_BY_PEOPLE)


def _page_of(known: Problem, body: Mapping[str, object]) -> str:
    if "HX-Request" in request.headers:
        # The page's script requests a part of the page, and shows the answer in its place.
        return render_template("problem_part.html", problem=body)
    if known.is_shown_in_settings and "principal" in g:
        return settings_page(body)
    heading = known.heading or "That didn't work"
    return render_template("problem.html", problem=body, heading=heading, leads_to_settings=known.leads_to_settings)
