"""Say what was wrong with bytes that never became a request: in the one shape of every problem."""

import json
from http import HTTPStatus

from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)

from app.problems.codes import CODES
from app.problems.document import problem_document

_CODES = {
    LimitRequestLine: "address_too_long",
    LimitRequestHeaders: "headers_too_large",
    UnsupportedTransferCoding: "unsupported_transfer_coding",
    ExpectationFailed: "expectation_failed",
}


def wire_problem(error: ParseException, request_id: str) -> bytes:
    """Give the whole answer to what could not be read as HTTP. It repeats nothing of what was sent."""
    code = next((told for kind, told in _CODES.items() if isinstance(error, kind)), "bad_request")
    status, detail = CODES[code]
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
