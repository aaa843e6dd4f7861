"""The one format of every problem, whether Flask or the server below it answers (RFC 9457)."""

from http import HTTPStatus


def problem_document(status: int, code: str, detail: str, *, request_id: str) -> dict[str, object]:
    """Return a problem's members. `code` is stable for programs, `detail` is for people and says what to do."""
    return {
        "type": f"/docs#problem-{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
    }
