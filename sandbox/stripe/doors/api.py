"""`/v1`: the reading part of Stripe's API, and an account's own webhook endpoints."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.doors.webhook_endpoints import answer_endpoints
from sandbox.stripe.http.access import Caller, caller_from_request, may_see
from sandbox.stripe.http.errors import ApiError, missing, no_access
from sandbox.stripe.http.expansion import expand
from sandbox.stripe.http.limits import RateLimits
from sandbox.stripe.http.messages import Answer, Request, json_answer
from sandbox.stripe.http.parameters import ListParameters, integer, list_parameters, narrow_to
from sandbox.stripe.http.resources import RESOURCES, Resource
from sandbox.stripe.records.records import CreditNote, Event, Invoice
from sandbox.stripe.render.render import render_account, render_event, to_bytes

Json = dict[str, Any]


class Api:
    """The handler of requests under `/v1`. If `limits` is None, there are no rate limits."""

    def __init__(self, stripe: SimulatedStripe, limits: RateLimits | None = None) -> None:
        self._stripe = stripe
        self._limits = limits

    def answer(self, request: Request) -> Answer:
        """Answer a request.

        :raises ApiError: Stripe refuses it
        """
        caller = caller_from_request(self._stripe, request)
        if self._limits is not None:
            self._limits.take(caller.account.id, request.operation, livemode=caller.livemode)
        if request.path.startswith("/v1/webhook_endpoints"):
            answer = answer_endpoints(self._stripe, request, caller)
        else:
            answer = self._read(request, caller)
        answer.headers["Stripe-Version"] = caller.shape.version
        if caller.on_behalf is not None:
            answer.headers["Stripe-Account"] = caller.on_behalf
        return answer

    def _read(self, request: Request, caller: Caller) -> Answer:
        if request.method == "GET":
            match request.path.strip("/").split("/"):
                case ["v1", "account"]:
                    return self._account(caller, caller.account.id)
                case ["v1", "accounts", account_id]:
                    return self._account(caller, account_id)
                case ["v1", name] if name in RESOURCES:
                    return _list(request, caller, RESOURCES[name])
                case ["v1", "invoices", invoice_id, "lines"]:
                    return _invoice_lines(request, caller, invoice_id)
                case ["v1", "credit_notes", note_id, "lines"]:
                    return _credit_note_lines(request, caller, note_id)
                case ["v1", name, identifier] if name in RESOURCES:
                    return _object(request, caller, RESOURCES[name], identifier)
        message = (
            f"Unrecognized request URL ({request.method}: {request.path}). Please see https://stripe.com/docs or we "
            "can help at https://support.stripe.com/."
        )
        raise ApiError(404, message)

    def _account(self, caller: Caller, account_id: str) -> Answer:
        account = self._stripe.accounts.get(account_id)
        visible = account_id == caller.account.id or may_see(self._stripe, caller.access, account_id)
        if account is None or not visible:
            raise no_access(caller.key, account_id)
        return json_answer(render_account(account.id, name=account.name, created=account.created))


def _list(request: Request, caller: Caller, resource: Resource) -> Answer:
    caller.must_have(resource.permission)
    wanted = list_parameters(request.query, filters=resource.filters, many=resource.many)
    if "created" in wanted.filters:
        narrow_to(wanted, integer(wanted.filters["created"], "created"))
    wanted.created_from = max(wanted.created_from, resource.oldest(caller.ledger))
    records, keep = resource.select(caller.ledger, wanted)

    def cursor(identifier: str, param: str) -> object:
        record = resource.find(caller.ledger, identifier)
        if record is None or getattr(record, "deleted", False):
            raise missing(resource.noun, identifier, param=param, status=400)
        return record

    page = records.page(wanted.page_request(cursor), keep)
    if resource.noun == "event":
        return _list_answer(request, b",".join(_event(event) for event in page.records), has_more=page.has_more)
    documents = [caller.ledger.renderer.render(record, caller.shape) for record in page.records]
    return _documents(request, caller, wanted, (documents, page.has_more))


def _invoice_lines(request: Request, caller: Caller, invoice_id: str) -> Answer:
    caller.must_have("rak_invoice_read")
    invoice: Invoice = _record(caller, RESOURCES["invoices"], invoice_id)
    renderer = caller.ledger.renderer
    lines = [(line.id, partial(renderer.line, line, invoice, caller.shape)) for line in invoice.lines]
    return _lines(request, caller, "invoice line item", lines)


def _credit_note_lines(request: Request, caller: Caller, note_id: str) -> Answer:
    caller.must_have("rak_credit_note_read")
    note: CreditNote = _record(caller, RESOURCES["credit_notes"], note_id)
    renderer = caller.ledger.renderer
    lines = [(line.id, partial(renderer.credit_note_line, line, caller.shape)) for line in note.lines]
    return _lines(request, caller, "credit note line item", lines)


def _lines(request: Request, caller: Caller, noun: str, lines: Sequence[tuple[str, Callable[[], Json]]]) -> Answer:
    wanted = list_parameters(request.query, filters=())
    places = {line_id: place for place, (line_id, _) in enumerate(lines)}

    def place_of(line_id: str, param: str) -> int:
        if line_id not in places:
            raise missing(noun, line_id, param=param, status=400)
        return places[line_id]

    first, last = 0, len(lines)
    if wanted.ending_before is not None:
        last = place_of(wanted.ending_before, "ending_before")
        first = max(last - wanted.limit, 0)
        has_more = first > 0
    else:
        if wanted.starting_after is not None:
            first = place_of(wanted.starting_after, "starting_after") + 1
        has_more = last > first + wanted.limit
        last = min(last, first + wanted.limit)
    return _documents(request, caller, wanted, ([render() for _, render in lines[first:last]], has_more))


def _object(request: Request, caller: Caller, resource: Resource, identifier: str) -> Answer:
    caller.must_have(resource.permission)
    record = _record(caller, resource, identifier)
    wanted = list_parameters(request.query, filters=())
    if isinstance(record, Event):
        return Answer(200, _event(record), {"Content-Type": "application/json"})
    if getattr(record, "deleted", False):
        return json_answer({"id": record.id, "object": resource.noun, "deleted": True})
    document = caller.ledger.renderer.render(record, caller.shape)
    expand(document, wanted.expand, caller)
    return json_answer(document)


def _record(caller: Caller, resource: Resource, identifier: str) -> Any:  # noqa: ANN401 - whatever the resource holds
    record = resource.find(caller.ledger, identifier)
    if record is None:
        elsewhere = resource.find(caller.account.ledger(livemode=not caller.livemode), identifier)
        other_mode = None if elsewhere is None else ("test" if caller.livemode else "live")
        raise missing(resource.noun, identifier, param=resource.param, other_mode=other_mode)
    return record


def _event(event: Event) -> bytes:
    # The first version is the account's own at the time: the header of the request does not change a recorded event.
    return render_event(event, next(iter(event.data)))


def _documents(request: Request, caller: Caller, wanted: ListParameters, page: tuple[list[Json], bool]) -> Answer:
    documents, has_more = page
    expand({"data": documents}, wanted.expand, caller)
    return _list_answer(request, b",".join(map(to_bytes, documents)), has_more=has_more)


def _list_answer(request: Request, items: bytes, *, has_more: bool) -> Answer:
    more = b"true" if has_more else b"false"
    url = to_bytes(request.path)
    body = b'{"object":"list","data":[%s],"has_more":%s,"url":%s}' % (items, more, url)
    return Answer(200, body, {"Content-Type": "application/json"})
