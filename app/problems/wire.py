"""Answer bytes that never became a request with a problem."""

import json
from http import HTTPStatus

from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)

from app.problems.codes import PROBLEMS
from app.problems.document import problem_document

_CODES = {
    LimitRequestLine: "address_too_long",
    LimitRequestHeaders: "headers_too_large",
    UnsupportedTransferCoding: "unsupported_transfer_coding",
    ExpectationFailed: "expectation_failed",
}


def wire_problem(error: ParseException, request_id: str) -> bytes:
    """Return the complete HTTP answer to bytes that could not be read as HTTP. It repeats nothing of what was sent."""
    code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), "bad_request")
    status, detail = PROBLEMS[code].status, PROBLEMS[code].remedy
    sent = json.dumps(problem_document(status, code, detail, request_id=request_id)).encode() + b"\n"
    lines = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Connection: close",
        "Content-Type: application/problem+json",
        "Cache-Control: private, no-store",
        f"X-Request-Id: {request_id}",
        f"Content-Length: {len(sent)}",
        "",
        "",
    )
    return "\r\n".join(lines).encode() + sent
