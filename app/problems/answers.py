"""Say what went wrong in one shape: RFC 9457 for programs, a page for people."""

from collections.abc import Mapping

from flask import Response, g, json, render_template, request

from app.http.request_log import request_uuid
from app.pages.settings.settings_page import settings_page
from app.problems.codes import TOLD_ON_THE_SETTINGS
from app.problems.document import problem_document

RETRY_AFTER_SECONDS = "5"

_READ_BY_PEOPLE = frozenset(
    {
        "connect",
        "connection forms",
        "integrations",
        "line drawer",
        "provider sign in",
        "revenue chart",
        "revenue mapping",
        "sign in",
        "sync pages",
    }
)


def problem(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: object
) -> Response:
    """Give the answer that tells of a problem; `members` are told besides what every problem tells."""
    body = problem_document(status, code, detail, request_id=str(request_uuid())) | members
    if is_read_by_people():
        response = Response(_page_of(body), status, headers)
    else:
        response = Response(json.dumps(body) + "\n", status, headers, mimetype="application/problem+json")
    response.headers["Cache-Control"] = "private, no-store"
    return response


def not_found() -> Response:
    """Give the one answer for what is absent and for what is another company's."""
    return problem(404, "not_found", "There is nothing here, or nothing that you may see.")


def invalid(errors: list[dict[str, str]]) -> Response:
    """Give the answer for what cannot be used; each error says where it stands, and what is wrong with it."""
    return problem(422, "invalid_request", "Some of what was sent cannot be used; see errors.", errors=errors)


def unavailable(detail: str) -> Response:
    """Give the answer for what may well be asked again soon."""
    return problem(503, "unavailable", detail, headers={"Retry-After": RETRY_AFTER_SECONDS})


def is_read_by_people() -> bool:
    """Tell whether the answer is for a person's eyes."""
    if request.url_rule is None:
        is_program = f"{request.path}/".startswith("/v1/")
        return not is_program and request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
    return request.blueprint in _READ_BY_PEOPLE


def _page_of(body: Mapping[str, object]) -> str:
    if "HX-Request" in request.headers:
        # A part of a page is asked for by the page's script, which puts the answer where the part would be.
        return render_template("problem_part.html", problem=body)
    if body["code"] in TOLD_ON_THE_SETTINGS and "principal" in g:
        return settings_page(body)
    return render_template("problem.html", problem=body)
