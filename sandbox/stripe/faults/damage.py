"""Apply faults to requests and answers."""

import json
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.faults.faults import Fault, FaultKind
from sandbox.stripe.http.access import Caller, caller_from_request
from sandbox.stripe.http.errors import ApiError, missing, rate_limited
from sandbox.stripe.http.messages import Answer, Request, Wire
from sandbox.stripe.http.resources import RESOURCES
from sandbox.stripe.records.collection import PageRequest
from sandbox.stripe.records.records import Event
from sandbox.stripe.render.render import render_event, to_bytes

_HTML = b"<!DOCTYPE html>\n<html><head><title>Stripe</title></head><body><h1>We'll be right back.</h1></body></html>"


def request_under(fault: Fault, request: Request) -> Request:
    """Return the request to answer in place of the received one.

    :raises ApiError: the fault is a refusal
    """
    match fault.kind:
        case FaultKind.REPEATED_PAGE:
            return request.without("starting_after")
        case FaultKind.DELETED_CURSOR:
            cursor = dict(request.query).get("starting_after")
            if cursor is not None:
                lines = request.path.endswith("/lines")
                noun = "invoice line item" if lines else RESOURCES[request.path.split("/")[2]].noun
                raise missing(noun, cursor, param="starting_after", status=400)
        case FaultKind.RATE_LIMITED:
            refused = rate_limited("global-rate")
            if fault.retry_after is not None:
                refused.headers["Retry-After"] = str(fault.retry_after)
            raise refused
        case FaultKind.ERROR:
            raise ApiError(fault.status, "An unknown error occurred", kind="api_error")
        case _:
            pass
    return request


def answer_under(fault: Fault, answer: Answer, request: Request, stripe: SimulatedStripe) -> Answer:
    """Return the damaged answer."""
    wire = _wire_under(fault, len(answer.body))
    if wire is not None:
        return replace(answer, wire=wire)
    if fault.kind is FaultKind.HTML:
        return Answer(fault.status, _HTML, {"Content-Type": "text/html; charset=utf-8"})
    if fault.kind is FaultKind.TRUNCATED_JSON:
        return replace(answer, body=answer.body[: len(answer.body) // 2])
    if answer.status != HTTPStatus.OK:
        return answer
    return _page_under(fault, answer, request, stripe)


def _wire_under(fault: Fault, length: int) -> Wire | None:
    wires = {
        FaultKind.CUT_BODY: Wire(send_only=length // 2),
        FaultKind.RESET: Wire(reset=True),
        FaultKind.TIMEOUT: Wire(wait_ms=fault.milliseconds, silent=True),
        FaultKind.SLOW: Wire(wait_ms=fault.milliseconds),
        FaultKind.DRIP: Wire(wait_ms=fault.milliseconds, drip_bytes=max(fault.size, 1)),
        FaultKind.HUGE_BODY: Wire(pad_bytes=fault.size),
    }
    return wires.get(fault.kind)


def _page_under(fault: Fault, answer: Answer, request: Request, stripe: SimulatedStripe) -> Answer:
    page: dict[str, Any] = json.loads(answer.body)
    if page.get("object") != "list":
        return answer
    match fault.kind:
        case FaultKind.EMPTY_PAGE:
            page |= {"data": [], "has_more": True}
        case FaultKind.ENDS_EARLY:
            page["has_more"] = False
        case FaultKind.LOST_LINE:
            for invoice in page["data"]:
                invoice["lines"]["data"].pop()
                invoice["lines"]["total_count"] -= 1
        case FaultKind.FOREIGN_OBJECT:
            caller = caller_from_request(stripe, request)
            page["data"].insert(len(page["data"]) // 2, _foreign_object(stripe, caller, request))
        case FaultKind.DELETED_OBJECT:
            _delete_a_draft(page, fault.object_id, caller_from_request(stripe, request))
        case _:
            pass
    return replace(answer, body=to_bytes(page))


def _foreign_object(stripe: SimulatedStripe, caller: Caller, request: Request) -> dict[str, Any]:
    """Return another account's newest object of the listed kind; for a list of lines, a line of that invoice."""
    parts = request.path.split("/")
    for account in stripe.accounts.values():
        ledger = account.ledger(livemode=caller.livemode)
        if account is caller.account:
            continue
        page = RESOURCES[parts[2]].collection(ledger).page(PageRequest(limit=1))
        for record in page.records:
            if parts[-1] == "lines":
                return ledger.renderer.line(record.lines[0], record, caller.shape)
            if isinstance(record, Event):
                foreign: dict[str, Any] = json.loads(render_event(record, next(iter(record.data))))
                return foreign
            return ledger.renderer.render(record, caller.shape)
    message = "No other account has an object of this kind"
    raise ApiError(500, message, kind="api_error")


def _delete_a_draft(page: dict[str, Any], object_id: str | None, caller: Caller) -> None:
    invoices = caller.ledger.invoices
    wanted = [object_id] if object_id else [item["id"] for item in reversed(page["data"])]
    draft = next((name for name in wanted if name in invoices and invoices[name].status == "draft"), None)
    if draft is not None:
        caller.ledger.delete_invoice(draft)
